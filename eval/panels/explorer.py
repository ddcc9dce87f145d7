"""The swap explorer: z_s of one image with z_u of another, and one coordinate of z_u moved."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.coding import decode_grid, encode_images
from dlvae.data.dataset import load_split
from eval.models.decoding import codes_hash, ready_model
from eval.models.paths import RANGE
from eval.panels.common import Panel, PanelRequest
from eval.panels.figure6 import choose_sources

ROWS, COLUMNS, VALUES = 8, 8, 7


def explorer(request: PanelRequest) -> Panel:
    """Return ``row_images`` (R, ...), ``column_images`` (C, ...), ``grid`` (R, C, 7, H, W, 3).

    Cell (r, c, v) decodes z_s of row image r with the posterior mean of z_u of column image c, of
    which one coordinate is moved by ``values[v]`` standard deviations of its prior: the middle one
    is the plain swap. The coordinate is that of the largest of `effects`. Images are held-out ones.
    """
    folder = request.path("model")
    train, test = (load_split(request.data, name) for name in ("train", "test"))
    model = ready_model(request, folder, "ours", source=train, needs=("encode", "decode"))
    rows, columns, selection = choose_sources(test, ROWS, COLUMNS)
    codes = encode_images(model, test.images[np.concatenate([rows, columns])])
    z_s, z_u = codes["z_s"][: len(rows)], codes["z_u"][len(rows) :]
    found, values = effects(model, z_s, z_u), torch.linspace(-RANGE, RANGE, VALUES)
    coordinate = int(np.argmax(found))
    walks = move(z_u, model.prior_u.std, coordinate, values)
    arrays = {
        "row_images": test.images[rows],
        "column_images": test.images[columns],
        "grid": decode_grid(model, z_s[:, None, None], walks[None]),
    }
    meta = {
        "row_indices": rows.tolist(),
        "column_indices": columns.tolist(),
        "row_classes": [str(test.classes[label]) for label in test.labels[rows]],
        "column_classes": [str(test.classes[label]) for label in test.labels[columns]],
        "values": values.tolist(),
        "coordinate": coordinate,
        "effects": [round(float(effect), 3) for effect in found],
        "codes": {
            "z_s": "Encoder_s of the row image",
            "z_u": "posterior mean of the column image",
            "sha256": codes_hash(z_s=z_s, z_u=z_u),
        },
        "selection": selection,
    }
    return Panel(arrays, meta, request.splits("train", "test"), {"ours": folder})


def effects(model: GenerativeModel, z_s: Tensor, z_u: Tensor) -> np.ndarray:
    """Return by how much each coordinate of z_u changes the decoded pixels, (d_u,) of 255 levels.

    The mean absolute difference between images of codes that differ in the coordinate alone, by
    `RANGE` standard deviations of its prior in both directions. Codes are those of the first row
    with the first column, and so on.

    Args:
        z_s: (R, d_s).
        z_u: (C, d_u).
    """
    count, ends = min(len(z_s), len(z_u)), torch.tensor([-RANGE, RANGE])
    found = []
    for coordinate in range(z_u.shape[1]):
        moved = move(z_u[:count], model.prior_u.std, coordinate, ends)
        images = decode_grid(model, z_s[:count, None], moved).astype(np.int16)
        found.append(np.abs(images[:, 1] - images[:, 0]).mean())
    return np.array(found)


def move(z_u: Tensor, std: Tensor, coordinate: int, values: Tensor) -> Tensor:
    """Add to one coordinate of codes (C, d_u) each of ``values`` times its ``std``, (d_u,).

    Returns:
        codes (C, values, d_u).
    """
    walks = z_u[:, None].repeat(1, len(values), 1)
    walks[..., coordinate] += (values.to(std) * std[coordinate]).to(walks)
    return walks
