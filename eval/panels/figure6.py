"""Figure 6: z_s of one image with z_u of another, on identities never seen with a label."""

from __future__ import annotations

import numpy as np

from dlvae.coding import decode_grid, encode_images
from dlvae.data.dataset import Split, load_split
from dlvae.data.people import identities
from eval.models.decoding import evenly_spaced, ready_model
from eval.panels.common import Panel, PanelRequest

ROWS, COLUMNS = 4, 8


def figure6(request: PanelRequest) -> Panel:
    """Return ``row_images`` (R, ...), ``column_images`` (C, ...) and ``grid`` (R, C, H, W, 3).

    Cell (r, c) decodes z_s of row image r with the posterior mean of z_u of column image c.
    """
    folder, people = request.path("model"), request.path("unlabelled")
    unlabelled = load_split(people, "train")
    model = ready_model(request, folder, "ours_semi", source=unlabelled, needs=("encode",))
    rows, columns, selection = choose_sources(unlabelled, ROWS, COLUMNS)
    codes = encode_images(model, unlabelled.images[np.concatenate([rows, columns])])
    z_s, z_u = codes["z_s"][: len(rows)], codes["z_u"][len(rows) :]
    arrays = {
        "row_images": unlabelled.images[rows],
        "column_images": unlabelled.images[columns],
        "grid": decode_grid(model, z_s[:, None], z_u[None]),
    }
    meta = {
        "row_indices": rows.tolist(),
        "column_indices": columns.tolist(),
        "codes": {"z_s": "Encoder_s of the row image", "z_u": "posterior mean of the column image"},
        "selection": selection,
    }
    files = {"unlabelled/train.npz": people / "train.npz"}
    return Panel(arrays, meta, files, {"ours_semi": folder})


def choose_sources(split: Split, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Choose row and column images by a rule, never by looking.

    Rendered faces know their identity and pose: rows are then different identities, and columns
    are other identities spread over the range of azimuth. Elsewhere both are evenly spaced over
    the set, as sets are stored identity by identity.

    Returns:
        indices of the row images, indices of the column images, a sentence for the caption.
    """
    names = [] if split.factor_names is None else split.factor_names.tolist()
    identity = identities(split)
    if identity is None or "azimuth" not in names:
        index = evenly_spaced(len(split), rows + columns)
        is_row = np.isin(np.arange(len(index)), evenly_spaced(len(index), rows))
        return index[is_row], index[~is_row], "Source images are evenly spaced over the set."
    order = np.sort(np.unique(identity, return_index=True)[1])
    chosen = order[evenly_spaced(len(order), rows)]
    others, whose = np.flatnonzero(~np.isin(identity, identity[chosen])), "other identities"
    if len(others) < columns:  # the rows take nearly all identities
        others, whose = np.setdiff1d(np.arange(len(split)), chosen), "any identity"
    by_azimuth = others[np.argsort(split.factors[others, names.index("azimuth")], kind="stable")]
    picked = by_azimuth[evenly_spaced(len(by_azimuth), columns)]
    text = (
        f"Rows are the first images of different identities; columns are images of {whose}, "
        "evenly spaced in order of azimuth."
    )
    return chosen, picked, text
