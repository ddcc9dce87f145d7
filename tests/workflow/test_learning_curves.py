"""Dry runs of the target learning_curves: what is trained for longer, fitted and scored."""

import json
import re

import pytest

SMOKE = ["--configfile", "config/smoke.yaml"]
FORMS = {"cvae", "cvae_fitted", "cgan", "cvae_gan", "cvae_gan_fitted", "ours", "ours_fitted"}


@pytest.fixture(scope="module")
def found(repository, plan):
    """The plan with two seeds, of which the first goes on longest."""
    curves = "curves={factor: 2, first_seed_factor: 8}"
    return plan(
        repository, "-p", "learning_curves", *SMOKE, "--config", "seeds=[1, 0]", curves
    )  # fmt: skip


def trainings(text, folder):
    """The configurations of the trainings that land in a folder, by data set, model and seed."""
    lines = re.findall(f"-m dlvae.train .*--config '(.*?)' --out results/smoke/{folder}/", text)
    parts = [json.loads(line) for line in lines]
    return {(part["dataset"], part["model"], part["seed"]): part["train"] for part in parts}


def test_every_training_goes_on_and_that_of_the_first_seed_longest(found):
    assert found.returncode == 0, found.text
    assert found.rules["train"] == found.rules["train_longer"] == 2 * 4 * 2
    longer = trainings(found.text, "curves")
    assert len(longer) == 2 * 4 * 2
    for (_, _, seed), train in longer.items():
        assert train["steps"] == (32 if seed == 1 else 8)
        # None that the shorter training passed: its last state has no copies of those.
        assert train["snapshots"] == ([8, 16, 32] if seed == 1 else [8])
    for train in trainings(found.text, "models").values():
        assert train["steps"] == 4 and train["snapshots"] == [1, 2]
    assert len(re.findall(r"-m dlvae.train .*--keep-state", found.text)) == 2 * 4 * 2 * 2


def test_every_form_is_scored_but_that_of_a_model_without_codes(found):
    scored = {job.removeprefix("Scoring ") for job in found.jobs if job.startswith("Scoring ")}
    expected = {
        f"curve of {model}, {dataset}, seed {seed}"
        for model in FORMS
        for dataset in ("synthetic_faces", "digits")
        for seed in (0, 1)
    }
    real = {f"inception of real, {name}, seed 0" for name in ("synthetic_faces", "digits")}
    assert scored == expected | real and "cgan_fitted" not in found.text
    assert found.rules["fit_prior"] == 2 * (2 * 3 * 2) and "sample" not in found.rules
    folder = "digits/ours_fitted/seed0"
    assert f'curve --inputs \'{{"model":"results/smoke/models/{folder}"' in found.text
    assert f'"longer":"results/smoke/curves/{folder}"' in found.text
    assert "-m dlvae.fit_prior --model-dir results/smoke/curves/digits/ours/seed0" in found.text


def test_the_page_is_written_and_drawn_once(found):
    written, drawn = found.rules["write_learning_curves"], found.rules["draw_learning_curves"]
    assert written == drawn == found.rules["learning_curves"] == 1
    assert "results/smoke/figures/learning_curves.pdf" in found.text
    assert '"models":["cvae","cvae_fitted","cgan","cvae_gan","cvae_gan_fitted"' in found.text


@pytest.mark.slow
def test_the_page_is_frozen_where_there_are_curves(repository, plan):
    found = plan(repository, "freeze", *SMOKE)
    assert found.rules["write_learning_curves"] == 1 and found.rules["train_longer"] == 2 * 4
    assert found.rules["draw_learning_curves"] == 1
    without = plan(repository, "freeze", *SMOKE, "--config", "curves=null")
    assert without.returncode == 0, without.text
    of_curves = {"write_learning_curves", "draw_learning_curves", "train_longer"}
    assert not of_curves & set(without.rules)
