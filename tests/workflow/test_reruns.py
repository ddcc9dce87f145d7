"""What a change reruns, on a finished tree: no more than it must, and no less."""

from contextlib import contextmanager

import pytest

SMOKE = ["--config", "preset=smoke"]
LEARNING = {"prepare", "prepare_unlabelled", "prepare_judges", "evaluator_member", "factors"}
TRAINING = {"train", "train_longer", "train_semi", "fit_prior"}
JUDGING = {"features", "evaluator_report"}


@contextmanager
def edited(path, old, new):
    """The file with one replacement, for as long as the block runs."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def test_comments_and_new_baselines_rerun_nothing(finished, plan):
    """A second run does nothing, even with comments added everywhere and one more baseline."""
    modules = [p for p in finished.rglob("*.py") if "results" not in p.parts]
    texts = {path: path.read_text(encoding="utf-8") for path in modules}
    added_model = finished / "baselines" / "added_model"
    added_model.mkdir()
    for path, text in texts.items():
        path.write_text(f"{text}\n# A comment at the end.\n", encoding="utf-8")
    (added_model / "model.py").write_text("MODEL = None\n", encoding="utf-8")
    try:
        found = plan(finished, *SMOKE)
        models = "models=[cvae, cgan, cvae_gan, added_model, ours]"
        added = plan(finished, "table1", *SMOKE, models)
    finally:
        (added_model / "model.py").unlink()
        added_model.rmdir()
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    assert found.nothing, found.text
    assert added.rules["train"] == 2 and not LEARNING & set(added.rules)
    assert all("added_model" in job for job in added.jobs if job.startswith("Training"))


def test_a_new_seed_runs_that_seed_alone(finished, plan):
    found = plan(finished, "table1", "table2", *SMOKE, "seeds=[0, 1]")
    assert not LEARNING & set(found.rules)
    # Data sets, models, and those of them that are sampled with fitted priors too.
    assert found.rules["train"] == 2 * 4 and found.rules["fit_prior"] == 2 * 3
    assert found.rules["sample"] == 2 * (4 + 3)
    per_run = [job for job in found.jobs if not job.startswith("Setting")]
    assert per_run and all(job.endswith("seed 1") for job in per_run)


def test_a_protocol_number_scores_again_and_trains_nothing(finished, plan):
    protocol = finished / "config" / "protocol" / "smoke.yaml"
    with edited(protocol, "sigma: 1.5", "sigma: 1.6"):
        found = plan(finished, *SMOKE)
    assert not (LEARNING | TRAINING | {"sample", "panel", "draw"}) & set(found.rules), found.text
    # Two data sets: four models and three fitted forms, the real images too where images are
    # scored, and without cGAN where codes are.
    of_images, of_trainings, of_codes = 3 * 8, 7, 6
    assert found.rules["score"] == 2 * (of_images + of_trainings + of_codes)
    assert found.rules["table"] == 2


def test_a_figure_module_redraws_that_figure_alone(finished, plan):
    module = finished / "reports" / "figures" / "draw_figure4.py"
    with edited(module, "\n\nfrom matplotlib", "\n\nEXTRA = 1\nfrom matplotlib"):
        found = plan(finished, *SMOKE)
    assert found.jobs == {"Drawing figure4", "Writing the report"}, found.text


def test_an_ablations_number_retrains_that_ablation_alone(finished, plan):
    weak = "ablations={methods: {no_gan: {lambda_gan: 0.5}}}"
    found = plan(finished, "ablations", *SMOKE, weak)
    assert not (LEARNING | JUDGING - {"features"}) & set(found.rules), found.text
    trained = {job for job in found.jobs if job.startswith("Training")}
    assert trained == {"Training ours_no_gan on synthetic_faces, seed 0"}
    assert found.rules["sample"] == found.rules["ablation_table"] == 1
    assert found.rules["features"] == 2  # of both kinds of judges
    # The report prints the whole configuration.
    assert plan(finished, *SMOKE, weak).jobs == {"Writing the report"}


@pytest.mark.slow
def test_a_baseline_edit_retrains_that_baseline_alone(finished, plan):
    module = finished / "baselines" / "cvae" / "model.py"
    text = module.read_text(encoding="utf-8")
    with edited(module, text, f"{text}\nEXTRA = 1\n"):
        found = plan(finished, "table1", *SMOKE)
    assert not LEARNING & set(found.rules)
    trained = {job for job in found.jobs if job.startswith("Training")}
    assert trained == {f"Training cvae on {d}, seed 0" for d in ("digits", "synthetic_faces")}


@pytest.mark.slow
def test_a_metric_edit_scores_again_and_trains_nothing(finished, plan):
    module = finished / "eval" / "scores" / "diversity.py"
    text = module.read_text(encoding="utf-8")
    with edited(module, text, f"{text}\nEXTRA = 1\n"):
        found = plan(finished, *SMOKE)
    assert not (LEARNING | TRAINING | JUDGING | {"sample", "panel"}) & set(found.rules), found.text
    assert found.rules["score"] == 2 * (1 + 4 + 3) and found.rules["table"] == 1


@pytest.mark.slow
def test_a_new_measure_of_the_evaluator_trains_and_scores_nothing(finished, plan):
    module = finished / "eval" / "judge" / "report_card.py"
    text = module.read_text(encoding="utf-8")
    with edited(module, text, f"{text}\nEXTRA = 1\n"):
        found = plan(finished, *SMOKE)
    assert not (LEARNING | TRAINING | {"features", "sample", "score"}) & set(found.rules)
    assert found.rules["evaluator_report"] == 2 and found.rules["table"] == 2


@pytest.mark.slow
def test_steps_retrain_and_prepare_nothing(finished, plan):
    found = plan(finished, "table1", *SMOKE, "steps=7")
    assert not LEARNING & set(found.rules)
    assert found.rules["train"] == 8


def test_a_changed_threshold_judges_again_and_scores_nothing(finished, plan):
    rules = finished / "reports" / "claims.yaml"
    with edited(rules, "right: 0.9\n", "right: 0.91\n"):
        found = plan(finished, "claims", *SMOKE)
    assert found.rules == {"judge_claims": 1, "claims": 1}
    with edited(finished / "reports" / "figures" / "style.py", "WIDTH = 7.0", "WIDTH = 7.1"):
        assert plan(finished, "claims", *SMOKE).nothing
