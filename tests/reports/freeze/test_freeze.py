"""A made-up run, frozen: what is stored, what is not, and what is refused."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dlvae.config.preset import resolve
from dlvae.stage.errors import UserError
from eval.rows import read_rows
from reports.claims import rules
from reports.freeze import __main__ as module
from reports.freeze.__main__ import command, stored_config
from reports.freeze.checks import BESIDE
from reports.freeze.lineage import ABSOLUTE, artefact_of, portable
from reports.freeze.machine import git_commit, machine
from reports.freeze.stored import load_stored
from reports.tables import inputs

ROOT = Path(__file__).parents[3]
CONFIG, PROTOCOLS = ROOT / "config", ROOT / "config" / "protocol"
WEIGHTS = "weights.safetensors"


def texts(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".safetensors"
    }


def strings(value):
    """Every text in a JSON or YAML value."""
    if isinstance(value, dict):
        yield from (text for item in value.values() for text in strings(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in strings(item))
    elif isinstance(value, str):
        yield value


@pytest.fixture
def run(made_up_run, tmp_path):
    """A copy of the run that may be spoilt; manifests name the files of the copy."""
    copy = tmp_path / "results" / made_up_run.name
    shutil.copytree(made_up_run, copy)
    for path in copy.rglob("*manifest.json"):
        path.write_text(path.read_text().replace(str(made_up_run), str(copy)))
    return copy


def spoil(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_frozen_are_scores_pages_manifests_and_judges_but_no_images(frozen):
    found = {p.relative_to(frozen.folder).as_posix() for p in frozen.folder.rglob("*")}
    pages = ["tables/table1", "tables/table2", "claims", "ablations", "evaluator_noise"]
    stages = ["data", "evaluator", "models", "curves", "samples", "features", "scores", "panels"]
    expected = {f"{page}.{kind}" for page in pages for kind in ("csv", "md")}
    expected |= {f"manifests/{stage}.jsonl" for stage in stages}
    expected |= {"index.json", "scores.csv", "pages.json"}
    expected |= {"config.yaml", "protocol.yaml"}
    for judge in ("evaluator/digits", "evaluator/digits_plain"):
        expected |= {f"{judge}/{file}" for file in ("card.json", "report.json", WEIGHTS)}
    assert {name for name in found if "." in name} == expected
    assert set(frozen.index["files"]) == expected - {"index.json"}


def test_the_reading_api_finds_what_was_frozen(frozen, made_up_run):
    again = load_stored("made_up", frozen.folder.parent)
    assert again.preset == "made_up" and again.datasets == ["digits"]
    assert again.protocol.label == again.index["protocol"]
    assert again.has_weights("digits")
    assert again.cards()["digits"]["accuracy"] == 0.97
    models = {name for name in again.manifests if name.startswith("models/")}
    assert models == {f"models/digits/{m}/seed0" for m in ("cvae", "ours", "ours_no_gan")}
    assert again.manifests["models/digits/cvae/seed0"]["images_seen"] == 11200


def test_a_lost_index_comes_back_from_git(frozen, tmp_path):
    shutil.copytree(frozen.folder, tmp_path / "made_up")
    (tmp_path / "made_up" / "index.json").unlink()
    with pytest.raises(UserError, match="with index.json, found none.* git checkout -- .*made_up"):
        load_stored("made_up", tmp_path)


def test_rows_are_those_of_the_run_sorted_by_file(frozen, made_up_run):
    files = [
        made_up_run / "scores" / "digits" / model / f"seed0.{family}.csv"
        for model, families in {
            "cvae": ("diversity", "inception"),
            "ours": ("diversity", "inception"),
            "ours_no_gan": ("inception",),  # the diversity of an ablation is on no page
            "real": ("diversity", "inception"),
        }.items()
        for family in families
    ]
    assert frozen.rows.equals(read_rows(files))


def test_nothing_stored_names_a_place_on_the_machine(frozen, made_up_run):
    for name, text in texts(frozen.folder).items():
        assert str(made_up_run.parent.parent) not in text and "somebody" not in text, name
        values = [yaml.safe_load(text)] if name.endswith((".json", ".yaml")) else []
        values += [json.loads(line) for line in text.splitlines()] if "jsonl" in name else []
        places = [s for value in values for s in strings(value) if ABSOLUTE.match(s)]
        assert not places, f"{name} names {places}"


def test_absolute_paths_and_roots_become_null_and_nothing_else():
    given = {"root": "images", "a": ["/x", "C:\\x", "~/x", "x/y", 3, None], "b": {"data_root": "d"}}
    expected = {"root": None, "a": [None, None, None, "x/y", 3, None], "b": {"data_root": None}}
    assert portable(given) == expected


def test_inputs_within_the_results_keep_their_relative_path(frozen):
    line = frozen.manifests["scores/digits/ours/seed0.inception"]
    assert line["inputs"]["features"]["path"] == "features/digits/ours/seed0.npz"
    assert line["wall_seconds"] >= 0 and line["peak_memory_mib"] > 0
    assert frozen.manifests["data/digits"]["config"]["root"] is None


def test_equal_results_give_equal_bytes_of_all_but_the_commit(
    frozen, made_up_run, freeze_run, tmp_path
):
    again = freeze_run(made_up_run, tmp_path / "made_up", commit="4567def")
    first, second = (texts(stored.folder) for stored in (frozen, again))
    index, other = (json.loads(part.pop("index.json")) for part in (first, second))
    assert first == second
    differing = {key for key in index if index[key] != other[key]}
    assert differing == {"commit", "sha256"}
    assert index["machine"] == machine()


def test_large_weights_are_known_by_their_hash(made_up_run, freeze_run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 100)
    stored = freeze_run(made_up_run, tmp_path / "made_up")
    assert not stored.has_weights("digits")
    assert not list(stored.folder.rglob("*.safetensors"))
    card = json.loads((stored.evaluator("digits") / "card.json").read_text())
    files = stored.manifests["evaluator/digits"]["files"]
    assert card["weights_sha256"] == files[WEIGHTS]


def test_results_that_are_out_of_date_are_refused(run, freeze_run, tmp_path):
    (run / "models" / "digits" / "ours" / "seed0" / WEIGHTS).write_bytes(b"other")
    with pytest.raises(UserError, match="models/digits/ours/seed0/weights.safetensors as it was"):
        freeze_run(run, tmp_path / "out")


def test_scores_of_another_protocol_are_refused(run, freeze_run, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text((PROTOCOLS / "v2.yaml").read_text().replace("draws: 2000", "draws: 2001"))
    with pytest.raises(UserError, match="ablations.csv: .*expected scores of protocol v2:"):
        freeze_run(run, tmp_path / "out", protocol=path)


def test_scores_of_two_evaluators_are_refused(run, freeze_run, tmp_path):
    path = run / "scores" / "digits" / "ours" / "seed0.inception.csv"
    judge = read_rows([path])["evaluator"].iloc[0]
    spoil(path, judge, "0" * 12)
    with pytest.raises(UserError, match="differ in evaluator"):
        freeze_run(run, tmp_path / "out")


def test_a_metric_of_two_families_is_refused(run, freeze_run, tmp_path):
    path = run / "scores" / "digits" / "ours" / "seed0.inception.csv"
    spoil(path, "label_fidelity", "d_intra_standard")
    with pytest.raises(UserError, match="d_intra_standard, which diversity measures too"):
        freeze_run(run, tmp_path / "out")


def test_a_page_that_does_not_follow_from_the_scores_is_refused(run, freeze_run, tmp_path):
    spoil(run / "tables" / "table1.md", "2.92", "3.92")
    with pytest.raises(UserError, match=r"table1.md: line 5, column 'IS'"):
        freeze_run(run, tmp_path / "out")


@pytest.mark.parametrize("file", ["claims.md", "samples/digits/ours/seed0.manifest.json"])
def test_what_is_missing_is_named(run, freeze_run, tmp_path, file):
    (run / file).unlink()
    with pytest.raises(UserError, match=file):
        freeze_run(run, tmp_path / "out")


def test_stale_files_of_an_earlier_freeze_go(made_up_run, freeze_run, tmp_path):
    (tmp_path / "out" / "tables").mkdir(parents=True)
    (tmp_path / "out" / "tables" / "gone.csv").write_text("x")
    assert "tables/gone.csv" not in freeze_run(made_up_run, tmp_path / "out").index["files"]


@pytest.mark.parametrize("preset", ["quick", "faces", "paper", "smoke"])
def test_the_stored_configuration_is_a_complete_preset(preset):
    local = {"data_root": "/some/where", "preset": preset}
    resolved = resolve(local, False, CONFIG)
    kept = stored_config(resolved, PROTOCOLS / f"{resolved['protocol']}.yaml")
    text = yaml.safe_dump(kept, sort_keys=False)
    again = resolve(yaml.safe_load(text), True, CONFIG)
    assert again == resolved | {"data_root": None}
    assert list(again["datasets"]) == list(resolved["datasets"])


def test_the_command_asks_for_local_data_where_they_were_used():
    config = {"preset": "faces", "data_root": None, "unlabelled_root": None, "datasets": {}}
    plain = "snakemake --cores all freeze --configfile reports/stored/faces/config.yaml"
    assert command(config) == plain
    assert command(config | {"data_root": "x"}) == f"{plain} --config data_root=PATH"
    own = {"faces": {"data": {"root": "x"}}}
    both = command(config | {"datasets": own, "unlabelled_root": "y"})
    assert both == f"{plain} --config data_root=PATH unlabelled_root=PATH"


def test_a_protocol_of_the_users_own_is_named_by_its_copy(tmp_path):
    config = {"preset": "quick", "protocol": str(tmp_path / "own.yaml")}
    kept = stored_config(config, tmp_path / "own.yaml")
    assert kept["protocol"] == "reports/stored/quick/protocol.yaml"


def test_the_files_beside_are_those_that_pages_read():
    assert [ROOT / name for name in BESIDE] == [inputs.PUBLISHED, rules.PATH]


def test_files_belong_to_artefacts():
    names = {
        "data/digits/card.json": "data/digits",
        "evaluator/digits_plain/card.json": "evaluator/digits_plain",
        "models/digits/ours/seed0/weights.safetensors": "models/digits/ours/seed0",
        "samples/digits/ours/seed0.npz": "samples/digits/ours/seed0",
        "features_plain/digits/ours/seed0.npz": "features_plain/digits/ours/seed0",
        "scores/digits/ours/seed0.inception.csv": "scores/digits/ours/seed0.inception",
        "config/protocol/v2.yaml": None,
    }
    assert {path: artefact_of(path) for path in names} == names


def git(folder, *arguments):
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_commit_says_whether_what_makes_results_was_changed(tmp_path):
    assert git_commit(tmp_path) == "unknown"
    stored = tmp_path / "reports" / "stored"
    stored.mkdir(parents=True)
    files = [tmp_path / "README.md", tmp_path / "code.py", stored / "index.json"]
    for file in files:
        file.write_text("first")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    clean = git_commit(tmp_path)
    assert len(clean) == 40
    files[0].write_text("second")
    files[2].write_text("second")
    (tmp_path / "untracked").write_text("second")
    assert git_commit(tmp_path) == clean
    files[1].write_text("second")
    assert git_commit(tmp_path) == f"{clean}-dirty"
    assert git_commit(stored) == "unknown"  # a folder of a checkout is none
