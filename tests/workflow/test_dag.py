"""Which jobs a target of a preset needs, and what stops a run before any job."""

import re

import pytest


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
            ("three_moons", "ours", "toy"),
        ]
    ]
    found = plan(repository, "-p", *files, "--configfile", "config/smoke.yaml")
    assert found.rules["score"] == 4 and found.rules["train"] == 4
    assert found.rules["factors"] == found.rules["prepare_unlabelled"] == 1
    assert found.rules["train_semi"] == 1 and "sample" not in found.rules
    model = "results/smoke/models/three_moons/ours/seed0"
    assert f'eval.scores toy --inputs \'{{"model":"{model}"}}\' ' in found.text


def test_paper_plans_on_a_tree_of_three_identities(repository, plan, real_data):
    found = plan(
        repository, "-p", "--configfile", "config/paper.yaml", "--config",
        f"data_root={real_data}", f"unlabelled_root={real_data}/others",
    )  # fmt: skip
    assert found.returncode == 0
    assert found.rules["draw"] == 6 and found.rules["train_semi"] == 1
    assert found.rules["train"] == 2 * 4 * 3 + 2  # data sets, models, seeds; the toy has one seed
    assert f'"root":"{real_data}/cifar10"' in found.text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # At the configuration, at a target, at a data set.
        (
            ["--config", "stepz=5"],
            "error: in .*: unknown key 'stepz'.*Did you mean 'steps'",
        ),
        (["figure7", "--config", "preset=cifar10"], "figure7.*'cifar10'.*have it: quick, faces"),
        (["table1", "--config", "preset=faces"], "'faces' needs a folder.*data_root=PATH"),
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
    lines = [line for line in listed.splitlines() if line and not line.startswith("Using ")]
    names = [line.partition(" ") for line in lines]
    assert {"reproduce", "report", "table1", "table2", "claims"} < {name for name, _, _ in names}
    assert all(said[:1] == "(" and said[-2:] in (".)", "?)") for _, _, said in names), names
    for number in range(2, 8):
        assert f"figure{number} (Figure {number}: " in listed


@pytest.mark.slow
def test_the_page_of_the_judges_reads_the_scores_of_table_1(finished, plan):
    found = plan(finished, "evaluator_noise", "--config", "preset=smoke")
    assert set(found.rules) == {
        "features",
        "evaluator_report",
        "evaluator_noise",
        "write_evaluator_noise",
    }
    # The plain judges' report cards are new, and need their word on the training images.
    assert found.rules["features"] == found.rules["evaluator_report"] == 2


@pytest.mark.slow
def test_more_metrics_train_nothing_else(finished, plan):
    # Claims have the same scores behind them.
    found = plan(finished, "metrics", "--config", "preset=smoke")
    assert found.rules == {"table": 1, "metrics": 1}
    found = plan(finished, "metrics", "--config", "preset=smoke", "models=[ours]", "-R", "score")
    assert set(found.rules) == {"score", "table", "metrics"}
    assert found.rules["score"] == 2 * 3  # data sets; the real images, ours and its fitted form


@pytest.mark.slow
def test_table2_scale_trains_nothing_where_the_tables_are_made(finished, plan):
    found = plan(finished, "table2_scale", "--config", "preset=smoke")
    assert set(found.rules) == {"score", "write_table2_scale", "table2_scale"}


def test_holding_a_run_against_stored_results_makes_none(repository, plan):
    found = plan(repository, "same_numbers")
    assert found.rules == {"same_numbers": 1}
    assert "--run results/quick" in found.text or "always executed" in found.text


def test_the_leaderboard_is_written_whenever_asked_for_and_needs_no_results(repository, plan):
    found = plan(repository, "leaderboard")
    assert found.rules == {"leaderboard": 1}
    assert "always executed" in found.text
