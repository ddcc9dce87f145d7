"""Figure 5: three coordinates of z_u, each varied alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from dlvae.data.batches import to_model_range
from dlvae.data.dataset import load_split
from eval.judge.factor_regressor import USABLE, load_factors
from eval.models.decoding import codes_hash, decode_grid, evenly_spaced
from eval.models.traversals import (
    FACTORS,
    TRAVERSALS,
    by_factors,
    by_kl,
    posterior_kl,
    settings,
    traverse,
)
from eval.panels.common import Panel, PanelRequest, choose_classes, ready_forms

ROWS = 3
ENCODED = 512  # held-out images over which the posterior KL is averaged


def figure5(request: PanelRequest) -> Panel:
    """Return ``grids`` uint8 (forms, 3 coordinates, 3 rows, 8 values, H, W, 3).

    Rows are classes with one z_s each; the other coordinates of z_u are one draw of its prior that
    all rows share; the varied one takes 8 values from -3 to 3 standard deviations of that prior.
    Every form of the model shows the same coordinates, chosen as published, from the same noise.
    """
    forms = ready_forms(request, "encode")
    test = load_split(request.path("data"), "test")
    values = settings()
    choices, selection = _choose(request, forms.published, test.images, values)
    classes = choose_classes(test.classes, request.section.get("classes"), ROWS)
    grids, hashes = [], []
    for model in forms.models.values():
        draws = request.draws("codes")
        z_s, _ = model.sample_codes(torch.from_numpy(classes), draws)
        noise = model.noise(draws, 1, model.task.d_u)
        paths = [traverse(noise, choice["coordinate"], values) for choice in choices]
        z_u = [model.prior_u.sample(path) for path in paths]
        grids.append([decode_grid(model, z_s[:, None], path[None]) for path in z_u])
        hashes.append(codes_hash(z_s=z_s, z_u=model.prior_u.sample(noise)))
    meta = {
        "models": list(forms.models),
        "classes": [str(test.classes[label]) for label in classes],
        "labels": classes.tolist(),
        "values": values.tolist(),
        "choices": choices,
        "coordinates": [choice["coordinate"] for choice in choices],
        "names": [c.get("factor") or f"KL rank {c['rank']}" for c in choices],
        "selection": selection,
        "codes": {"seed_parts": request.seed_parts("codes"), "sha256": hashes},
        "model_hashes": forms.hashes,
    }
    files = forms.files | {"data/test.npz": request.path("data") / "test.npz"}
    if request.inputs.get("factors"):
        files["factors/card.json"] = request.path("factors") / "card.json"
    return Panel({"grids": np.stack([np.stack(form) for form in grids])}, meta, files)


def _choose(
    request: PanelRequest, model, images: np.ndarray, values: torch.Tensor
) -> tuple[list[dict[str, Any]], str]:
    """Return the three choices and the sentence of the caption that explains them."""
    used = evenly_spaced(len(images), ENCODED)
    codes = model.encode(to_model_range(images[used], model.device))
    kl = posterior_kl(codes["z_u"], codes["z_u_logvar"])
    if not request.inputs.get("factors"):
        count = len(used)
        text = f"Coordinates of the largest mean posterior KL over {count} held-out images."
        return by_kl(kl, len(FACTORS)), text
    regressor = load_factors(request.path("factors"))
    r2 = {name: regressor.r2.get(name) or 0.0 for name in FACTORS}
    columns = {n: regressor.names.index(n) for n in FACTORS if n in regressor.usable}
    found = by_factors(model, regressor.predict, columns, values, request.draws("choice"))
    spare = by_kl(kl, len(FACTORS), [coordinate for coordinate, _ in found.values()])
    choices: list[dict[str, Any]] = []
    for name in FACTORS:
        if name not in found:
            choices.append(spare.pop(0) | {"instead_of": name, "r2": r2[name]})
            continue
        coordinate, correlation = found[name]
        choice = {"by": "factor", "factor": name, "coordinate": coordinate}
        choices.append(choice | {"spearman": correlation, "r2": r2[name]})
    return choices, _sentence(found, r2)


def _sentence(found: Mapping[str, tuple[int, float]], r2: Mapping[str, float]) -> str:
    text = ""
    if found:
        listed = ", ".join(f"{name} {r2[name]:.2f}" for name in found)
        text = (
            "Coordinates were chosen by the factor regressor: the largest absolute Spearman "
            "correlation of the coordinate's value with the predicted factor along traversals of "
            f"{TRAVERSALS} random codes (held-out R² of the regressor: {listed})."
        )
    unused = ", ".join(f"{name} (R² {r2[name]:.2f})" for name in r2 if name not in found)
    if unused:
        text += (
            f" Not used, as the regressor's R² is below {USABLE}: {unused}; in their place stand"
            " coordinates of the largest mean posterior KL."
        )
    return text.strip()
