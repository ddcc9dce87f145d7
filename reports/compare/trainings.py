"""What trainings cost, and where a candidate's differs from the stored ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from reports.compare.comparison import Comparison
from reports.names import as_published, model_title
from reports.tables.formats import MISSING

UNKNOWN = "unknown"  # of samples from outside
HEADS = ("seeds", "steps", "batch size", "images seen", "width", "precision")
# Parts of a training's configuration that models share, so that a difference is unfair.
SHARED = ("stage", "network", "train", "method")


def costs(found: Comparison, dataset: str) -> pd.DataFrame:
    """Return what was trained for how long, printed: stored models, then the candidate."""
    stored, runs = _stored_manifests(found, dataset), found.of(dataset)
    rows = {model_title(model): _row(manifests) for model, manifests in stored.items()}
    rows[found.title] = _row([run.model for run in runs if run.model is not None])
    if not any(run.model for run in runs):  # the sample set's manifest may know the precision
        rows[found.title][-1] = _listed(run.samples.get("precision") or UNKNOWN for run in runs)
    return pd.DataFrame(rows.values(), index=list(rows), columns=list(HEADS))


def unequal_settings(found: Comparison, dataset: str) -> list[str]:
    """Say which settings of the candidate's training differ from those of the stored models.

    Own options of a model are compared with those of the same model alone. Of samples from outside
    nothing is known.
    """
    own = [run.model for run in found.of(dataset) if run.model is not None]
    texts = set()
    for model, manifests in _stored_manifests(found, dataset).items() if own else ():
        for stored in manifests:
            keys = (*SHARED, "options") if model == found.candidate.name else SHARED
            here, there = (_settings(side, keys) for side in (own[0], stored))
            texts |= {
                f"{key}: {here.get(key, MISSING)} (stored: {there.get(key, MISSING)})"
                for key in here.keys() | there.keys()
                if here.get(key, MISSING) != there.get(key, MISSING)
            }
    return sorted(texts)


def _stored_manifests(found: Comparison, dataset: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return the manifests of stored trainings; a model with fitted priors was not trained anew."""
    every = found.stored.manifests("models").items()
    return {
        model: [m for name, m in every if name.startswith(f"models/{dataset}/{model}/seed")]
        for model in found.models(dataset)
        if model == as_published(model)
    }


def _row(manifests: list[Mapping[str, Any]]) -> list[str]:
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


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def _settings(manifest: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """Return what a training's manifest says of what models share, flat and as texts."""
    config = {key: manifest["config"].get(key) for key in keys}
    more = {key: manifest.get(key) for key in ("precision", "threads", "packages")}
    return dict(_flat(config | more))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        yield name, str(value)
        return
    for key, inside in value.items():
        yield from _flat(inside, f"{name}.{key}" if name else str(key))
