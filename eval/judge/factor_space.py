"""The label-irrelevant factors of images, as a factor regressor reads them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from eval.judge.factors import USABLE, FactorRegressor


def irrelevant(
    regressor: FactorRegressor, r2: Mapping[str, float | None] | None = None
) -> list[str]:
    """Return the label-irrelevant factors that the regressor reads well enough to be used.

    Args:
        r2: by factor, on other people than the regressor was trained on, where it reads these; it
            must then do so as well as new renders of its own.
    """
    usable = [name for name in regressor.usable if name in IRRELEVANT_FACTORS]
    if r2 is None:
        return usable
    return [name for name in usable if (r2.get(name) or 0.0) >= USABLE]


def in_spreads(regressor: FactorRegressor, images: np.ndarray, names: list[str]) -> np.ndarray:
    """Read factors off uint8 (N, H, W, 3) in units of their spread in training, float (N, F).

    Means stay in: it is differences that have a meaning.
    """
    columns = [regressor.names.index(name) for name in names]
    return (regressor.predict(images) / regressor.scale.cpu().numpy())[:, columns]
