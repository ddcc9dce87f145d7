"""Dry runs of the studies beyond the paper's tables: what they read and train."""

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
    assert found.rules == {"prepare": 1, "train_toy": 1, "score": 1}
    assert 'toy --inputs \'{"model":"results/smoke/models/three_moons/ours/seed0"}\'' in found.text


@pytest.mark.slow
def test_images_have_no_toy_score(repository, plan):
    found = plan(repository, "results/smoke/scores/digits/ours/seed0.toy.csv", *SMOKE)
    assert found.returncode != 0 and "digits/ours/seed0/snapshots.safetensors" in found.text


@pytest.mark.slow
def test_table2_scale_trains_nothing_where_the_tables_are_made(finished, plan):
    found = plan(finished, "table2_scale", "--config", "preset=smoke")
    assert set(found.rules) == {"score", "write_table2_scale", "table2_scale"}
