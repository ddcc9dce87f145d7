"""Who the candidate of `compare` is, from a configuration."""

from pathlib import Path

import pytest

from dlvae.candidate import find_candidate
from dlvae.config.preset import ablation_models, resolve
from dlvae.stage.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def found(**given):
    config = resolve(given, False, ROOT / "config")
    return find_candidate(config, ablation_models(config))


def test_nobody_is_the_default():
    assert found() is None
    assert found(dataset="digits") is None


def test_a_model_is_compared_on_every_image_set_with_the_seeds_of_the_run():
    who = found(candidate="cvae_gan_bao", seeds=[3, 1])
    assert who.name == "cvae_gan_bao" and who.samples is None
    assert who.datasets == ("synthetic_faces", "digits") and who.seeds == (3, 1)
    assert found(candidate="ours", dataset="digits").datasets == ("digits",)
    assert found(candidate="ours_no_gan").samples is None  # an ablation of the preset


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("my samples (v2).npz", "my_samples_v2"),
        ("stylegan.2024.npz", "stylegan_2024"),
        ("folder.v2/", "folder_v2"),
        ("wgan-gp_3.npz", "wgan-gp_3"),
    ],
)
def test_samples_are_called_after_their_file_or_folder(tmp_path, path, name):
    whole = tmp_path / path
    whole.mkdir() if path.endswith("/") else whole.touch()
    who = found(candidate=str(whole), dataset="digits", seeds=[4, 5])
    assert who.name == name and who.samples == whole
    assert who.datasets == ("digits",) and who.seeds == (0,)


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.npz").touch()
    assert found(candidate="~/mine.npz", dataset="digits").samples == tmp_path / "mine.npz"


def test_a_preset_with_one_image_set_needs_no_data_set(tmp_path):
    (tmp_path / "mine.npz").touch()
    assert found(preset="cifar10", candidate=f"{tmp_path}/mine.npz").datasets == ("cifar10",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"dataset": "digit"}, "unknown data set 'digit'.*Did you mean 'digits'"),
        ({"dataset": "three_moons"}, "expected an image set of preset 'quick'"),
        ({"candidate": "cvae_gna"}, "'cvae_gna' is neither a model nor .*mean 'cvae_gan'"),
        ({"candidate": "mine.npz"}, "name it with --config candidate=mine.npz dataset="),
        ({"candidate": "cvae.npz", "dataset": "digits"}, "called 'cvae', .* model: rename.*=cvae$"),
        ({"candidate": "real.npz", "dataset": "digits"}, "name of the real images: rename"),
        ({"candidate": "ours_no_gan.npz", "dataset": "digits"}, "'ours_no_gan', .* a model"),
        ({"candidate": "---.npz", "dataset": "digits"}, "leaves no name"),
        ({"candidate": 7}, "candidate: expected .*found 7"),
        ({"fail_below": 7}, "fail_below: expected a section"),
        ({"fail_below": {"inception_score": "high"}}, "fail_below.inception_score.*'high'"),
    ],
)
def test_bad_input_names_what_was_meant(tmp_path, monkeypatch, given, expected):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "cvae", "real", "ours_no_gan", "---"):
        Path(f"{name}.npz").touch()
    with pytest.raises(UserError, match=f"(?s){expected}"):
        found(**given)


def test_thresholds_of_the_command_line_become_numbers():
    given = {"digits": {"inception_score": "7.5"}, "precision": "0.4", "recall": "1e-1"}
    config = resolve({"fail_below": given}, False, ROOT / "config")
    expected = {"digits": {"inception_score": 7.5}, "precision": 0.4, "recall": 0.1}
    assert config["fail_below"] == expected
