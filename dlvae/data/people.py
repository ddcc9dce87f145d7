"""Who the images of a set show, and the part of an unlabelled set that no training sees."""

from __future__ import annotations

import numpy as np

from dlvae.data.dataset import HELD_OUT, PERSON, Split
from dlvae.data.synthetic_faces.factors import IDENTITY_FACTORS
from dlvae.stage.errors import UserError

EVERY = 5  # one image in so many of each person is held out


def identities(split: Split) -> np.ndarray | None:
    """Return who each image shows, int64 (N,), equal numbers for one person; None if unknown.

    Labels say so; without them the factor `PERSON` of photographs, or the identity factors of
    rendered faces.
    """
    if split.labelled:
        return split.labels
    names = [] if split.factor_names is None else split.factor_names.tolist()
    if PERSON in names:
        return split.factors[:, names.index(PERSON)].astype(np.int64)
    known = [index for index, name in enumerate(names) if name in IDENTITY_FACTORS]
    if not known:
        return None
    return np.unique(split.factors[:, known], axis=0, return_inverse=True)[1].ravel()


def hold_out(split: Split) -> dict[str, Split]:
    """Part an unlabelled set into "train" and `HELD_OUT`, the same images every time.

    Of every person with two images or more one in `EVERY` is held out, at least one, evenly spaced
    over them as they are stored; of the whole set where nobody knows who is in it, or where each
    person has one image. So the held-out images are of people that the training knows, without a
    label, and are not those that it has seen.

    Raises:
        UserError: a set of fewer than two images.
    """
    if len(split) < 2:
        raise UserError(
            f"expected two unlabelled images or more, found {len(split)}: one in {EVERY} is held "
            "out of the training; give more, or leave the section unlabelled out"
        )
    people = identities(split)
    alike = np.zeros(len(split), np.int64)
    if people is None or np.bincount(np.unique(people, return_inverse=True)[1]).max() < 2:
        people = alike
    chosen = np.zeros(len(split), bool)
    for person in np.unique(people):
        own = np.flatnonzero(people == person)
        count = max(1, len(own) // EVERY) if len(own) > 1 else 0
        chosen[own[((np.arange(count) + 0.5) * len(own) / max(count, 1)).astype(np.int64)]] = True
    return {"train": split.take(~chosen), HELD_OUT: split.take(chosen)}
