"""Which jobs a target of a preset needs, and what stops a run before any job."""

import functools
import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval.families import FAMILIES

ROOT = Path(__file__).resolve().parents[2]


def test_table1_runs_only_what_it_needs(repository, plan):
    found = plan(repository, "table1", "--config", "preset=smoke", "models=[cvae, ours]")
    assert found.rules == {
        "prepare": 2,
        "prepare_judges": 1,
        "evaluator_member": 12,  # data sets, kinds, members
        "evaluator": 4,
        "train": 4,
        "fit_prior": 4,
        "sample": 8,
        "features": 22,  # the training images by the robust judges alone
        "evaluator_report": 2,
        "score": 36,  # two families of real images too, and two of models alone, fitted or not
        "table": 1,
        "table1": 1,
    }


def test_a_bare_call_reproduces_quick(repository, plan):
    found = plan(repository)
    assert found.returncode == 0
    assert found.rules["reproduce"] == 1
    assert (found.rules["table"], found.rules["draw"], found.rules["report"]) == (2, 6, 1)
    # Four models of two data sets, and the two of the toy.
    assert (found.rules["train"], found.rules["train_semi"]) == (4 * 2 + 2, 1)
    assert "results/quick/figures/figure7.pdf" in found.text


def test_families_that_run_a_model_ask_for_what_the_preset_has(repository, plan):
    files = [
        f"results/smoke/scores/{dataset}/{model}/seed0.{family}.csv"
        for dataset, model, family in [
            ("synthetic_faces", "ours", "swaps"),
            ("synthetic_faces", "cvae_gan", "inpainting"),
            ("digits", "ours", "swaps"),
        ]
    ]
    found = plan(repository, "-p", *files, "--configfile", "config/smoke.yaml")
    assert found.rules["score"] == 3 and found.rules["train"] == 3
    assert found.rules["factors"] == found.rules["prepare_unlabelled"] == 1
    assert found.rules["train_semi"] == 1 and "sample" not in found.rules
    assert '"semi":"results/smoke/models/synthetic_faces/ours_semi/seed0"' in found.text
    assert '"semi":"results/smoke/models/digits' not in found.text
    assert re.search(r'eval.scores inpainting .*"landmarks":\[\[25,28\]', found.text)


def test_families_of_the_codes_run_ours_and_read_factors_where_there_are_some(repository, plan):
    files = [
        f"results/smoke/scores/{dataset}/ours/seed0.{family}.csv"
        for dataset in ("synthetic_faces", "digits")
        for family in ("walks", "coordinates")
    ]
    found = plan(repository, "-p", *files, "--configfile", "config/smoke.yaml")
    assert found.rules["score"] == 4 and found.rules["train"] == found.rules["evaluator"] == 2
    assert found.rules["factors"] == 1 and "sample" not in found.rules
    judges = "results/smoke/evaluator"
    assert f'"factors":"{judges}/synthetic_faces_factors"' in found.text
    assert f'"evaluator":"{judges}/digits"}}' in found.text
    other = files[0].replace("/ours/", "/cvae/")
    refused = plan(repository, other, "--configfile", "config/smoke.yaml")
    assert refused.returncode != 0 and "'cvae' has not: ask for ours" in refused.text


def test_codes_need_a_model_and_its_data_alone(repository, plan):
    datasets, preset = ("digits", "three_moons"), ("--configfile", "config/smoke.yaml")
    files = [f"results/smoke/scores/{name}/ours/seed0.codes.csv" for name in datasets]
    found = plan(repository, "-p", *files, *preset)
    assert found.rules == {"prepare": 2, "train": 2, "score": 2}
    assert '{"model":"results/smoke/models/digits/ours/seed0"}' in found.text
    refused = plan(repository, files[0].replace("/ours/", "/cgan/"), *preset)
    assert refused.returncode != 0 and "codes cannot be had of 'cgan'" in refused.text


def test_the_table_of_disentanglement_reads_what_each_model_has(repository, plan):
    found = plan(repository, "-p", "disentanglement", "--configfile", "config/smoke.yaml")
    scored = {job.removeprefix("Scoring ") for job in found.jobs if job.startswith("Scoring ")}
    for dataset in ("synthetic_faces", "digits"):
        asked = {job.partition(f", {dataset}")[0] for job in scored if dataset in job}
        encoding = ("cvae", "cvae_gan", "ours")
        expected = {f"codes of {model}" for model in encoding}
        expected |= {f"priors of {model}{form}" for model in encoding for form in ("", "_fitted")}
        assert asked == expected | {"effects of ours", "swaps of ours"}
    assert found.rules["table"] == 1 and "sample" not in found.rules
    assert "Training cgan" not in found.text
    model = "results/smoke/models/digits/ours/seed0"
    assert f'eval.scores effects --inputs \'{{"model":"{model}"}}\' ' in found.text


def test_cifar10_plans_and_leaves_out_what_needs_faces(repository, plan, real_data):
    found = plan(repository, "-p", "--config", "preset=cifar10", f"data_root={real_data}")
    assert found.returncode == 0
    assert found.rules["draw"] == 4
    assert {f"Drawing figure{number}" for number in (2, 3, 4, 5)} <= found.jobs
    # A folder of that name wins over data_root itself.
    assert f'"root":"{real_data}/cifar10"' in found.text


def test_faces_without_unlabelled_images_leaves_out_figure6(repository, plan, real_data):
    found = plan(
        repository, "--configfile", "config/faces.yaml", "--config", f"data_root={real_data}/faces"
    )
    assert found.returncode == 0
    assert found.rules["draw"] == 5 and "train_semi" not in found.rules
    assert "Drawing figure6" not in found.jobs


def test_paper_plans_on_a_tree_of_three_identities(repository, plan, real_data):
    found = plan(
        repository, "--configfile", "config/paper.yaml", "--config",
        f"data_root={real_data}", f"unlabelled_root={real_data}/others",
    )  # fmt: skip
    assert found.returncode == 0
    assert found.rules["draw"] == 6 and found.rules["train_semi"] == 1
    assert found.rules["train"] == 2 * 4 * 3 + 2  # data sets, models, seeds; the toy has one seed


def test_paper_downloads_cifar10_where_data_root_has_none(repository, plan, real_data, tmp_path):
    (tmp_path / "faces").symlink_to(real_data / "faces")
    files = [f"results/paper/scores/{name}/cvae/seed0.codes.csv" for name in ("faces", "cifar10")]
    paper = ("--configfile", "config/paper.yaml", "--config")
    found = plan(repository, "-p", *files, *paper, f"data_root={tmp_path}")
    assert found.returncode == 0, found.text
    preparations = re.findall("-m dlvae.prepare .*", found.text)
    roots = {re.search('"root":([^,}]*)', line)[1] for line in preparations}
    assert len(preparations) == 2 and roots == {"null", f'"{tmp_path}/faces"'}
    # A folder that is not there is a slip, not a wish to download.
    refused = plan(repository, files[1], *paper, "data_root=nowhere")
    assert refused.returncode != 0 and "data_root: expected a folder at nowhere" in refused.text


def test_ablations_train_what_is_listed_and_ours(repository, plan):
    found = plan(repository, "-p", "ablations", "--configfile", "config/smoke.yaml")
    trained = {job for job in found.jobs if job.startswith("Training ") and "seed" in job}
    models = ("ours", "ours_no_adversary", "ours_no_gan")
    assert trained == {f"Training {model} on synthetic_faces, seed 0" for model in models}
    assert found.rules["train"] == found.rules["sample"] == 3
    assert found.rules["ablation_table"] == 1 and "table" not in found.rules
    # They start from the weights of ours and draw its noise, and differ in their own key alone.
    trainings, samplings = (
        [json.loads(part) for part in re.findall(f"-m {stage} .*--config '(.*?)'", found.text)]
        for stage in ("dlvae.train", "dlvae.sample")
    )
    assert [part["model"] for part in trainings + samplings] == ["ours"] * 6
    assert not any("fast" in part for part in trainings)  # as in every stored training
    methods = [part["method"] for part in trainings]
    keys = ("lambda_adv", "lambda_gan")
    assert sorted([m.pop(k) for k in keys] for m in methods) == [[0, 1], [1, 0], [1, 1]]
    assert methods[0] == methods[1] == methods[2]
    scored = {job for job in found.jobs if job.startswith("Scoring inception")}
    assert scored == {f"Scoring inception of {model}, synthetic_faces, seed 0" for model in models}


def test_plain_code_is_asked_for_where_models_are_trained(repository, plan):
    model = "results/smoke/models/digits/cvae/seed0/weights.safetensors"
    found = plan(repository, "-p", model, "--config", "preset=smoke", "fast=false")
    (config,) = re.findall("-m dlvae.train .*--config '(.*?)'", found.text)
    assert json.loads(config)["fast"] is False


def test_claims_score_what_the_preset_has_and_skip_the_rest(repository, plan):
    found = plan(repository, "-p", "claims", "--configfile", "config/smoke.yaml")
    assert found.returncode == 0, found.text
    assert found.rules["judge_claims"] == found.rules["claims"] == 1
    assert not {"table", "draw", "report", "panel"} & set(found.rules)
    scored = {job.removeprefix("Scoring ") for job in found.jobs if job.startswith("Scoring ")}
    for dataset in ("synthetic_faces", "digits"):
        models = ("real", "cvae", "cgan", "cvae_gan", "ours")
        for family, wanted in {
            "inception": models,
            "fidelity": models,
            "diversity": ("real", "cgan", "cvae_gan", "ours"),
        }.items():
            jobs = {job for job in scored if job.startswith(f"{family} of ") and dataset in job}
            # Of ablations the preconditions are asked alone, of which top-1 is one.
            jobs = {job for job in jobs if "_fitted" not in job and "ours_no" not in job}
            assert jobs == {f"{family} of {model}, {dataset}, seed 0" for model in wanted}
    assert "inception of ours_no_gan, synthetic_faces, seed 0" in scored
    for family, models in {"swaps": {"ours"}, "inpainting": {"cvae_gan", "ours"}}.items():
        jobs = {job for job in scored if job.startswith(f"{family} of ")}
        assert jobs == {f"{family} of {model}, synthetic_faces, seed 0" for model in models}
    # The preset has no ablation without the likelihood term: named, not trained.
    assert "Training ours_no_likelihood" not in found.text
    (command,) = re.findall("-m reports.claims (.*) > ", found.text)
    words = shlex.split(command)
    given = json.loads(words[words.index("--config") + 1])
    assert given["datasets"] == ["synthetic_faces", "digits", "three_moons"]
    assert given["ablated"] == "synthetic_faces"
    left_out = {(e["model"], e["family"]): e["reason"] for e in given["left_out"]}
    assert "ours_no_likelihood" in left_out["ours_no_likelihood", "inception"]


def test_claims_of_real_faces_ask_for_no_factors(repository, plan, real_data):
    found = plan(
        repository, "claims", "--configfile", "config/faces.yaml", "--config",
        f"data_root={real_data}/faces", "seeds=[0, 1]", "models=[ours, cvae_gan]",
    )  # fmt: skip
    assert found.returncode == 0, found.text
    scored = {job for job in found.jobs if job.startswith("Scoring ")}
    assert {job for job in scored if "inpainting of ours" in job} == {
        f"Scoring inpainting of ours, faces, seed {seed}" for seed in (0, 1)
    }
    assert not any(re.search("swaps|coordinates|cvae,|cgan,|ours_no", job) for job in scored)
    assert "factors" not in found.rules


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "stepz=5"], "unknown key 'stepz'.*Did you mean 'steps'"),
        (["figure7", "--config", "preset=cifar10"], "figure7.*'cifar10'.*have it: quick, faces"),
        (
            ["ablations", "--config", "preset=cifar10"],
            "ablations cannot be made: preset 'cifar10' has no ablations.*have it: quick, smoke",
        ),
        (["table1", "--config", "preset=faces"], "'faces' needs a folder.*data_root=PATH"),
        pytest.param(
            ["figure6", "--config", "preset=faces", "data_root=."],
            "figure6 needs.*unlabelled_root=PATH.*have it: quick",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["table1", "--config", "preset=faces", "data_root=nowhere"],
            "data_root: expected a folder at nowhere",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["figure6", "--config", "preset=faces", "data_root=.", "unlabelled_root=nowhere"],
            "unlabelled_root: expected a folder at nowhere.*--config unlabelled_root=PATH",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["--config", "preset=qiuck"], "preset 'qiuck'.*'quick'", marks=pytest.mark.slow
        ),
    ],
)
def test_bad_input_stops_before_any_job(repository, plan, arguments, expected):
    found = plan(repository, *arguments)
    assert found.returncode != 0 and not found.rules
    assert re.search(expected, found.text, re.DOTALL), found.text


@pytest.mark.slow
def test_lint_is_clean(repository, snakemake):
    done = snakemake(repository, "--lint")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_targets_read_like_a_table_of_contents(repository, snakemake):
    listed = snakemake(repository, "--list-target-rules").stdout
    for target in ["reproduce", "report", "table1", "table2", "claims"]:
        assert f"\n{target} (" in listed
    for number in range(2, 8):
        assert f"figure{number} (Figure {number}: " in listed


@pytest.mark.slow
def test_the_page_of_the_judges_reads_the_scores_of_table_1(finished, plan):
    found = plan(finished, "evaluator_noise", "--config", "preset=smoke")
    assert set(found.rules) == {"features", "evaluator_report", "evaluator_noise"}
    # The plain judges' report cards are new, and need their word on the training images.
    assert found.rules["features"] == found.rules["evaluator_report"] == 2


def test_members_learn_from_the_images_of_their_kind_by_their_recipe(repository, plan):
    judges = "results/smoke/evaluator"
    names = ("synthetic_faces", "synthetic_faces_plain", "digits")
    files = [f"{judges}/{name}/card.json" for name in names]
    recipe = "datasets={synthetic_faces: {evaluator: {members: 4, plain: {epochs: 3}}}}"
    found = plan(repository, "-p", *files, "--config", "preset=smoke", recipe)
    assert found.returncode == 0, found.text
    assert found.rules["evaluator_member"] == 4 + 4 + 3 and found.rules["evaluator"] == 3
    lines = re.findall("-m eval.judge --data .*", found.text)
    own = [json.loads(re.search("--config '(.*?)'", line)[1]) for line in lines]
    for line, config in zip(lines, own, strict=True):
        faces, plain = config["dataset"] == "synthetic_faces", config["kind"] == "plain"
        assert config["epochs"] == (3 if plain else 1)
        assert ("--images results/smoke/data/synthetic_faces_judges" in line) == (
            faces and not plain
        )
        assert not {"members", "robust", "plain", "images_per_identity"} & set(config)
    kinds = {(c["dataset"], c["kind"], c["member"]) for c in own}
    assert len(kinds) == 11 and ("synthetic_faces", "plain", 3) in kinds
    prepared = re.search("-m dlvae.prepare .*synthetic_faces_judges", found.text)[0]
    assert '"images_per_identity":16' in prepared


@pytest.mark.slow
def test_more_metrics_train_nothing_else(finished, plan):
    # Claims have the same scores behind them.
    found = plan(finished, "metrics", "--config", "preset=smoke")
    assert found.rules == {"table": 1, "metrics": 1}
    found = plan(finished, "metrics", "--config", "preset=smoke", "models=[ours]", "-R", "score")
    assert set(found.rules) == {"score", "table", "metrics"}
    assert found.rules["score"] == 2 * 3  # data sets; the real images, ours and its fitted form


def test_scores_of_logits_leave_the_gpu_to_others():
    """The file holds functions only; dry runs do not show the resources of a job."""
    names = {"GPU": 1, "cache": functools.cache}
    exec((ROOT / "workflow" / "rules" / "slices.smk").read_text(), names)
    found = {family: names["score_gpu"](SimpleNamespace(family=family)) for family in FAMILIES}
    assert found == {family: int(not row.of_logits) for family, row in FAMILIES.items()}
