"""Diversity of a labelled sample set."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dlvae.stage.errors import UserError
from eval.metrics.d_intra import d_intra
from eval.metrics.ms_ssim.all_pairs import all_pairs
from eval.protocol import load_protocol

CONFIG = Path(__file__).resolve().parents[3] / "config" / "protocol"
STANDARD = load_protocol(CONFIG / "v2.yaml").ms_ssim["standard"].at(32)


def draws():
    return np.random.default_rng(0)


def near_copies(n, seed):
    """One image with weak noise: pairs far from 0."""
    random = np.random.default_rng(seed)
    image = random.integers(60, 200, (32, 32, 3))
    return (image + random.normal(0, 20, (n, 32, 32, 3))).round().clip(0, 255).astype(np.uint8)


def test_mean_over_classes_of_what_each_class_gives():
    """Classes count the same whatever their size, and the order of images does not matter."""
    parts = [near_copies(n, seed) for seed, n in enumerate((4, 9, 5))]
    images, labels = np.concatenate(parts), np.repeat([0, 1, 2], [4, 9, 5])
    order = draws().permutation(len(labels))
    found = d_intra(images[order], labels[order], STANDARD)
    scores = [all_pairs(part, STANDARD) for part in parts]
    assert found.per_class == pytest.approx([1 - s.mean for s in scores], abs=1e-6)
    assert found.off_diagonal == pytest.approx([1 - s.off_diagonal for s in scores], abs=1e-6)
    assert all(np.less(found.per_class, found.off_diagonal))


def test_a_class_of_one_image_has_no_diversity():
    with pytest.raises(UserError, match="class 1: expected at least 2 images"):
        d_intra(near_copies(3, 0), np.array([0, 0, 1]), STANDARD)


def test_undefined_powers_are_an_error_not_a_nan():
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    loose = dataclasses.replace(STANDARD, clamp=False)
    with pytest.raises(UserError, match="100.0 % of its pairs.*clamp: true"):
        d_intra(np.concatenate([image, 255 - image]), np.zeros(2, int), loose)
