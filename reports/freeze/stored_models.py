"""Trained models among the stored results: which ones, and the card of each.

``models/<data set>/<model>/seed<seed>/`` holds what :func:`dlvae.loading.load` reads, and
``README.md``, the model card: metadata that a hub accepts, what the model is, and its scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from dlvae.stage.artefact import read_json
from dlvae.stage.registry import DEFINITION, WEIGHTS
from dlvae.stage.weights import CARD
from eval.rows import read_rows
from reports.freeze.stored import Finding, Part, Stored
from reports.names import dataset_title, model_title
from reports.tables.cells import cell
from reports.tables.formats import pipe_table
from reports.tables.marks import REAL, marks
from reports.tables.specs import COLUMN_OF
from reports.text import render

MB = 1_000_000
MODELS, PAGE = "models", "README.md"
CONTEXT = ("preset", "dataset", "model", "seed")
METRICS = ("inception_score", "label_fidelity", "d_intra_standard", "fid", "precision", "recall")
Manifests = Mapping[str, Mapping[str, Any]]


def chosen_models(results: Path, config: Mapping[str, Any], manifests: Manifests) -> list[str]:
    """Return the models whose weights are stored, ``models/<data set>/<model>/seed<seed>``.

    Ours goes first, the others follow in the order of the configuration, each on every data set, of
    the first seed, as long as all together are within ``stored_models_mb``. Models of images from a
    folder of the machine's are not stored: nobody has said that what they learned may be shown.
    """
    names = sorted(config["models"], key=lambda name: name != "ours")  # stable
    room, found = config.get("stored_models_mb", 0) * MB, []
    seed, sections = config["seeds"][0], config["datasets"].items()
    shown = [dataset for dataset, part in sections if "root" not in part["data"]]
    for artefact in (f"{MODELS}/{d}/{name}/seed{seed}" for name in names for d in shown):
        sampled = artefact.replace(MODELS, "samples", 1) in manifests
        if artefact not in manifests or not sampled:
            continue
        files = [results / artefact / file for file in (WEIGHTS, DEFINITION)]
        if (size := sum(path.stat().st_size for path in files)) <= room:
            found.append(artefact)
            room -= size
    return found


def about_model(data_card: Mapping[str, Any], sampled: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model's card says beside its files: its data, classes and sample set.

    Args:
        data_card: of the prepared data set.
        sampled: manifest of its sample set, as stored.
    """
    keys = ("source", "licence", "sha256")
    return {
        "class_names": data_card["class_names"],
        "data": {key: data_card[key] for key in keys},
        "samples": {"sha256": sampled["content"], "per_class": sampled["config"]["per_class"]},
    }


def model_page(card: Mapping[str, Any], rows: pd.DataFrame, stored: Stored) -> str:
    """Return the model card as Markdown with its metadata in YAML.

    Args:
        card: see :func:`dlvae.loading.load`.
        rows: stored score rows.
        stored: with the protocol and the manifests.
    """
    preset, dataset, model, seed = (card[key] for key in CONTEXT)
    rows = rows[(rows["seed"] == seed) | (rows["model"] == REAL)]
    texts, cells = [], {}
    for column in (COLUMN_OF[metric] for metric in METRICS):
        key = rows, dataset, model, column.metric
        if not (own := cell(*key)).rows.empty:
            cells[column] = own
            texts.append(own.text(column) + marks(*key, stored.protocol))
    values = {c.metric: round(own.mean, 6) for c, own in cells.items() if not own.reason}
    name = f"{preset}/{dataset}/{model}"
    metadata = {
        "license": "mit",
        "library_name": "dlvae",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["dlvae", "variational-autoencoder", "disentanglement", "class-conditional"],
        "metrics": list(values),
        "model-index": [{"name": name, "results": [_result(dataset, values)]}],
    }
    rule = card["samples"]["per_class"]
    trained = stored.manifests[f"{MODELS}/{dataset}/{model}/seed{seed}"]
    return "---\n{}---\n\n{}".format(
        yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True),
        render(
            "model_card.j2",
            name=name,
            title=model_title(model),
            data=dataset_title(dataset),
            card=card,
            swaps=model == "ours",
            rounds=rule["few"] if len(card["class_names"]) <= rule["few_classes"] else rule["many"],
            scores=pipe_table([c.title for c in cells], [texts], 0),
            trained=trained,
            protocol=stored.protocol.label,
        ),
    )


def _result(dataset: str, values: Mapping[str, float]) -> dict[str, Any]:
    """Return scores as the metadata of a hub has them."""
    return {
        "task": {"type": "unconditional-image-generation", "name": "class-conditional images"},
        "dataset": {"type": dataset, "name": dataset_title(dataset)},
        "metrics": [
            {"type": metric, "name": COLUMN_OF[metric].title, "value": value}
            for metric, value in values.items()
        ],
    }


def model_pages(stored: Stored) -> dict[str, str]:
    """Return the model card of every stored model by its file, made of the rows as they are."""
    folders = sorted(path.parent for path in (stored.folder / MODELS).glob(f"*/*/*/{CARD}"))
    if not folders:
        return {}
    rows = read_rows([stored.folder / Part.SCORES])
    return {
        f"{folder.relative_to(stored.folder).as_posix()}/{PAGE}": model_page(
            read_json(folder / CARD), rows, stored
        )
        for folder in folders
    }


def wrong_cards(stored: Stored) -> Iterator[Finding]:
    """Hold what the card of every stored model says against the manifests."""
    for path in sorted((stored.folder / MODELS).glob(f"*/*/*/{CARD}")):
        card, run = read_json(path), path.parent.relative_to(stored.folder / MODELS).as_posix()
        trained, sampled = (stored.manifests[f"{stage}/{run}"] for stage in (MODELS, "samples"))
        claims = [(key, sampled["config"][key], card[key]) for key in (*CONTEXT, "bn_eval")]
        claims += [(f, trained["files"][f], card["files"].get(f)) for f in (WEIGHTS, DEFINITION)]
        claims.append(("samples", sampled["content"], card["samples"]["sha256"]))
        for name, expected, found in claims:
            if expected != found:
                file = path.relative_to(stored.folder).as_posix()
                said = f"expected the {name} of the manifests, {expected}, found {found}"
                yield stored.finding(file, said)
