"""Dry runs of the studies beyond the paper's tables: what they read and train."""

import re
import shutil

import pytest

SMOKE = ["--configfile", "config/smoke.yaml"]


def test_table2_scale_scores_the_samples_of_the_tables(repository, plan):
    found = plan(repository, "table2_scale", *SMOKE, "--config", "models=[cvae_gan, ours]")
    assert found.rules == {
        "prepare": 2,
        "train": 4,
        "sample": 4,
        "score": 6,
        "write_table2_scale": 1,
        "table2_scale": 1,
    }
    assert "Scoring scale of real, digits, seed 0" in found.jobs


def test_a_toy_score_reads_the_snapshots_of_its_model_alone(repository, plan):
    found = plan(repository, "results/smoke/scores/three_moons/ours/seed0.toy.csv", *SMOKE, "-p")
    assert found.rules == {"prepare": 1, "train": 1, "score": 1}
    assert 'toy --inputs \'{"model":"results/smoke/models/three_moons/ours/seed0"}\'' in found.text


def test_scores_declare_the_splits_that_they_open(repository, plan):
    """Exactly what a family reads of the data set, so that another split scores again."""
    read = {
        "fidelity": {"test"},
        "codes": {"test", "train"},
        "priors": {"test"},
        "progress": set(),
        "inpainting": {"test", "train"},
        "swaps": {"test"},
        "walks": set(),
        "diversity": set(),
    }
    folder = "results/smoke/scores/synthetic_faces/ours/seed0"
    found = plan(repository, *(f"{folder}.{family}.csv" for family in read), *SMOKE)
    # Nothing is made yet, so that the reason of a job names all its inputs.
    reasons = re.findall(r"^Job \d+: Scoring (\w+) of .*\nReason: (.*)$", found.text, re.MULTILINE)
    declared = {
        family: set(re.findall(r"data/synthetic_faces/(\w+)\.npz", reason))
        for family, reason in reasons
    }
    assert declared == read


def test_what_stands_beside_the_ablations_need_not_encode(repository, plan):
    found = plan(repository, "ablations", *SMOKE, "--config", "ablations={beside: [cgan]}")
    assert found.returncode == 0, found.text
    scored = {job for job in found.jobs if job.startswith("Scoring") and " cgan," in job}
    families = {job.split()[1] for job in scored}
    assert families == {"inception", "diversity", "fidelity"}
    assert "Scoring codes of ours, synthetic_faces, seed 0" in found.jobs


@pytest.mark.slow
def test_images_have_no_toy_score(repository, plan):
    found = plan(repository, "results/smoke/scores/digits/ours/seed0.toy.csv", *SMOKE)
    assert found.returncode != 0 and not found.rules
    assert "toy is of three_moons alone, found 'digits'" in found.text


@pytest.mark.slow
def test_table2_scale_trains_nothing_where_the_tables_are_made(finished, plan):
    found = plan(finished, "table2_scale", "--config", "preset=smoke")
    assert set(found.rules) == {"score", "write_table2_scale", "table2_scale"}


def test_the_leaderboard_is_written_whenever_asked_for_and_needs_no_results(repository, plan):
    found = plan(repository, "leaderboard")
    assert found.rules == {"leaderboard": 1}
    assert "always executed" in found.text


def test_a_leaderboard_of_nothing_says_what_to_do_and_leaves_the_readme(
    repository, snakemake, tmp_path
):
    folder = shutil.copytree(repository, tmp_path / "repository")
    shutil.rmtree(folder / "reports" / "stored", ignore_errors=True)
    (folder / "README.md").write_text("<!-- results: quick -->\nkept\n<!-- /results -->\n")
    done = snakemake(folder, "--cores", "1", "leaderboard")
    assert done.returncode != 0 and "snakemake --cores all freeze" in done.stdout
    assert "kept" in (folder / "README.md").read_text()
    assert not (folder / "reports" / "stored").exists()
