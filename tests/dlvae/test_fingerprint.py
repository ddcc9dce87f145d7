import sys

import pytest

from dlvae.fast import remembered
from dlvae.stage import fingerprint as module
from installed import install

TREE = {
    "dlvae/__init__.py": "",
    "dlvae/stage.py": '"""Doc."""\n'
    "from dlvae.helper import VALUE\n\n\ndef run():\n    return VALUE\n",
    "dlvae/helper.py": "VALUE = 1  # a comment\n",
    "dlvae/other.py": "VALUE = 5\n",
    "dlvae/lazy.py": "def run():\n    from dlvae.helper import VALUE\n    return VALUE\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project; the returned function edits a file and gives a stage's fingerprint."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(remembered, "cache_folder", lambda: tmp_path / "cache")
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def after(name=None, text=None, stage="dlvae.stage"):
        if name:
            (tmp_path / name).write_text(text)
        return anew(stage)

    yield after
    forget()


def forget():
    for function in vars(module).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def anew(*modules):
    """Return a fingerprint as a new process would."""
    forget()
    return module.fingerprint(*modules)


def test_comments_and_docstrings_do_not_count(project):
    before = project()
    assert project("dlvae/helper.py", "# more words\nVALUE = 1\n") == before
    text = TREE["dlvae/stage.py"].replace("Doc.", "Other words.")
    assert project("dlvae/stage.py", text) == before
    assert project("dlvae/helper.py", 'VALUE = 1\n"""What it is."""\n') == before


def test_a_number_in_an_imported_module_counts(project):
    before = project()
    assert project("dlvae/helper.py", "VALUE = 2\n") != before


def test_an_import_inside_a_function_counts(project):
    before = project(stage="dlvae.lazy")
    assert project("dlvae/helper.py", "VALUE = 2\n", stage="dlvae.lazy") != before


def test_an_unrelated_module_does_not_count(project):
    before = project()
    assert project("dlvae/other.py", "VALUE = 6\n") == before
    assert project("dlvae/new.py", "VALUE = 7\n") == before


def test_a_data_file_that_a_module_names_counts(project):
    source = 'PATH = "numbers.csv"\nVALUE = 1\n'
    without = project("dlvae/helper.py", source)
    first = project("dlvae/numbers.csv", "1\n")
    assert len({without, first, project("dlvae/numbers.csv", "2\n")}) == 3
    before = project()
    assert project("dlvae/unnamed.csv", "3\n") == before


def test_the_published_numbers_and_the_template_are_seen():
    assert [p.name for p in module._named_files("reports.tables.inputs")] == ["published.csv"]
    named = module._named_files("reports.report.__main__")
    parts = ["explorer.html.j2", "report.css.j2", "report.html.j2", "report.js.j2"]
    assert [p.name for p in named] == parts
    named = module._named_files("reports.studies.table2_scale")
    assert [p.name for p in named] == ["table2_scale.md.j2"]


def test_training_sees_the_loop_and_no_baseline():
    names = module.closure("dlvae.train.__main__")
    assert "dlvae.train.loop" in names and "dlvae.data.batches" in names
    assert not any(name.startswith(("baselines", "eval", "reports")) for name in names)


# Importing a package would fail: what counts is found without.
UNIMPORTABLE = "raise RuntimeError('imported')\n"
PACKAGE = {
    "theirs/__init__.py": UNIMPORTABLE,
    "theirs/models/__init__.py": UNIMPORTABLE,
    "theirs/models/gan.py": "from . import nets\nfrom ..losses import loss\nimport beside.tools\n"
    "import others\nimport dlvae.helper\nMODEL = None\n",
    "theirs/models/nets.py": "WIDTH = 1\n",
    "theirs/losses.py": "from theirs.constants import *\n\n\ndef loss():\n    return 1\n",
    "theirs/constants.py": "PATH = 'table.csv'\n",
    "theirs/table.csv": "1\n",
    "theirs/unused.py": "X = 1\n",
    "beside/tools.py": "X = 1\n",  # a namespace package
}
GAN = "theirs.models.gan"


@pytest.fixture
def package(project, tmp_path, monkeypatch):
    """An installed model, another distribution, and the small project; edits and fingerprints."""
    folder = install(tmp_path / "site", {"gan": f"{GAN}:MODEL"}, PACKAGE)
    install(folder, {}, {"others/__init__.py": "X = 1\n"}, name="others")
    monkeypatch.syspath_prepend(folder)

    def after(name=None, text=None, model=GAN):
        if name:
            path = folder / name if (folder / name).exists() else tmp_path / name
            path.write_text(text)
        return anew("dlvae.stage", model)

    return after


def test_what_counts_of_an_installed_model_is_found_without_importing_it(package):
    package()
    assert module.closure(GAN) == {
        *("theirs", "theirs.models", GAN, "theirs.models.nets"),
        *("theirs.losses", "theirs.constants", "beside.tools", "dlvae", "dlvae.helper"),
    }
    assert not {"theirs", "beside", "others"} & set(sys.modules)


@pytest.mark.parametrize("name", [name for name in PACKAGE if name != "theirs/unused.py"])
def test_an_edit_in_the_package_of_an_installed_model_counts(package, name):
    before = package()
    assert package(name, PACKAGE[name].replace("1", "2") + "Y = 2\n") != before
    assert package(name, PACKAGE[name]) == before


def test_an_edit_of_the_project_counts_for_an_installed_model(package):
    before = package()
    assert package("dlvae/helper.py", "VALUE = 2\n") != before


def test_comments_unused_modules_and_other_packages_do_not_count_for_an_installed_model(package):
    before = package()
    assert package("theirs/losses.py", f"# words\n{PACKAGE['theirs/losses.py']}") == before
    assert package("theirs/unused.py", "X = 2\n") == before
    assert package("others/__init__.py", "X = 2\n") == before


def test_an_installed_model_may_be_a_single_module(project, tmp_path, monkeypatch):
    folder = install(tmp_path / "site", {"mine": "just_mine:MODEL"}, {"just_mine.py": "X = 1\n"})
    monkeypatch.syspath_prepend(folder)
    before = anew("dlvae.stage", "just_mine")
    assert module.closure("just_mine") == {"just_mine"}
    (folder / "just_mine.py").write_text("X = 2\n")
    assert anew("dlvae.stage", "just_mine") != before


def test_a_module_that_is_nowhere_adds_nothing(project):
    assert anew("dlvae.stage", "nowhere.model") == anew("dlvae.stage")


def test_an_installed_package_changes_no_fingerprint_of_the_project(package):
    before = anew("dlvae.stage")
    package("theirs/losses.py", "X = 5\n")
    assert anew("dlvae.stage") == before


def test_what_a_python_adds_to_its_trees_does_not_count(project):
    """It is what Python 3.11 says of a module, so that stored fingerprints hold everywhere."""
    source = "def f(a, *b):\n    return a\n\n\nclass C:\n    d: int = 1\n"
    project("dlvae/stage.py", source)
    forget()
    assert module._normalised("dlvae.stage") == (
        "Module(body=[FunctionDef(name='f', args=arguments(posonlyargs=[], args=[arg(arg='a')], "
        "vararg=arg(arg='b'), kwonlyargs=[], kw_defaults=[], defaults=[]), "
        "body=[Return(value=Name(id='a', ctx=Load()))], decorator_list=[]), "
        "ClassDef(name='C', bases=[], keywords=[], body=[AnnAssign(target=Name(id='d', "
        "ctx=Store()), annotation=Name(id='int', ctx=Load()), value=Constant(value=1), simple=1)], "
        "decorator_list=[])], type_ignores=[])"
    )
    if sys.version_info >= (3, 12):  # those of a generic class do
        project("dlvae/stage.py", "class A[B]:\n    pass\n")
        forget()
        assert "type_params=[TypeVar(name='B'" in module._normalised("dlvae.stage")
