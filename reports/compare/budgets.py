"""What trainings cost, and where a candidate's differs from the stored ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.compare.comparison import Comparison, Run
from reports.names import as_published, model_title
from reports.tables.formats import MISSING

UNKNOWN = "unknown"  # of samples from outside
# Parts of a training's configuration that models share, so that a difference is unfair.
SHARED = ("stage", "network", "train", "method")


def budgets(found: Comparison, dataset: str) -> pd.DataFrame:
    """Return what was trained for how long, printed: stored models, then the candidate."""
    heads = ["seeds", "steps", "batch size", "images seen", "width", "precision"]
    rows = {
        model_title(model): _row(list(_stored_manifests(found, dataset, model)))
        for model in _trained(found, dataset)
    }
    runs = found.of(dataset)
    own = [run.model for run in runs if run.model is not None]
    # The sample set's manifest may know the precision where there is no training.
    rows[found.title] = _row(own) if own else [MISSING, *[UNKNOWN] * 4, _precision(runs)]
    return pd.DataFrame(rows.values(), index=list(rows), columns=heads)


def differences(found: Comparison, dataset: str) -> list[str]:
    """Say which settings of the candidate's training differ from those of the stored models.

    Own options of a model are compared with those of the same model alone. Of samples from outside
    nothing is known.
    """
    own = [run.model for run in found.of(dataset) if run.model is not None]
    texts = set()
    for model in _trained(found, dataset) if own else ():
        for stored in _stored_manifests(found, dataset, model):
            same = model == found.name
            here, there = (_settings(side, with_options=same) for side in (own[0], stored))
            texts |= {
                f"{key}: {here.get(key, MISSING)} (stored: {there.get(key, MISSING)})"
                for key in here.keys() | there.keys()
                if here.get(key, MISSING) != there.get(key, MISSING)
            }
    return sorted(texts)


def _trained(found: Comparison, dataset: str) -> list[str]:
    """Return the stored models themselves: one with fitted priors was not trained once more."""
    return [model for model in found.models(dataset) if model == as_published(model)]


def _stored_manifests(found: Comparison, dataset: str, model: str) -> Iterator[Mapping[str, Any]]:
    start = f"models/{dataset}/{model}/seed"
    for artefact, manifest in found.stored.manifests("models").items():
        if artefact.startswith(start):
            yield manifest


def _row(manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    if not manifests:
        return [MISSING, *[UNKNOWN] * 5]
    configs = [manifest["config"] for manifest in manifests]
    return [
        _listed(manifest.get("seed") for manifest in manifests),
        _listed(manifest.get("steps") for manifest in manifests),
        _listed(config["train"].get("batch_size") for config in configs),
        _listed(manifest.get("images_seen") for manifest in manifests),
        _listed(config["network"].get("width") for config in configs),
        _listed(manifest.get("precision") for manifest in manifests),
    ]


def _precision(runs: Sequence[Run]) -> str:
    return _listed(run.samples.get("precision") or UNKNOWN for run in runs)


def _listed(values: Any) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _settings(manifest: Mapping[str, Any], with_options: bool) -> dict[str, str]:
    """Return what a training's manifest says of what models share, flat and as texts."""
    keys = (*SHARED, *(("options",) if with_options else ()))
    config = {key: manifest["config"].get(key) for key in keys}
    more = {key: manifest.get(key) for key in ("precision", "threads", "packages")}
    return dict(_flat(config | more))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _flat(inside, f"{name}.{key}" if name else str(key))
    else:
        yield name, str(value)
