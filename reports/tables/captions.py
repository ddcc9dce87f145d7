"""Captions of the tables: everything needed to read a number, and no verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from eval.metrics.intervals import MIN_VALUES
from eval.rows import NONE
from reports.names import MODEL_NOTES, PUBLISHED_DATASETS, capital, dataset_title, model_title
from reports.tables.cells import cell
from reports.tables.inputs import TableInputs
from reports.tables.specs import IMAGES, Column
from reports.text import render_block


def caption(
    opening: Sequence[str],
    scores: TableInputs,
    columns: Sequence[Column],
    paper_note: str = "",
    averaged: bool = True,
) -> str:
    """Return the caption of a table; a model without rows on a data set is named.

    Args:
        opening: sentences on what the table shows and how to read its columns.
        scores: rows of metrics that are not printed say nothing but that a model was scored.
        columns: printed metrics.
        paper_note: how the paper's numbers came about; empty if it has none.
        averaged: whether values are means over seeds; else every seed has a row.
    """
    rows, datasets = scores.rows, scores.datasets
    printed = rows[rows["metric"].isin([column.metric for column in columns])]
    missing = [
        f"{model_title(model)} on {dataset_title(dataset)}"
        for dataset in datasets
        for model in scores.models
        if not scores.of(dataset)["model"].eq(model).any()
    ]
    compared = {PUBLISHED_DATASETS[d] for d in datasets if d in PUBLISHED_DATASETS}
    notes = [f"{MODEL_NOTES[name]}." for name in MODEL_NOTES if name in scores.models]
    return " ".join(
        [
            *opening,
            *(_dataset_text(name, printed, columns, scores.cards.get(name)) for name in datasets),
            *(notes if "cvae_gan_bao" in scores.models else ()),
            seeds_text(printed, {c.metric: c.title for c in columns}, averaged),
            _origin(rows, compared=sorted(compared), paper_note=paper_note, missing=missing),
        ]
    )


def caption_of_codes(
    opening: Sequence[str], scores: TableInputs, counted: Mapping[str, str]
) -> str:
    """Return the caption of a table of scores that are not of sample sets.

    Args:
        counted: what n counts, by a metric that is measured on it.
    """
    parts = list(opening)
    for dataset in scores.datasets:
        here, text = scores.of(dataset), "no scores"
        if not here.empty:
            measured = here[here["value"].notna()].groupby("metric")["n"].unique()
            listed = [
                f"{' or '.join(str(int(n)) for n in sorted(measured[metric]))} {what}"
                for metric, what in counted.items()
                if metric in measured
            ]
            text = f"{int(here['classes'].iloc[0])} classes, n = {', '.join(listed) or 'none'}; "
            text += evaluator_text(scores.cards.get(dataset))
        parts.append(f"{capital(dataset_title(dataset))}: {text}.")
    left_out = [name for name in scores.models if name not in set(scores.rows["model"])]
    origin = _origin(scores.rows, left_out=left_out)
    return " ".join([*parts, seeds_text(scores.rows), origin])


def _origin(rows: pd.DataFrame, **known: object) -> str:
    known = {"compared": (), "missing": (), "left_out": (), **known}
    return prose("origin", protocol=only(rows["protocol"]), preset=only(rows["preset"]), **known)


def by_seed(scores: TableInputs, column: Column) -> str:
    """Return a sentence with the values of every seed; empty with one seed."""
    parts = []
    for dataset in scores.datasets:
        cells = {name: cell(scores.rows, dataset, name, column.metric) for name in scores.models}
        values = [
            f"{model_title(name)} {', '.join(f'{v:.{column.digits}f}' for v in found.values)}"
            for name, found in cells.items()
            if len(found.values) > 1
        ]
        if values:
            parts.append(f"{dataset_title(dataset)}: {'; '.join(values)}")
    return f"{column.title} by seed. {capital('. '.join(parts))}." if parts else ""


def prose(block: str, **values: object) -> str:
    """Return what a table shows and how to read it, a block of ``captions.md.j2``."""
    return render_block("captions.md.j2", block, **values)


def _dataset_text(
    dataset: str,
    rows: pd.DataFrame,
    columns: Sequence[Column],
    cards: Mapping | Sequence[Mapping] | None,
) -> str:
    here = rows[rows["dataset"] == dataset]
    if here.empty:
        return f"{capital(dataset_title(dataset))}: no scores."
    parts = [f"{int(here['classes'].iloc[0])} classes"]
    generated, real = (here[here["model"].eq("real") == flag] for flag in (False, True))
    if not generated.empty:
        parts.append(f"{_counts_text(generated, columns, 'generated')} per model and seed")
    if not real.empty:
        parts.append(_counts_text(real, columns, "real"))
    if cards is None and here["evaluator"].eq(NONE).all():
        judges = "scored without an evaluator"
    else:
        several = [cards] if cards is None or isinstance(cards, Mapping) else cards
        judges = " and ".join(evaluator_text(card) for card in several)
    return f"{capital(dataset_title(dataset))}: {', '.join(parts)}; {judges}."


def _counts_text(rows: pd.DataFrame, columns: Sequence[Column], origin: str) -> str:
    """Say on how many images each printed metric was measured.

    Args:
        rows: of one data set, all generated or all real.
        origin: ``generated`` or ``real``, of the images that metrics count.
    """
    parts = []
    for of in dict.fromkeys(column.of for column in columns if column.of):
        own = {column.metric: column.title for column in columns if column.of == of}
        part = rows[rows["metric"].isin(list(own))]
        counts = sorted({int(n) for n in part["n"]})
        for n in counts:
            whom = f" for {_of_size(part, n, own)}" if len(counts) > 1 else ""
            each, rest = divmod(n, int(rows["classes"].iloc[0]))
            even = origin == "generated" and of == IMAGES and rest == 0
            per_class = f"{each} images per class, " if even else ""
            what = f"{origin} {of}" if of.startswith(IMAGES) else of
            parts.append(f"{per_class}n = {n} {what}{whom}")
    return "; ".join(parts)


def _of_size(rows: pd.DataFrame, n: int, titles: Mapping[str, str]) -> str:
    """Name the metrics that count n, and their models where not all of them do."""
    names = []
    for metric, title in titles.items():
        here = rows[rows["metric"] == metric]
        models = list(dict.fromkeys(here[here["n"] == n]["model"]))
        if models and here["n"].nunique() > 1:
            title += f" of {' and '.join(model_title(name) for name in models)}"
        names += [title] * bool(models)
    return ", ".join(names)


def evaluator_text(card: Mapping | None) -> str:
    """Say which evaluator judged, and how good it is on held-out images."""
    if card is None:
        return "no evaluator card"
    return (
        f"evaluator {card['weights_sha256'][:12]}, held-out accuracy {card['accuracy']:.3f}, "
        f"IS of real held-out images {card['inception_score']['test']:.2f}"
    )


OTHER_IMAGES = "other images of the same model"
INTERVALS = {
    "jackknife95_images": f"{OTHER_IMAGES} (jackknife)",
    "wilson95": f"{OTHER_IMAGES} (Wilson)",
    "jackknife95_images_judges": f"{OTHER_IMAGES} and other judges (jackknife and t)",
    "wilson95_judges": f"{OTHER_IMAGES} and other judges (Wilson and t)",
    "bootstrap95_classes": "other classes (bootstrap)",
    "t95_images": f"{OTHER_IMAGES} (t)",
    "t95_subsets": f"{OTHER_IMAGES}, by disjoint subsets (t)",
    "t95_seeds": "other trainings (t)",
    "t95_seeds_logit": "other trainings (t on a logit scale, for scores with two ends)",
    "t95_seeds_log": "other trainings (t on a log scale, for scores with one end)",
    "t95_paths": "other paths of the same model (t)",
}
"""What would change a score within its interval, by the kinds of :mod:`eval.metrics.intervals` and
:mod:`eval.metrics.ranges`, as printed."""


def seeds_text(
    rows: pd.DataFrame, titles: Mapping[str, str] | None = None, averaged: bool = True
) -> str:
    """Say which seeds there are and what the printed intervals are over.

    The interval of a row is printed where its model has no other seed, as with real images, or
    where every seed has a row of its own.

    Args:
        titles: headings by metric, to say which has which kind of interval.
        averaged: whether values are means over seeds.
    """
    seeds = sorted(int(seed) for seed in rows[rows["model"] != "real"]["seed"].unique())
    counts = rows.groupby(["dataset", "model", "metric"])["seed"].transform("nunique")
    own = rows[counts == 1] if averaged and len(seeds) > 1 else rows
    return prose(
        "seeds",
        seeds=seeds,
        averaged=averaged,
        few=counts.max() < MIN_VALUES,
        real_alone=own["model"].eq("real").all(),
        within=_within(own, titles),
    )


def _within(rows: pd.DataFrame, titles: Mapping[str, str] | None) -> str:
    """Say what intervals within one seed are over; nothing without any."""
    kinds = rows["ci_kind"].astype(str)
    present = [kind for kind in INTERVALS if kinds.eq(kind).any()]
    within = []
    for kind in present:
        metrics = set(rows[kinds == kind]["metric"])
        named = dict.fromkeys(text for name, text in (titles or {}).items() if name in metrics)
        whose = f": {', '.join(named)}" if named and len(present) > 1 else ""
        within.append(INTERVALS[kind] + whose)
    told = "in brackets: 95 % intervals, which tell what would change with"
    return f"{told} {'; '.join(within)}." if within else ""


def only(values: pd.Series) -> str:
    """Return the values of a column that has one, or all of them."""
    return ", ".join(sorted(set(values.astype(str))))
