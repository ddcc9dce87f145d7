"""Codes of a data set by a saved model, as arrays, and the errors of its reconstructions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.coding import CHUNK
from dlvae.data.dataset import Split, load_split
from dlvae.stage.errors import UserError
from eval.models.decoding import model_values
from eval.scored_images import evenly_per_class

AT_MOST = {"train": 20_000, "test": 10_000}  # images of a split
TRAINING_POINTS = 6_000  # of two coordinates, which take a probe no more

NO_CODES = "needs a model that encodes images"
NO_Z_S = "the model has no z_s"


@dataclass(frozen=True)
class SplitCodes:
    """Codes of the images or points of ``split``, float32.

    Attributes:
        z_u: (N, d_u), the posterior mean; of a model whose only code is z ~ N(0, I), that z.
        z_u_logvar: (N, d_u), the posterior log-variance.
        z_s: (N, d_s), deterministic; None for a model without.
        labelled: whether the encoder was told the labels.
    """

    split: Split
    z_u: np.ndarray
    z_u_logvar: np.ndarray
    z_s: np.ndarray | None = None
    labelled: bool = False


def has_codes(model: GenerativeModel) -> bool:
    """Whether :func:`encode_split` can encode with a model."""
    return hasattr(model, "encode") or hasattr(model, "posterior")


def split_to_encode(data: Path, name: str) -> Split:
    """Return the images or points of a split whose codes are scored, thinned out evenly per class.

    At most `AT_MOST` images, or `TRAINING_POINTS` points of the training split.

    Raises:
        UserError: the data set has no labels.
    """
    split, limit = load_split(data, name), AT_MOST[name]
    if not split.labelled:
        raise UserError(
            f"{data}: expected a labelled data set, found one without classes; score the codes on "
            "the data that the model was trained on"
        )
    if split.points is not None and name == "train":
        limit = TRAINING_POINTS
    return split.take(evenly_per_class(split.labels, limit // len(split.classes)))


def encode_split(model: GenerativeModel, split: Split) -> SplitCodes:
    """Encode a whole split, with ``encode(images)`` or else ``posterior(images, labels)``.

    Raises:
        UserError: ``encode`` gives no `z_u` or no `z_u_logvar`.
    """
    parts = [_encode(model, *batch) for batch in _batches(model, split)]
    missing = [name for name in ("z_u", "z_u_logvar") if name not in parts[0]]
    if missing:
        raise UserError(
            f"{type(model).__name__}.encode: expected the codes z_u and z_u_logvar, found "
            f"{', '.join(parts[0])}; return the mean and the log-variance of q(z_u|x)"
        )
    found = {
        name: torch.cat([part[name] for part in parts]).float().cpu().numpy()
        for name in ("z_u", "z_u_logvar", "z_s")
        if name in parts[0]
    }
    return SplitCodes(split, **found, labelled=not hasattr(model, "encode"))


def reconstruction_errors(model: GenerativeModel, split: Split) -> np.ndarray:
    """Mean squared error of every reconstruction, in [-1, 1] or units of the points; float64 (N,).

    From the posterior mean, and the true labels where a model wants them; not rounded to uint8.
    """
    parts = []
    for values, labels in _batches(model, split):
        difference = model.reconstruct(values, labels).double() - values
        parts.append(difference.square().flatten(1).mean(1).cpu().numpy())
    return np.concatenate(parts)


def variance(split: Split) -> float:
    """Mean squared error of the split's mean image, or point, in the place of every one of it.

    What :func:`reconstruction_errors` are on average where a reconstruction says nothing of its
    image; in the same unit.
    """
    total, squares = 0.0, 0.0
    for part in _parts(split):
        values = model_values(part, "cpu").double()
        total, squares = total + values.sum(0), squares + values.square().sum(0)
    return float((squares / len(split) - (total / len(split)).square()).mean())


def _encode(model: GenerativeModel, values: Tensor, labels: Tensor) -> dict[str, Tensor]:
    if hasattr(model, "encode"):
        return model.encode(values)
    with model.sampling(), model.autocast():
        mean, logvar = model.posterior(values, labels)
    return {"z_u": mean, "z_u_logvar": logvar}


def _batches(model: GenerativeModel, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
    for part in _parts(split):
        yield model_values(part, model.device), torch.from_numpy(part.labels).to(model.device)


def _parts(split: Split) -> Iterator[Split]:
    return (split.take(np.s_[start : start + CHUNK]) for start in range(0, len(split), CHUNK))
