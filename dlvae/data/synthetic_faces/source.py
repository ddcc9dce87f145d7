"""The data set `synthetic_faces`: rendered splits with labels and ground-truth factors."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import Split
from dlvae.data.synthetic_faces.factors import (
    FACTOR_NAMES,
    sample_identities,
    sample_images,
)
from dlvae.data.synthetic_faces.render import render


def prepare(
    size: int,
    identities: int,
    images_per_identity: int,
    test_images_per_identity: int,
    seed: int,
    first_identity: int = 0,
    labelled: bool = True,
) -> dict[str, Split]:
    """Splits "train" and, where `test_images_per_identity` > 0, "test" of `size` px pictures.

    Both show identities first_identity ... first_identity + identities - 1; test pictures are new
    renders of the same people. Identity k depends on (seed, k) alone, so an unlabelled set
    (`labelled` False: labels -1, no classes) that starts where the labelled one ends shares no
    identity with it.
    """
    people = sample_identities(identities, seed, first_identity)
    names = [f"person_{first_identity + k:04d}" for k in range(identities)] if labelled else []
    classes = np.array(names, dtype="U11")
    splits = {}
    for split, count in {"train": images_per_identity, "test": test_images_per_identity}.items():
        if split == "test" and count == 0:
            continue
        factors, labels = sample_images(people, count, seed, first_identity, split)
        splits[split] = Split(
            images=render(factors, size),
            points=None,
            labels=labels if labelled else np.full_like(labels, -1),
            classes=classes,
            factors=factors,
            factor_names=np.array(FACTOR_NAMES),
        )
    return splits
