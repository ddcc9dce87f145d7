"""Figure 4: (a) z_s varies with z_u fixed, (b) z_u varies with z_s fixed."""

from __future__ import annotations

import numpy as np
import torch

from dlvae.coding import decode_grid
from dlvae.data.dataset import load_card
from eval.models.decoding import codes_hash
from eval.models.paths import alphas, vary_z_s, vary_z_u
from eval.panels.common import Panel, PanelRequest, choose_classes, ready_forms

ROWS = 3


def figure4(request: PanelRequest) -> Panel:
    """Return ``a`` and ``b``, uint8 (forms, rows, 8, H, W, 3); rows are classes, columns alpha.

    See `vary_z_s` and `vary_z_u`; every form of the model takes the same draws of N(0, I) to its
    own priors.
    """
    forms = ready_forms(request, "decode")
    names = load_card(request.data)["class_names"]
    labels = torch.from_numpy(choose_classes(names, request.section.get("classes"), ROWS))
    grids, hashes = {"a": [], "b": []}, {"a": [], "b": []}
    for model in forms.values():
        draws = request.draws("codes")
        path_s, fixed_u = vary_z_s(model, labels, draws)
        rows_s, path_u = vary_z_u(model, labels, draws)
        grids["a"].append(decode_grid(model, path_s, fixed_u))
        grids["b"].append(decode_grid(model, rows_s, path_u))
        hashes["a"].append(codes_hash(z_s=path_s, z_u=fixed_u))
        hashes["b"].append(codes_hash(z_s=rows_s[:, 0], z_u=path_u))
    meta = {
        "models": list(forms),
        "classes": [names[int(label)] for label in labels],
        "labels": labels.tolist(),
        "alphas": alphas().tolist(),
        "codes": {"seed_parts": request.seed_parts("codes"), **hashes},
        "selection": "Classes are evenly spaced, codes are random draws.",
    }
    arrays = {name: np.stack(images) for name, images in grids.items()}
    return Panel(arrays, meta, {}, request.paths("models"))
