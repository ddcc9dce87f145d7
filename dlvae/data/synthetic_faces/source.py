"""The data set `synthetic_faces`: rendered splits with labels and ground-truth factors."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from dlvae.config.section import Count, Natural, Section, Side
from dlvae.data.dataset import Prepared, Split
from dlvae.data.sources import Role
from dlvae.data.synthetic_faces.factors import FACTOR_NAMES, sample_identities, sample_images
from dlvae.data.synthetic_faces.render import render

CARD = {"source": "rendered by dlvae.data.synthetic_faces", "licence": "MIT", "flip": True}


class SyntheticFacesData(Section):
    """The section `datasets.synthetic_faces.data`."""

    size: Side = 32
    """side of an image in pixels"""
    identities: Annotated[int, Field(ge=2)] = 24
    """people"""
    images_per_identity: Count = 120
    """training renders of each"""
    test_images_per_identity: Count = 20
    """held-out renders of each"""
    seed: Natural = 0
    """of the renders"""
    first_identity: Natural = 0
    """number of the first person; a person depends on seed and number alone"""


class UnlabelledSyntheticFaces(Section):
    """The section `datasets.synthetic_faces.unlabelled`; images have the size of the labelled."""

    identities: Count = 10
    """people"""
    images_per_identity: Count = 100
    """renders of each, of which one in five is held out of the stage"""
    seed: Natural = 0
    """of the renders"""
    first_identity: Natural = 100_000
    """number of the first person; nobody here may occur with a label"""


class SizedUnlabelledSyntheticFaces(UnlabelledSyntheticFaces):
    """The same with the size."""

    size: Side = 32


def prepare(options: SyntheticFacesData) -> Prepared:
    """Render splits "train" and "test": the same people in other pictures."""
    counts = {"train": options.images_per_identity, "test": options.test_images_per_identity}
    return Prepared({n: render_split(options, n, count) for n, count in counts.items()}, CARD)


def prepare_unlabelled(options: SizedUnlabelledSyntheticFaces) -> Prepared:
    """Render the split "train" alone, with labels -1 and no classes."""
    split = render_split(options, "train", options.images_per_identity, labelled=False)
    return Prepared({"train": split}, CARD)


def render_split(
    options: SyntheticFacesData | SizedUnlabelledSyntheticFaces,
    name: str,
    per_identity: int,
    labelled: bool = True,
) -> Split:
    """Render so many pictures of each of the people first_identity, first_identity + 1, ...

    Person k depends on (seed, k) alone, so a set that starts where another one ends shares nobody
    with it. Splits of different names show the same people in other pictures.
    """
    first, count, seed = options.first_identity, options.identities, options.seed
    people = sample_identities(count, seed, first)
    factors, labels = sample_images(people, per_identity, seed, first, name)
    names = [f"person_{first + k:04d}" for k in range(count)] if labelled else []
    return Split(
        images=render(factors, options.size),
        points=None,
        labels=labels if labelled else np.full_like(labels, -1),
        classes=np.array(names, dtype="U11"),
        factors=factors,
        factor_names=np.array(FACTOR_NAMES),
    )


ROLES = {
    "labelled": Role(SyntheticFacesData, prepare),
    "unlabelled": Role(SizedUnlabelledSyntheticFaces, prepare_unlabelled),
}
