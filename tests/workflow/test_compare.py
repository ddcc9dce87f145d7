"""What the target `compare` runs, and what stops it before any job."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from asked import asked, job
from dlvae.stage.errors import UserError
from workflow.plan import frozen as plan_of_stored
from workflow.plan.comparing import ComparisonPlan

SMOKE = ["--configfile", "config/smoke.yaml", "--config"]
DATASETS = ("synthetic_faces", "digits")


def shelve(repository, weights=True, **changed):
    """Make stored results of `smoke`, as far as a plan reads them."""
    folder = repository / "reports" / "stored" / "smoke"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = yaml.safe_load((repository / "config" / "smoke.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump(config | changed))
    shutil.copy(repository / "config" / "protocol" / "smoke.yaml", folder / "protocol.yaml")
    files = {}
    for judge in (f"{name}{kind}" for name in config["datasets"] for kind in ("", "_plain")):
        own = folder / "evaluator" / judge
        own.mkdir(parents=True)
        card = {"weights_sha256": "ab" * 32, "class_names": list("0123456789")}
        (own / "card.json").write_text(json.dumps(card))
        if weights:
            (own / "weights.safetensors").touch()
            files[f"evaluator/{judge}/weights.safetensors"] = "ab" * 32
    (folder / "index.json").write_text(json.dumps({"preset": "smoke", "files": files}))
    return folder


@pytest.fixture
def shelf(repository):
    """The repository with stored results, for one test."""
    folder = shelve(repository)
    yield repository
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """Samples from elsewhere, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("my samples")
    images = np.zeros((2, 32, 32, 3), np.uint8)
    np.savez(folder / "stylegan.v2.npz", images=images, labels=np.zeros(2, int))
    (folder / "pictures" / "0").mkdir(parents=True)
    shutil.copy(folder / "stylegan.v2.npz", folder / "cvae.npz")
    return folder


def test_a_model_trains_alone_and_nothing_else_is_made(shelf, plan):
    found = plan(shelf, "compare", *SMOKE, "candidate=cvae_gan_bao", "seeds=[0, 1]")
    assert found.rules == {
        "prepare": 2,
        "stored_evaluator": 2 * 2,
        "train": 4,
        "sample": 4,
        "features": 2 * 2 + 4 + 4,  # real splits; the candidate by robust judges and plain
        "score": 3 * 4,
        "near_duplicates": 4,
        "write_comparison": 1,
        "compare": 1,
    }
    trained = {job for job in found.jobs if job.startswith("Training")}
    assert trained == {
        f"Training cvae_gan_bao on {name}, seed {seed}" for name in DATASETS for seed in (0, 1)
    }


def test_one_data_set_is_enough(shelf, plan):
    found = plan(shelf, "-p", "compare", *SMOKE, "candidate=cvae_gan_bao", "dataset=digits")
    assert found.rules["train"] == found.rules["prepare"] == 1
    assert found.rules["stored_evaluator"] == 2
    assert "synthetic_faces" not in found.text
    # Everything is judged by the stored evaluator, the real images too.
    (command,) = re.findall("eval.scores fidelity --inputs '(.*?)'", found.text)
    inputs = json.loads(command)
    features = {name: path for name, path in inputs.items() if name != "images"}
    assert len(features) == 3
    assert all(path.startswith("results/smoke/features_stored/") for path in features.values())
    judges = set(re.findall("--evaluator (\\S+)", found.text))
    own = "results/smoke/evaluator/digits_stored"
    assert judges == {own, f"{own}_plain"}
    assert " --built " not in found.text


def test_samples_from_outside_train_nothing(shelf, plan, outside):
    path = f"candidate={outside}/stylegan.v2.npz"
    found = plan(shelf, "-p", "compare", *SMOKE, path, "dataset=digits", "seeds=[3, 4]")
    assert found.rules == {
        "prepare": 1,
        "stored_evaluator": 2,
        "intake": 1,
        "features": 4,
        "score": 3,
        "near_duplicates": 1,
        "write_comparison": 1,
        "compare": 1,
    }
    assert f"--candidate '{outside}/stylegan.v2.npz'" in found.text
    assert "results/smoke/samples/digits/stylegan_v2/seed0.npz" in found.text
    assert "results/smoke/compare/stylegan_v2.md" in found.text


@pytest.mark.slow
def test_finished_results_are_not_made_again(finished, plan):
    folder = shelve(finished)
    try:
        found = plan(finished, "compare", *SMOKE, "candidate=cvae")
        harmless = plan(finished, *SMOKE, "candidate=cvae_gan_bao", "fail_below={recall: 0.1}")
    finally:
        shutil.rmtree(folder)
    made = {"stored_evaluator": 4, "features": 8, "score": 6, "near_duplicates": 2}
    assert found.rules == {**made, "write_comparison": 1, "compare": 1}
    assert harmless.nothing, harmless.text


# --- Without Snakemake -------------------------------------------------------------------------


@pytest.fixture
def comparing(repository, monkeypatch):
    """What is asked of a comparison: comparing(**given), with stored results of smoke in reach."""
    monkeypatch.setattr(plan_of_stored, "STORED_ROOT", repository / "reports" / "stored")
    return lambda **given: ComparisonPlan(asked(**given))


REFUSED = {
    "compare needs a candidate: .*candidate=MODEL.*candidate=PATH dataset=NAME": {},
    "'cvae_gna' is neither a model nor .*Did you mean 'cvae_gan'": {"candidate": "cvae_gna"},
    "name it with --config candidate=.* dataset=": {"candidate": "{outside}/stylegan.v2.npz"},
    "called 'cvae', which is the name of a model: rename": {
        "candidate": "{outside}/cvae.npz",
        "dataset": "digits",
    },
    "unknown data set 'digit'.*mean 'digits'": {"candidate": "cvae", "dataset": "digit"},
    "of 'fid' less is better": {"candidate": "cvae", "fail_below": {"fid": 3}},
    "unknown metric 'recal'.*mean 'recall'": {"candidate": "cvae", "fail_below": {"recal": 0.3}},
    "'synthetic_faces' is no data set of this comparison": {
        "candidate": "cvae",
        "dataset": "digits",
        "fail_below": {"synthetic_faces": {"recall": 0.3}},
    },
    "protocol of the stored results, smoke:.*found v2:.*say --config protocol=.*/reports/stored": {
        "candidate": "cvae",
        "protocol": "v2",
    },
    "found smoke:.*protocol=.*reports/stored/smoke/protocol.yaml bn_eval=null": {
        "candidate": "cvae",
        "bn_eval": "batch",
    },
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_compared_is_refused(shelf, comparing, outside, words):
    given = dict(REFUSED[words])
    if "candidate" in given:
        given["candidate"] = given["candidate"].replace("{outside}", str(outside))
    with pytest.raises(UserError, match=words):
        comparing(**given).comparable()


def test_a_refusal_stops_before_any_job(shelf, plan):
    found = plan(shelf, "compare", *SMOKE, "candidate=cvae", "protocol=v2")
    assert found.returncode != 0 and not found.rules
    assert "say --config protocol=reports/stored/smoke/protocol.yaml" in found.text


def test_the_stored_protocol_can_be_named(shelf, comparing):
    stored = shelf / "reports" / "stored" / "smoke" / "protocol.yaml"
    stored.write_text(stored.read_text().replace("sigma: 1.5", "sigma: 1.6"))
    with pytest.raises(UserError, match="say --config protocol="):
        comparing(candidate="cvae").comparable()
    named = comparing(candidate="cvae", protocol=str(stored))
    assert named.comparable().name == "cvae" and named.protocol_path.endswith("smoke/protocol.yaml")


def test_without_stored_results_there_is_nothing_to_compare_with(repository, comparing):
    with pytest.raises(UserError, match="expected stored results of preset 'smoke'.*freeze"):
        comparing(candidate="cvae").comparable()


def test_a_folder_of_pictures_is_a_candidate_of_its_own_name(shelf, comparing, outside):
    found = comparing(candidate=f"{outside}/pictures", dataset="digits", seeds=[3, 4])
    assert found.from_outside == ["pictures"] and comparing(candidate="cvae").from_outside == []
    (run,) = found.runs()
    assert (run["seed"], run["model"]) == (0, None)
    assert run["duplicates"] == "results/smoke/near_duplicates/digits/pictures/seed0.json"
    files = found.run_files(job(candidate="pictures"))
    assert len(files) == 3 + 2 and files[0].startswith("results/smoke/scores_stored/digits/")
    with pytest.raises(UserError, match="the candidate is 'pictures', not 'cvae': --config"):
        found.run_files(job(candidate="cvae"))
    before = found.samples_stamp(job())
    (outside / "pictures" / "0" / "new.png").touch()
    assert found.samples_stamp(job()) != before


def test_a_judge_is_taken_as_stored_or_rebuilt_by_its_recipe(repository, comparing):
    digits = job(dataset="digits", kind="_plain")
    folder = shelve(repository)
    try:
        stored = comparing(candidate="cvae")
        own = folder / "evaluator" / "digits_plain"
        assert stored.stored_judge(digits) == {"weights": str(own / "weights.safetensors")}
        assert stored.judge_hash(digits) == "ab" * 32
        shelve(repository, weights=False)
        built = "results/smoke/evaluator/digits_plain"
        assert comparing(candidate="cvae").stored_judge(digits) == {
            "weights": f"{built}/weights.safetensors",
            "built": f"{built}/card.json",
        }
    finally:
        shutil.rmtree(folder)


# --- End to end --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frozen(tmp_path_factory, checkout, snakemake):
    """A checkout with frozen results of one data set and one model, and no results folder."""
    folder = checkout(tmp_path_factory.mktemp("frozen") / "repository")
    smoke = yaml.safe_load((folder / "config" / "smoke.yaml").read_text())
    tiny = {"preset": "tiny", "protocol": "smoke", "models": ["cvae"]}
    tiny |= {"datasets": {"digits": smoke["datasets"]["digits"]}}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(tiny))
    tables = {
        "table1": ("inception", "fidelity", "priors", "progress"),
        "table2": ("diversity", "priors"),
        "metrics": ("fidelity",),
    }
    made = snakemake(folder, "--cores", "2", *tables, "--configfile", "tiny.yaml")
    assert made.returncode == 0, made.stdout
    results = folder / "results" / "tiny"
    config = yaml.safe_load((results / "config.yaml").read_text())
    page = {"preset": "tiny", "datasets": ["digits"], "models": ["cvae"], "protocol_overrides": {}}
    pages = {}
    for table, families in tables.items():
        files = [
            f"digits/{model}/seed0.{family}"
            for family in families
            for model in ("real", "cvae", "cvae_fitted")
        ]
        scores = [name for name in files if (results / "scores" / f"{name}.csv").exists()]
        pages[f"tables/{table}"] = {"config": page, "scores": scores}
    arguments = {
        "results": "results/tiny",
        "protocol": "config/protocol/smoke.yaml",
        "commit": "c0ffee",
        "config": json.dumps({"config": config, "pages": pages, "figures": {}}),
        "out": "reports/stored/tiny",
    }
    words = [word for key, value in arguments.items() for word in (f"--{key}", value)]
    done = subprocess.run(
        [sys.executable, "-m", "reports.freeze", *words],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(folder / "results")
    return folder


def tiny(*given):
    return ["--cores", "2", "compare", "--configfile", "tiny.yaml", "--config", *given]


@pytest.mark.slow
def test_samples_from_outside_end_to_end(frozen, snakemake):
    """Noise is taken in, scored and set beside the cVAE; thresholds decide the exit status."""
    draws, samples = np.random.default_rng(0), frozen / "my noise.npz"
    labels = np.repeat(np.arange(10), 7)  # one more of each than the protocol takes
    images = draws.integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
    np.savez(samples, images=images, labels=labels)
    given = [f"candidate={samples}", "fail_below={d_intra_standard: 0.5}"]

    passed = snakemake(frozen, *tiny(*given))
    assert passed.returncode == 0, passed.stdout
    table = passed.stdout.partition("Job stats:")[2].partition("total")[0]
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE))
    once = ("prepare", "intake", "near_duplicates", "write_comparison")
    assert jobs == dict.fromkeys((*once, "compare"), "1") | {
        "stored_evaluator": "2",
        "features": "4",
        "score": "3",
    }
    page = (frozen / "results" / "tiny" / "compare" / "my_noise.md").read_text()
    assert page.strip() in passed.stdout  # printed as it is written
    assert "**Passed**: d_intra on handwritten digits 0.8" in page
    assert "60 of 70 images are scored" in page and "commit `c0ffee`" in page
    data = pd.read_csv(frozen / "results" / "tiny" / "compare" / "my_noise.csv")
    cells = data.set_index(["model", "metric"])["value"]
    stored = pd.read_csv(frozen / "reports" / "stored" / "tiny" / "scores.csv")
    stored = stored.set_index(["model", "metric"])["value"]
    for model in ("real", "cvae"):
        for metric in ("inception_score", "d_intra_standard", "precision"):
            assert cells[model, metric] == stored[model, metric]
    assert cells["my_noise", "precision"] < 0.05
    change = data.set_index(["model", "metric"])["delta"]["cvae", "d_intra_standard"]
    expected = cells["my_noise", "d_intra_standard"] - cells["cvae", "d_intra_standard"]
    assert change == pytest.approx(expected)

    failed = snakemake(frozen, *tiny(given[0], "fail_below={inception_score: 9}"))
    assert failed.returncode != 0
    assert "inception_score on digits: expected 9 or more, found" in failed.stdout
    table = failed.stdout.partition("Job stats:")[2].partition("total")[0]
    assert dict(re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)) == {
        "write_comparison": "1",
        "compare": "1",
    }
    page = (frozen / "results" / "tiny" / "compare" / "my_noise.md").read_text()
    assert "**Failed**: IS on handwritten digits" in page

    # Images that come anew under their old name are scored anew.
    np.savez(samples, images=images[::-1], labels=labels)
    again = snakemake(frozen, "-n", *tiny(*given))
    assert "Taking in my_noise as samples of digits" in again.stdout

    # A stored evaluator that is not what its card says judges nothing.
    weights = (
        frozen / "reports" / "stored" / "tiny" / "evaluator" / "digits" / "weights.safetensors"
    )
    untouched = weights.read_bytes()
    weights.write_bytes(untouched[:-1] + bytes([untouched[-1] ^ 1]))
    refused = snakemake(frozen, "-R", "stored_evaluator", *tiny(*given))
    weights.write_bytes(untouched)
    assert refused.returncode != 0
    assert "expected the file that card.json beside it names" in refused.stdout

    # As if it had been too large to be stored, and became another one here.
    index = weights.parents[2] / "index.json"
    content = json.loads(index.read_text())
    del content["files"]["evaluator/digits/weights.safetensors"]
    index.write_text(json.dumps(content))
    weights.unlink()
    other = "datasets={digits: {evaluator: {seed: 9}}}"
    foreign = snakemake(frozen, *tiny(given[0], "fail_below={}", other))
    assert foreign.returncode == 0, foreign.stdout
    page = (frozen / "results" / "tiny" / "compare" / "my_noise.md").read_text()
    assert "**Another evaluator.**" in page and "| my_noise (candidate) | other evaluator |" in page
    data = pd.read_csv(frozen / "results" / "tiny" / "compare" / "my_noise.csv")
    own = data[data["role"] == "candidate"].set_index("metric")["value"]
    assert np.isnan(own["inception_score"]) and own["d_intra_standard"] > 0.7
