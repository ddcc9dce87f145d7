"""Factor regressor: from a rendered face to every ground-truth factor behind it.

    python -m eval.judge.factor_regressor --data DIR --config JSON --out DIR
        --resume-root DIR --run-log FILE

Trained on rendered images alone, judged by R^2 on held-out renders. A factor below `USABLE` is
listed in the card but used in no statement. Factors are regressed as numbers, which is what
prepared sets hold: none is an angle that wraps around and none is a category. A column that was
one would be predicted badly and so drop out of `usable` by itself; a constant one has no R^2.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlvae.config.judges import Factors
from dlvae.data.dataset import Split, load_split
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import device
from dlvae.stage.seeds import seeded_globally
from dlvae.stage.weights import CARD, load_weights
from eval.judge.classifiers.classifier import conv_norm_relu, scaled
from eval.judge.predict import outputs_of
from eval.judge.training import Named, Training, run_command

USABLE = 0.5


class FactorRegressor(nn.Module):
    """Small convolutional regressor of standardised factors.

    Stride-2 convolutions (BN-ReLU) down to a 4 x 4 grid, kept whole because the position of a
    face's parts tells its pose; then one hidden layer.

    Args:
        names: factor names, F of them.
        image_size: side of the images in pixels, a multiple of 4.
        width: multiplies the hidden channels.
        dropout: share of the hidden layer's units dropped.
    """

    def __init__(
        self, names: Sequence[str], image_size: int, width: float = 1.0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.names, self.image_size = list(names), image_size
        self.r2: dict[str, float | None] = {}
        self.usable: list[str] = []
        layers: list[nn.Module] = []
        channels, side, depth = 3, image_size, 0
        while side > 4:
            n_out = scaled(min(32 * 3**depth, 128), width)
            layers += conv_norm_relu(channels, n_out, 3, 2)
            channels, side, depth = n_out, (side + 1) // 2, depth + 1
        hidden = max(8, round(256 * width))
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(channels * side * side, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, len(self.names)),
        )
        self.register_buffer("mean", torch.zeros(len(self.names)))
        self.register_buffer("scale", torch.ones(len(self.names)))
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> standardised factors (B, F)."""
        return self.head(self.trunk(images))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Uint8 (N, H, W, 3) -> factors float32 (N, F) in their own units, columns as `names`."""
        (standardised,) = outputs_of(images, self)
        return standardised * self.scale.cpu().numpy() + self.mean.cpu().numpy()

    def irrelevant(self, r2: Mapping[str, float | None] | None = None) -> list[str]:
        """Return the label-irrelevant factors that are read well enough to be used.

        Args:
            r2: by factor, on other people than those trained on, see :func:`r2_on`; these must then
                be read as well as new renders of the people trained on.
        """
        usable = [name for name in self.usable if name in IRRELEVANT_FACTORS]
        return [name for name in usable if r2 is None or (r2.get(name) or 0.0) >= USABLE]

    def in_spreads(self, images: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Read factors off uint8 (N, H, W, 3) in units of their spread in training, float (N, F).

        Means stay in: it is differences that have a meaning.
        """
        columns = [self.names.index(name) for name in names]
        return (self.predict(images) / self.scale.cpu().numpy())[:, columns]


class Regressor(Named, Factors):
    """The settings of one training, and what it belongs to."""


def train_factors(args: argparse.Namespace) -> dict[str, Any]:
    """Train a factor regressor and save it.

    Args:
        args: of the command line; the train and test splits of ``data`` hold factors, and
            ``config`` holds keys of :class:`Regressor`.

    Returns:
        The card: R^2 per factor on held-out renders, and the factors that are usable.
    """
    recipe = Regressor.read(args.config, "factors")
    training = Training("factors", args)
    train, test = (_rendered(args.data, name) for name in ("train", "test"))
    names, size = train.factor_names.tolist(), train.images.shape[1]
    with seeded_globally(*training.seed_parts, "init"):
        network = FactorRegressor(names, size, recipe.width, recipe.dropout)
    mean, spread = train.factors.mean(axis=0), train.factors.std(axis=0)
    network.mean.copy_(torch.from_numpy(mean))
    network.scale.copy_(torch.from_numpy(np.where(spread > 0, spread, 1.0)))
    targets = torch.from_numpy((train.factors - mean) / network.scale.numpy()).to(training.device)

    def loss(outputs: Tensor, rows: Tensor) -> Tensor:
        return F.mse_loss(outputs, targets[rows])

    # The stream hands over labels; as row numbers they lead to the factors of each image.
    rows = Split(train.images, None, np.arange(len(train)), train.classes)
    training.run(network, loss, rows, recipe)
    r2 = dict(zip(names, r_squared(test.factors, network.predict(test.images)), strict=True))
    card = {
        "width": recipe.width,
        "image_size": size,
        "factor_names": names,
        "r2": r2,
        "usable": [name for name in names if (r2[name] or 0.0) >= USABLE],
        "usable_from": USABLE,
        "held_out": "new renders of the same identities",
        "images": {"train": len(train), "test": len(test)},
    }
    return training.save(network, card)


def r_squared(truth: np.ndarray, predicted: np.ndarray) -> list[float | None]:
    """1 - residual / total sum of squares per column of (N, F); None for a constant column."""
    truth, predicted = truth.astype(np.float64), predicted.astype(np.float64)
    residual = ((truth - predicted) ** 2).sum(axis=0)
    total = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    return [float(1.0 - r / t) if t > 0 else None for r, t in zip(residual, total, strict=True)]


def r2_on(regressor: FactorRegressor, split: Split) -> dict[str, float | None]:
    """R^2 of each factor that a split knows, read off its images; None for a constant one.

    Of people that the regressor was not trained on it says whether it reads a factor or the person.
    """
    if split.factors is None:
        return {}
    truth = split.factor_names.tolist()
    names = [name for name in regressor.names if name in truth]
    if not names:
        return {}
    read = regressor.predict(split.images)[:, [regressor.names.index(name) for name in names]]
    known = split.factors[:, [truth.index(name) for name in names]]
    return dict(zip(names, r_squared(known, read), strict=True))


def load_factors(folder: str | Path) -> FactorRegressor:
    """Load a regressor in evaluation mode, on CUDA where available.

    Raises:
        UserError: the folder holds no readable factor regressor.
    """
    folder = Path(folder)
    card = read_json(folder / CARD)
    try:
        network = FactorRegressor(card["factor_names"], card["image_size"], card["width"])
        network.r2, network.usable = card["r2"], card["usable"]
    except KeyError as error:
        raise UserError(
            f"{folder / CARD}: expected the card of a factor regressor, found no {error}; train "
            "one with python -m eval.judge.factor_regressor"
        ) from error
    network.load_state_dict(load_weights(folder / WEIGHTS))
    return network.to(device()).eval().requires_grad_(False)


def _rendered(data: Path, name: str) -> Split:
    split = load_split(data, name)
    if split.images is None or split.factors is None:
        raise UserError(
            f"{data}: a factor regressor needs rendered images with ground-truth factors, "
            f"{name}.npz has none; use the data set synthetic_faces"
        )
    return split


if __name__ == "__main__":
    run_command(__doc__, train_factors)
