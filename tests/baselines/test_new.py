"""`python -m baselines new NAME`: a model that works, written whole or not at all."""

import ast
import sys
from pathlib import Path

import pytest

import baselines
from baselines import __main__ as new
from conformance import CHECKS, NET64, NUMERICAL_CHECKS, TASKS, Case, check_folder
from dlvae.stage import registry
from dlvae.stage.errors import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A checkout without baselines of its own, which the registry looks into."""
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "baselines"
    folder.mkdir()
    monkeypatch.setattr(registry, "BASELINES", folder)
    monkeypatch.setattr(baselines, "__path__", [*baselines.__path__, str(folder)])
    yield folder
    for name in [
        name
        for name in sys.modules
        if name.startswith(("baselines.just_written", "baselines.my_gan2"))
    ]:
        del sys.modules[name]


def test_a_new_model_keeps_to_the_whole_contract_as_it_is(folder):
    created = new.create("just_written", folder)
    assert created == folder / "just_written" and registry.model_names() == ["ours", created.name]
    check_folder(created)
    for task in TASKS.values():
        for check in CHECKS.values():
            check(Case("just_written", task))
    for check in NUMERICAL_CHECKS.values():
        check(Case("just_written", NET64, "bf16"))


def test_a_new_model_is_four_files_with_its_name_filled_in(folder):
    created = new.create("my_gan2", folder)
    texts = {path.name: path.read_text(encoding="utf-8") for path in created.iterdir()}
    assert set(texts) == {"__init__.py", "model.py", "options.py", "card.md"}
    assert not any("{{" in text for text in texts.values())
    classes = {n.name for n in ast.parse(texts["model.py"]).body if isinstance(n, ast.ClassDef)}
    assert classes == {"MyGan2"}
    assert texts["model.py"].endswith("MODEL = MyGan2\n")
    assert "pytest --model my_gan2" in texts["model.py"]
    assert registry.default_options("my_gan2") == {"d_z": None, "beta": 0.1}
    assert [path.name for path in folder.iterdir()] == ["my_gan2"]


@pytest.mark.parametrize("name", ["config", "tensor", "task", "generative_model", "f"])
def test_a_class_never_takes_a_name_that_the_module_uses(name):
    (model,) = [
        node
        for node in ast.parse(new.filled(name)["model.py"]).body
        if isinstance(node, ast.ClassDef)
    ]
    assert model.name.endswith("Model") and model.bases[0].id == "GenerativeModel"
    assert model.name != "GenerativeModel"


def test_the_template_is_no_model():
    assert "template" not in registry.model_names()
    with pytest.raises(UserError, match="unknown model 'template'"):
        registry.module_name("template")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mine", "identifier.*found 'Mine': python -m baselines new mine"),
        ("my-model", "found 'my-model': python -m baselines new my_model"),
        ("3d", "found '3d': python -m baselines new mine"),
        ("_x", "starts with a letter.*new x"),
        ("class", "identifier.*found 'class'"),
        ("größe", "identifier.*found 'größe'"),
        ("../x", "identifier.*found '../x'"),
        ("", "identifier.*found ''"),
        ("ours", "'ours' has a meaning of its own"),
        ("real", "'real' has a meaning of its own"),
        ("real_train", "real_train.*expected none of .*real_"),
        ("new", "'new' has a meaning of its own"),
        ("template", "'template' has a meaning of its own"),
        ("mine_semi", r"mine_semi.*\*_semi"),
        ("ours_mine", r"ours_mine.*ours_\*"),
        ("cvae", "'cvae' is there already, and nothing is overwritten"),
        ("conditional", "'conditional' is there already"),
        ("reports", "a folder called 'reports'.*pytest --model"),
    ],
)
def test_names_that_cannot_be_used_say_why(name, expected):
    before = sorted(registry.BASELINES.iterdir())
    with pytest.raises(UserError, match=expected):
        new.create(name)
    assert sorted(registry.BASELINES.iterdir()) == before


def test_nothing_is_overwritten(folder):
    kept = new.create("mine", folder) / "model.py"
    kept.write_text("MODEL = 1\n", encoding="utf-8")
    with pytest.raises(UserError, match="'mine' is there already"):
        new.create("mine", folder)
    assert kept.read_text(encoding="utf-8") == "MODEL = 1\n"


def test_nothing_is_left_of_a_folder_that_cannot_be_written_whole(folder, monkeypatch):
    write = Path.write_text

    def full(path, text, **options):
        if path.name == "model.py":
            raise OSError(28, "No space left on device")
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match="(?s)cannot write .*mine.*No space left.*entry-points"):
        new.create("mine", folder)
    assert not list(folder.iterdir())


def test_a_folder_that_came_in_between_is_kept(folder, monkeypatch):
    other = folder / "mine" / "model.py"

    def slow(name):
        other.parent.mkdir()
        other.write_text("MODEL = 1\n", encoding="utf-8")
        return {"model.py": "MODEL = 2\n"}

    monkeypatch.setattr(new, "filled", slow)
    with pytest.raises(UserError, match="cannot write"):
        new.create("mine", folder)
    assert other.read_text(encoding="utf-8") == "MODEL = 1\n"
    assert list(folder.iterdir()) == [other.parent]


def test_an_installed_package_is_left_alone_and_the_other_way_is_shown(tmp_path):
    folder = tmp_path / "site-packages" / "baselines"
    folder.mkdir(parents=True)
    with pytest.raises(UserError) as caught:
        new.create("mine", folder)
    message = str(caught.value)
    assert "expected a checkout" in message and not list(folder.iterdir())
    assert '[project.entry-points."dlvae.models"]\n  mine = "your_package.model:MODEL"' in message
    assert {path.name for path in new.TEMPLATE.iterdir()} > {"model.py.j2", "options.py.j2"}
    assert message.endswith(f"model.py.j2 and options.py.j2 in {new.TEMPLATE}")


def test_the_next_steps_name_the_model(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    steps = new.next_steps(new.create("mine", folder)).splitlines()
    assert steps[0].startswith("baselines/mine is a model that works")
    assert [step.strip() for step in steps[2:]] == [
        "pytest --model mine",
        "snakemake --cores all compare --config candidate=mine",
    ]
    assert steps[1].strip().startswith("edit baselines/mine/model.py")
