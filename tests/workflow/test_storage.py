"""Freezing and verifying as a user starts them."""

import json
import shutil

import pytest
import yaml

from asked import asked
from dlvae.stage.artefact import sha256_file, write_json
from reports.freeze.stored import load_stored
from reports.freeze.verify import code_notes
from workflow.plan import frozen
from workflow.plan.frozen import FrozenPlan

SMOKE = ["--configfile", "config/smoke.yaml"]
TRAINING = {"train", "train_longer", "train_semi", "fit_prior"}
TRAINING |= {"evaluator_member", "factors", "sample"}
STORED_TRAINING = "faces/cvae/seed0"
TINY = """\
preset: tiny
models: [cvae]
protocol: smoke
datasets:
  digits:
    network: { backbone: net32, width: 0.25, d_s: 8, d_u: 8 }
    train: { steps: 4, batch_size: 16 }
    evaluator: { arch: resnet9, width: 0.125, epochs: 1, batch_size: 64 }
"""


@pytest.mark.slow
@pytest.mark.long
def test_the_present_code_gives_the_stored_numbers():
    """Not at every commit: docs/releasing.md says how moved code is shown to give the same."""
    codes = json.loads(FrozenPlan(asked()).present_codes(None))
    assert len(codes["scores"]) > 20 and {"ours", "cvae"} < codes["models"].keys()
    assert code_notes(load_stored("quick"), codes) == []


def test_freezing_makes_every_page_and_the_scores_behind_them(repository, plan):
    found = plan(repository, "freeze", *SMOKE)
    assert found.returncode == 0, found.text
    pages = {"table": 4, "judge_claims": 1, "ablation_table": 1, "write_table2_scale": 1}
    pages |= {"write_evaluator_noise": 1, "collect_frozen": 1, "freeze": 1}
    assert {name: found.rules[name] for name in pages} == pages
    assert found.rules["panel"] == 7 and found.rules["draw"] == 6  # all may be published
    assert "report" not in found.rules


def test_freezing_a_finished_run_trains_nothing(finished, plan):
    found = plan(finished, "freeze", "--config", "preset=smoke")
    assert not TRAINING & set(found.rules)
    assert found.rules["write_evaluator_noise"] == found.rules["collect_frozen"] == 1


@pytest.fixture
def stored(repository):
    """Manifests of one cheap training and a dear one, stored in the copy."""
    folder = repository / "reports" / "stored" / "smoke"
    data = {"size": 64}
    for dataset, steps, model in (("synthetic_faces", 4, "cvae"), ("digits", 4, "ours")):
        name = f"{dataset}/{model}/seed7"
        common = {"preset": "smoke", "dataset": dataset}
        made = {"wall_seconds": 3.5, "threads": 1, "precision": "bf16"}
        lines = {
            "data": {"artefact": f"data/{dataset}", "config": common | {"root": None, "size": 32}},
            "models": {
                "artefact": f"models/{name}",
                "config": common | {"model": model, "seed": 7, "train": {"steps": steps}},
                "images_seen": 64,
            },
            "samples": {"artefact": f"samples/{name}", "config": common | {"bn_eval": "batch"}},
        }
        for stage, line in lines.items():
            path = folder / "manifests" / f"{stage}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a") as file:
                file.write(json.dumps(line | made) + "\n")
    sizes = {"digits": {"data": {"size": 32}}, "synthetic_faces": {"data": data}}
    (folder / "config.yaml").write_text(yaml.safe_dump({"datasets": sizes}))
    files = [path for path in folder.rglob("*") if path.is_file()]
    hashes = {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
    write_json(folder / "index.json", {"preset": "smoke", "files": hashes})
    yield folder
    shutil.rmtree(folder)


def test_verifying_makes_the_cheapest_training_again_as_its_manifests_say(stored, repository, plan):
    found = plan(repository, "verify", *SMOKE, "-p")
    made = {"prepare_cell": 1, "train_cell": 1, "sample_cell": 1, "verify": 1}
    assert found.rules == made, found.text
    assert "Training ours on digits, seed 7, as stored" in found.jobs
    commands = [line for line in found.text.splitlines() if "python -m " in line]
    prepared, trained, sampled, verified = (
        next(line for line in commands if f"python -m {module} " in line)
        for module in ("dlvae.prepare", "dlvae.train", "dlvae.sample", "reports.freeze.verify")
    )
    assert "--out results/smoke/verify/data/digits" in prepared
    assert '"seed":7,"train":{"steps":4}' in trained and "--precision bf16" in trained
    assert '"bn_eval":"batch"' in sampled
    assert "--cell digits/ours/seed7 --retrained results/smoke/verify" in verified
    assert "--stored reports/stored" in verified and '"cvae.codes":"' in verified


def test_nothing_is_trained_from_manifests_that_were_changed(stored, repository, monkeypatch):
    monkeypatch.setattr(frozen, "STORED_ROOT", repository / "reports" / "stored")
    assert "--cell digits/ours/seed7 " in FrozenPlan(asked()).again[1]
    with open(stored / "manifests" / "models.jsonl", "a") as file:
        file.write("\n")
    made, argument = FrozenPlan(asked()).again
    assert made == [] and argument.startswith("--no-cell ")
    assert "models.jsonl is not as it was frozen" in argument


def test_verifying_what_was_never_stored_is_an_error(repository, plan):
    found = plan(repository, "verify", *SMOKE)
    assert found.returncode != 0
    assert "expected stored results of preset 'smoke' in reports/stored/smoke" in found.text


def test_what_needs_a_download_is_not_made_again(monkeypatch):
    asked_of = []
    monkeypatch.setattr(FrozenPlan, "stored", None)
    monkeypatch.setattr(
        frozen, "cheapest_training", lambda stored, sets: asked_of.append(sets) or STORED_TRAINING
    )
    for given in ({}, {"data_root": "."}):
        FrozenPlan(asked("paper", **given)).again  # noqa: B018
    assert asked_of == [[], ["faces", "cifar10"]]


def test_what_is_frozen_has_its_scores_and_its_slice():
    whole = FrozenPlan(asked())
    pages = json.loads(whole.freeze_slice(None))["pages"]
    tables = [f"tables/{name}" for name in ("table1", "table2", "metrics", "disentanglement")]
    studies = ["claims", "ablations", "learning_curves", "table2_scale", "evaluator_noise"]
    assert [*pages] == tables + studies
    assert "synthetic_faces/real/seed0.scale" in pages["table2_scale"]["scores"]
    assert pages["tables/table1"]["config"]["models"] == whole.scored_models
    files = whole.files(None)
    assert len(files) == len(set(files)) and "results/smoke/ablations.md" in files
    assert "results/smoke/evaluator/digits_plain/report.json" in files
    without = FrozenPlan(asked(curves=None, ablations=None))
    assert not {"ablations", "learning_curves"} & set(without.frozen_pages())


@pytest.mark.long  # 90 s: a run, a freezing and four verifications. `.ci/run` does it to smoke
@pytest.mark.slow
def test_a_frozen_run_is_verified_and_tampering_is_named(copy, snakemake):
    (copy / "tiny.yaml").write_text(TINY)
    own = ["--cores", "2", "--configfile", "tiny.yaml"]
    frozen = snakemake(copy, "freeze", *own)
    assert frozen.returncode == 0, frozen.stdout
    stored = copy / "reports" / "stored" / "tiny"
    assert json.loads((stored / "index.json").read_text())["commit"] == "unknown"
    shutil.rmtree(copy / "results")  # as in a clone, where stored results are all there is
    again = ["--cores", "2", "--configfile", "reports/stored/tiny/config.yaml"]
    verified = snakemake(copy, "verify", *again)
    assert verified.returncode == 0, verified.stdout
    assert "prepared, trained and sampled again: the same bytes" in verified.stdout
    assert "everything is as it was frozen" in verified.stdout
    before = (stored / "scores.csv").read_text()
    (stored / "scores.csv").write_text(before.replace("inception_score,1", "inception_score,2", 1))
    tampered = snakemake(copy, "verify", *again)
    assert tampered.returncode != 0
    assert "reports/stored/tiny/scores.csv: expected SHA-256" in tampered.stdout
    assert "reports/stored/tiny/tables/table1.md: line " in tampered.stdout
    (stored / "scores.csv").write_text(before)
    # The same training is not made a second time; another run gives the same bytes.
    done = snakemake(copy, "verify", *again)
    assert done.returncode == 0 and "Training" not in done.stdout
