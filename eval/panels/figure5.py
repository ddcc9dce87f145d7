"""Figure 5: three coordinates of z_u, each varied alone, chosen by a factor regressor or by KL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.coding import decode_grid
from dlvae.data.batches import to_model_range
from dlvae.data.dataset import load_split
from eval.judge.factor_regressor import USABLE, load_factors
from eval.models.decoding import codes_hash, evenly_spaced
from eval.models.paths import (
    CANDIDATES,
    FACTORS,
    TRAVERSALS,
    Read,
    correlations,
    reader,
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
    test, values = load_split(request.data, "test"), settings()
    choices, selection = _choose(request, next(iter(forms.values())), test.images)
    coordinates = [choice["coordinate"] for choice in choices]
    classes = choose_classes(test.classes, request.section.get("classes"), ROWS)
    grids, hashes = [], []
    for model in forms.values():
        draws = request.draws("codes")
        z_s, _ = model.sample_codes(torch.from_numpy(classes), draws)
        noise = model.noise(draws, 1, model.task.d_u)
        paths = [model.prior_u.sample(traverse(noise, c, values)) for c in coordinates]
        grids.append(np.stack([decode_grid(model, z_s[:, None], path[None]) for path in paths]))
        hashes.append(codes_hash(z_s=z_s, z_u=model.prior_u.sample(noise)))
    meta = {
        "models": list(forms),
        "classes": [str(test.classes[label]) for label in classes],
        "labels": classes.tolist(),
        "values": values.tolist(),
        "choices": choices,
        "coordinates": coordinates,
        "names": [c.get("factor") or f"KL rank {c['rank']}" for c in choices],
        "selection": selection,
        "codes": {"seed_parts": request.seed_parts("codes"), "sha256": hashes},
    }
    files = request.splits("test")
    if request.has("factors"):
        files["factors/card.json"] = request.path("factors") / "card.json"
    return Panel({"grids": np.stack(grids)}, meta, files, request.paths("models"))


def _choose(
    request: PanelRequest, model: GenerativeModel, images: np.ndarray
) -> tuple[list[dict[str, Any]], str]:
    """Return the three choices and the sentence of the caption that explains them."""
    used = evenly_spaced(len(images), ENCODED)
    codes = model.encode(to_model_range(images[used], model.device))
    kl = posterior_kl(codes["z_u"], codes["z_u_logvar"])
    if not request.has("factors"):
        text = f"Coordinates of the largest mean posterior KL over {len(used)} held-out images."
        return by_kl(kl, len(FACTORS)), text
    regressor = load_factors(request.path("factors"))
    r2 = {name: regressor.r2.get(name) or 0.0 for name in FACTORS}
    usable = [name for name in FACTORS if name in regressor.usable]
    found = by_factors(model, reader(regressor, usable), usable, request.draws("choice"))
    spare = by_kl(kl, len(FACTORS), [coordinate for coordinate, _ in found.values()])
    choices: list[dict[str, Any]] = []
    for name in FACTORS:
        if name in found:
            coordinate, correlation = found[name]
            choice = {"by": "factor", "factor": name, "coordinate": coordinate}
            choices.append(choice | {"spearman": correlation, "r2": r2[name]})
        else:
            choices.append(spare.pop(0) | {"instead_of": name, "r2": r2[name]})
    return choices, _sentence(found, r2)


def posterior_kl(mean: Tensor, logvar: Tensor) -> np.ndarray:
    """Return KL(q(z_u|x) || N(0, I)) per coordinate, averaged over images, in nats, (d_u,)."""
    return (0.5 * (logvar.exp() + mean.square() - 1 - logvar)).mean(0).cpu().numpy()


def by_kl(kl: np.ndarray, count: int, taken: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Return ``count`` coordinates of the largest mean posterior KL, without those taken."""
    order = np.argsort(-kl, kind="stable").tolist()
    free = [(rank, index) for rank, index in enumerate(order, start=1) if index not in taken]
    return [
        {"by": "kl", "coordinate": index, "rank": rank, "kl": float(kl[index])}
        for rank, index in free[:count]
    ]


def by_factors(
    model: GenerativeModel, read: Read, names: Sequence[str], draws: torch.Generator
) -> dict[str, tuple[int, float]]:
    """Choose a coordinate per factor: the largest |Spearman| of `correlations`, all distinct.

    Returns:
        factor to (coordinate, Spearman correlation along traversals).
    """
    if not names:
        return {}
    candidates, table = correlations(model, read, draws, max(CANDIDATES, len(names)))
    chosen = zip(names, assign(table), table.T, strict=True)
    return {name: (int(candidates[row]), float(column[row])) for name, row, column in chosen}


def assign(table: np.ndarray) -> list[int]:
    """Return a distinct row per column, taking the largest absolute entries first."""
    left, rows = np.abs(table), [0] * table.shape[1]
    for _ in rows:
        row, column = np.unravel_index(np.argmax(left), left.shape)
        rows[column] = int(row)
        left[row], left[:, column] = -1.0, -1.0
    return rows


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
