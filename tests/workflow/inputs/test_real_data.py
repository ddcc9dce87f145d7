"""Dry runs of the presets of real data for processors, on folders like those of a user."""

ALL = ["reproduce", "metrics", "learning_curves", "claims"]


def test_cifar10_cpu_trains_five_models_once_and_continues_none(repository, plan, real_data):
    given = ["--configfile", "config/cifar10_cpu.yaml", "--config", f"data_root={real_data}"]
    found = plan(repository, *ALL, "ablations", *given)
    assert found.returncode == 0, found.text
    assert found.rules["train"] == 5 and found.rules["evaluator_member"] == 2 * 3
    assert not {"train_longer", "train_semi"} & found.rules.keys()
    assert found.rules["fit_prior"] == 4  # cVAE, cVAE-GAN, ours in both variants
    assert "Sampling ours_paper_fitted of cifar10, seed 0" in found.jobs


def test_faces_cpu_has_figure6_where_there_are_unlabelled_faces(repository, plan, real_data):
    given = ["--configfile", "config/faces_cpu.yaml", "--config", f"data_root={real_data}"]
    found = plan(repository, *ALL, *given, f"unlabelled_root={real_data}/others")
    assert found.returncode == 0, found.text
    assert found.rules["train"] == 4 and found.rules["train_semi"] == 1
    assert "train_longer" not in found.rules
    assert "figure6" in found.text and found.rules["fit_prior"] == 3
