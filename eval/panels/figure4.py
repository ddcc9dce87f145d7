"""Figure 4: (a) z_s varies with z_u fixed, (b) z_u varies with z_s fixed."""

from __future__ import annotations

import torch

from eval.decoding import codes_hash, decode_grid, model_files, model_hash, ready_model, require
from eval.panels.common import Panel, PanelRequest, choose_classes, class_names
from eval.paths import alphas, vary_z_s, vary_z_u

ROWS = 3


def figure4(request: PanelRequest) -> Panel:
    """Return ``a`` and ``b``, uint8 (rows, 8, H, W, 3); rows are classes, columns alpha.

    See `vary_z_s` and `vary_z_u`.
    """
    folder = request.path("model")
    model = ready_model(request, folder, "ours")
    require(model, "decode", request.name)
    names = class_names(request, model.task.classes)
    labels = torch.from_numpy(choose_classes(names, request.section.get("classes"), ROWS))
    draws = request.draws("codes")
    path_s, fixed_u = vary_z_s(model, labels, draws)
    rows_s, path_u = vary_z_u(model, labels, draws)
    arrays = {"a": decode_grid(model, path_s, fixed_u), "b": decode_grid(model, rows_s, path_u)}
    meta = {
        "classes": [names[int(label)] for label in labels],
        "labels": labels.tolist(),
        "alphas": alphas().tolist(),
        "codes": {
            "seed_parts": request.seed_parts("codes"),
            "a": codes_hash(z_s=path_s, z_u=fixed_u),
            "b": codes_hash(z_s=rows_s[:, 0], z_u=path_u),
        },
        "selection": "Classes are evenly spaced, codes are random draws.",
        "model_hashes": {"ours": model_hash(folder)},
    }
    return Panel(arrays, meta, model_files("ours", folder))
