"""The label-irrelevant factors of images, as a factor regressor reads them."""

from __future__ import annotations

import numpy as np

from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from eval.factors import FactorRegressor


def irrelevant(regressor: FactorRegressor) -> list[str]:
    """Return the label-irrelevant factors that the regressor reads well enough to be used."""
    return [name for name in regressor.usable if name in IRRELEVANT_FACTORS]


def in_spreads(regressor: FactorRegressor, images: np.ndarray, names: list[str]) -> np.ndarray:
    """Read factors off uint8 (N, H, W, 3) in units of their spread in training, float (N, F).

    Means stay in: it is differences that have a meaning.
    """
    columns = [regressor.names.index(name) for name in names]
    return (regressor.predict(images) / regressor.scale.cpu().numpy())[:, columns]
