"""Figure 4: (a) z_s varies with z_u fixed, (b) z_u varies with z_s fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from eval.decoding import codes_hash, decode_grid, model_files, model_hash, ready_model, require
from eval.panels.common import Panel, PanelRequest, choose_classes, class_names

ROWS, COLUMNS = 3, 8


def figure4(request: PanelRequest) -> Panel:
    """Return ``a`` and ``b``, uint8 (rows, 8, H, W, 3); rows are classes, columns alpha.

    (a) z(alpha) = alpha z1 + (1 - alpha) z2 of two N(0, I) draws, z_s = mu_c + sigma_c z(alpha);
    every row shares z_u, every column shares z(alpha). (b) one z_s ~ N(mu_c, Sigma_c) per row;
    z_u moves between two N(0, I) draws that all rows share.
    """
    folder = request.path("model")
    model = ready_model(request, folder, "ours")
    require(model, "decode", request.name)
    names = class_names(request, model.task.classes)
    labels = torch.from_numpy(choose_classes(names, request.section.get("classes"), ROWS))
    d_s, d_u = model.task.d_s, model.task.d_u
    draws = request.draws("codes")
    alphas = torch.linspace(0, 1, COLUMNS)
    ends_s, fixed_u = model.noise(draws, 2, d_s), model.noise(draws, 1, d_u)
    fixed_s, ends_u = model.noise(draws, len(labels), d_s), model.noise(draws, 2, d_u)
    with torch.no_grad():
        path_s = _class_codes(model, labels, _line(alphas, ends_s))
        path_u = _line(alphas, ends_u)
        rows_s = model.prior.sample(labels.to(model.device), fixed_s)
    arrays = {
        "a": decode_grid(model, path_s, fixed_u[None]),
        "b": decode_grid(model, rows_s[:, None], path_u[None]),
    }
    meta = {
        "classes": [names[int(label)] for label in labels],
        "labels": labels.tolist(),
        "alphas": alphas.tolist(),
        "codes": {
            "seed_parts": request.seed_parts("codes"),
            "a": codes_hash(z_s=path_s, z_u=fixed_u),
            "b": codes_hash(z_s=rows_s, z_u=path_u),
        },
        "selection": "Classes are evenly spaced, codes are random draws.",
        "model_hashes": {"ours": model_hash(folder)},
    }
    return Panel(arrays, meta, model_files("ours", folder))


def _line(alphas: Tensor, ends: Tensor) -> Tensor:
    """Return alpha * ends[0] + (1 - alpha) * ends[1] as (alphas, d)."""
    alphas = alphas.to(ends)[:, None]
    return alphas * ends[0] + (1 - alphas) * ends[1]


def _class_codes(model, labels: Tensor, noise: Tensor) -> Tensor:
    """Return mu_c + sigma_c * noise for every class and every noise row, (rows, columns, d_s)."""
    rows, columns = len(labels), len(noise)
    every = labels.to(model.device).repeat_interleave(columns)
    return model.prior.sample(every, noise.repeat(rows, 1)).view(rows, columns, -1)
