"""Swaps of codes (Figure 6): whose images are paired, and z_s of one decoded with z_u of another.

A cell should show the person of its z_s image with all else (pose, light, expression) of its z_u
image; Section 4.4 of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.data.dataset import Split
from dlvae.data.people import identities
from eval.models.decoding import decode_grid, encode_images, evenly_spaced
from eval.scored_images import evenly_per_class

CELLS = 500
IMAGES, IDENTITIES = 500, 100  # of a set; at least 5 images of each person, where there are so many


@dataclass(frozen=True)
class Cells:
    """Images of one set, and which of them are swapped.

    Attributes:
        images: uint8 (N, H, W, 3).
        identity: int64 (N,), equal for images of one person; None where it is not known.
        rows, columns: int64 (M,), indices of the images that give z_s and z_u of each cell.
    """

    images: np.ndarray
    identity: np.ndarray | None
    rows: np.ndarray
    columns: np.ndarray


def choose_cells(split: Split, draws: np.random.Generator, most: int = CELLS) -> Cells:
    """Choose up to `IMAGES` images of up to `IDENTITIES` people, and ``most`` random cells of them.

    Cells are distinct pairs of different people, or of any two different images where identities
    are not known. A set of one person has none.
    """
    identity = identities(split)
    if identity is None:
        chosen = evenly_spaced(len(split), IMAGES)
        same = np.eye(len(chosen), dtype=bool)
    else:
        chosen = _of_several_people(identity)
        identity = identity[chosen]
        same = identity[:, None] == identity
    pairs = np.flatnonzero(~same)
    cells = draws.choice(pairs, min(most, len(pairs)), replace=False)
    rows, columns = np.divmod(cells, len(chosen))
    return Cells(split.images[chosen], identity, rows, columns)


def _of_several_people(identity: np.ndarray) -> np.ndarray:
    """Return indices of images: several of one person, or there would be no pair to verify."""
    people = np.unique(identity)
    people = people[evenly_spaced(len(people), IDENTITIES)]
    members = np.flatnonzero(np.isin(identity, people))
    return members[evenly_per_class(identity[members], IMAGES // len(people))]


def swap(model: GenerativeModel, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Decode every cell and every image's own codes, z_u at the posterior mean.

    Returns:
        swapped uint8 (M, H, W, 3) and reconstructed uint8 (N, H, W, 3).
    """
    codes = encode_images(model, cells.images)
    z_s, z_u = codes["z_s"], codes["z_u"]
    return decode_grid(model, z_s[cells.rows], z_u[cells.columns]), decode_grid(model, z_s, z_u)
