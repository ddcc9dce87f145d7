import numpy as np
import pytest

from dlvae.data.sample_sets import load_samples, save_samples
from dlvae.stage.errors import UserError


def test_samples_round_trip(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    save_samples(tmp_path / "s.npz", images, np.array([0, 1, 2, 3]))
    loaded, labels = load_samples(tmp_path / "s.npz")
    assert (loaded == images).all() and labels.dtype == np.int64


IMAGES = np.zeros((2, 8, 8, 3), np.uint8)
LABELS = np.array([0, 1])


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES.astype(np.float32), LABELS, "uint8.*float32"),
        (IMAGES.transpose(0, 3, 1, 2), LABELS, r"\(N, H, W, 3\)"),
        (IMAGES[..., :1], LABELS, r"\(N, H, W, 3\)"),
        (IMAGES[:0], LABELS[:0], "N > 0"),
        (IMAGES, LABELS[:1], "2 integer labels"),
        (IMAGES, LABELS.astype(float), "integer labels"),
        (IMAGES, np.array([0, -1]), "out of range"),
    ],
)
def test_bad_samples_are_refused_in_words(tmp_path, images, labels, words):
    np.savez(tmp_path / "bad.npz", images=images, labels=labels)
    with pytest.raises(UserError, match=words):
        load_samples(tmp_path / "bad.npz")


def test_samples_without_labels_are_refused(tmp_path):
    np.savez(tmp_path / "bad.npz", images=IMAGES)
    with pytest.raises(UserError, match="'labels'"):
        load_samples(tmp_path / "bad.npz")
