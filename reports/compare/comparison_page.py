"""The page of a comparison: what it says, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dlvae.candidate import Candidate
from reports.compare.budgets import budgets, differences
from reports.compare.comparison import COLUMNS, PRINTED, REAL, Comparison
from reports.compare.deltas import COMBINED, PAIRED, WELCH, Delta
from reports.compare.thresholds import LESS_IS_BETTER
from reports.names import capital, dataset_title, model_title
from reports.page import Block, Grid, Heading, Picture, Points, Text
from reports.tables.captions import caption, splits_text
from reports.tables.cells import Column
from reports.tables.formats import MISSING
from reports.tables.inputs import Scores

READING = (
    "Top-1: share of images in which the evaluator sees the class asked for.",
    "d_intra (Eq. 12) is to be read together with the IS: noise is diverse too.",
    "FID, precision and recall compare with the training images; of FID less is better.",
    "Real data are held-out images, for d_intra training images: the ceiling.",
)
NOTHING = (
    "Nothing, neither of the samples nor in the search for near-duplicates. (The search finds "
    "copies that were recompressed, mirrored, moved by a pixel or shifted in brightness; cropped, "
    "rotated, blurred or less contrasted ones may go unnoticed.)"
)
# What the interval of a difference knows of, by its kind.
KINDS = {
    WELCH: "{}: over the training seeds of both (Welch's t)",
    PAIRED: "{}: over classes, of the differences class by class (bootstrap-t); of other trainings "
    "it knows nothing",
    COMBINED: "{}: from the two intervals of the table above, taken as independent; with one seed "
    "of a model they know of other images of it, and of other trainings nothing",
}


def comparison_page(found: Comparison, who: Candidate, figure: Path) -> list[Block]:
    """Return the page.

    Args:
        who: the candidate, as the configuration names it.
        figure: PNG beside the page.
    """
    blocks: list[Block] = [
        Heading(f"{found.name} beside the stored results of preset {found.stored.preset}", 1),
        Text(_verdict(found)),
        Text(_who(found, who)),
        Heading("What stood out"),
        *_findings(found),
    ]
    for dataset in found.datasets:
        blocks.append(Heading(capital(dataset_title(dataset))))
        blocks += _dataset(found, dataset)
    shown = f"Scores of {found.name}, of the stored models and of real images, with 95 % intervals"
    blocks += [Heading("Figure"), Picture(figure, shown)]
    blocks += [Heading("Trained for how long"), *_trainings(found)]
    return [*blocks, Heading("Provenance"), Points(tuple(_provenance(found)))]


def _verdict(found: Comparison) -> str:
    if not found.least:
        return "No threshold was set (`fail_below`)."
    failed = [v.text for v in found.verdicts if not v.passed]
    reached = [v.text for v in found.verdicts if v.passed]
    parts = [f"**Failed**: {'; '.join(failed)}."] if failed else []
    return " ".join([*parts, *([f"**Passed**: {'; '.join(reached)}."] if reached else [])])


def _who(found: Comparison, who: Candidate) -> str:
    if who.samples is not None:
        return f"The candidate is a set of samples from outside, `{who.samples}`."
    seeds = f"seed{'s' * (len(who.seeds) > 1)} {', '.join(map(str, who.seeds))}"
    again = ""
    if any(found.name in found.models(dataset) for dataset in found.datasets):
        again = " The stored results have a model of that name too, that of their commit."
    return f"The candidate is the model `{found.name}`, trained here with {seeds}.{again}"


def _findings(found: Comparison) -> Iterator[Block]:
    items = []
    for run in found.runs:
        several = len(found.of(run.dataset)) > 1
        where = f"{dataset_title(run.dataset)}{f', seed {run.seed}' if several else ''}"
        items += [f"{capital(f['severity'])}, {where}: {f['text']}" for f in run.findings]
    items += [_same_samples(found, dataset) for dataset in found.datasets]
    items = [item for item in items if item]
    if items:
        yield Points(tuple(items))
    else:
        yield Text(NOTHING)


def _same_samples(found: Comparison, dataset: str) -> str:
    """Say whose samples the candidate's are, where they are those of a stored model."""
    rows = found.rows[found.rows["dataset"] == dataset]
    own = set(rows[rows["model"] == found.title]["samples"])
    same = rows[rows["samples"].isin(own) & (rows["model"] != found.title)]
    models = ", ".join(model_title(name) for name in dict.fromkeys(same["model"]))
    return f"Note, {dataset_title(dataset)}: the very images of {models}." if models else ""


def _dataset(found: Comparison, dataset: str) -> Iterator[Block]:
    models = [REAL, *found.models(dataset), found.title]
    columns = [COLUMNS[metric] for metric in PRINTED]
    if dataset in found.foreign:
        yield Text(_foreign(found, dataset))
    cells = {
        column.title: [_cell(found, dataset, model, column) for model in models]
        for column in columns
    }
    titles = [model_title(model) for model in models]
    rows = found.rows[found.rows["dataset"] == dataset]
    opening = [splits_text(found.stored.protocol.inception.splits), *READING]
    scores = Scores(rows, [dataset], models, found.stored.cards())
    text = caption(opening, scores, columns)
    yield Grid(pd.DataFrame(cells, index=titles), text)
    yield Heading("Candidate minus stored model", 3)
    yield _delta_grid(found, dataset, columns)
    yield from _spread(found, dataset, columns)


def _cell(found: Comparison, dataset: str, model: str, column: Column) -> str:
    own = found.cell(dataset, model, column.metric)
    if own is None:
        foreign = model == found.title and dataset in found.foreign
        return "other evaluator" if foreign else MISSING
    return own.text(column)


def _foreign(found: Comparison, dataset: str) -> str:
    judge, judged = found.foreign[dataset], []
    for metric in PRINTED:
        stored = found.rows[(found.rows["dataset"] == dataset) & (found.rows["metric"] == metric)]
        if judge.expected in set(stored["evaluator"]):
            judged.append(COLUMNS[metric].title)
    return (
        f"**Another evaluator.** The stored scores were judged by evaluator {judge.expected}, of "
        "which the hash is stored and the weights, which are large, are not. Trained again by its "
        f"recipe it became {judge.found} here: another processor, precision, version of a package "
        "or `evaluator` section may be the cause. Scores of different evaluators cannot stand in "
        f"one table, so {', '.join(judged)} of the candidate are left out. d_intra needs no "
        "evaluator and is compared. `snakemake reproduce` and your own `snakemake freeze` make a "
        "set of stored results on this machine that a candidate can be compared with in full."
    )


def _delta_grid(found: Comparison, dataset: str, columns: Sequence[Column]) -> Grid:
    models = found.models(dataset)
    texts = {
        column.title: [_delta_text(found.deltas[dataset, m, column.metric], column) for m in models]
        for column in columns
    }
    kinds: dict[str, list[str]] = {}
    for column in columns:
        for model in models:
            change = found.deltas[dataset, model, column.metric]
            if change is not None and change.interval is not None:
                kinds.setdefault(change.interval.kind, []).append(column.title)
    parts = [
        "In brackets: 95 % interval of the difference. P: probability that the candidate's "
        f"expected score is better ({', '.join(COLUMNS[m].title for m in LESS_IS_BETTER)}: lower), "
        "over trainings, by Welch's t test; fewer than three seeds on either side give none.",
        *(f"{KINDS[kind].format(_each(titles))}." for kind, titles in kinds.items()),
        "All that an evaluator judges is of this one: another may move and even reorder models, as "
        "the target `evaluator_noise` shows.",
    ]
    return Grid(pd.DataFrame(texts, index=[model_title(m) for m in models]), " ".join(parts))


def _each(titles: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(titles))


def _delta_text(change: Delta | None, column: Column) -> str:
    if change is None:
        return MISSING
    unit, times = (" points", 100) if column.percent else ("", 1)

    def number(value: float) -> str:
        return f"{times * value:+z.{column.digits}f}"

    text = f"{number(change.value)}{unit}"
    if change.interval is not None:
        text += f" [{number(change.interval.low)}, {number(change.interval.high)}]"
    return text if change.better is None else f"{text}, P {change.better:.2f}"


def _spread(found: Comparison, dataset: str, columns: Sequence[Column]) -> Iterator[Block]:
    """Say how far trainings of one model lie apart: the yardstick of a single training."""
    table: dict[str, Mapping[str, str]] = {}
    for model in [*found.models(dataset), found.title]:
        cells = {c.title: (found.cell(dataset, model, c.metric), c) for c in columns}
        if any(own and len(own.values) > 1 for own, _ in cells.values()):
            table[model_title(model)] = {title: _sd(*pair) for title, pair in cells.items()}
    if not table:
        yield Text(
            "Every model has one seed, the candidate too, so that nothing here tells how far "
            "another training of the same model would differ."
        )
        return
    yield Heading("Spread over seeds", 3)
    text = (
        "Standard deviation over the training seeds of one model: a difference that is not well "
        "beyond it may be the seed's."
    )
    yield Grid(pd.DataFrame.from_dict(table, orient="index"), text)


def _sd(own, column: Column) -> str:
    if own is None or len(own.values) < 2:
        return MISSING
    spread = float(np.std(own.values, ddof=1)) * (100 if column.percent else 1)
    return f"{spread:.{column.digits}f}{' points' if column.percent else ''}"


def _trainings(found: Comparison) -> Iterator[Block]:
    for dataset in found.datasets:
        yield Grid(budgets(found, dataset), f"{capital(dataset_title(dataset))}.")
    items = [
        f"{capital(dataset_title(dataset))}: {text}"
        for dataset in found.datasets
        for text in differences(found, dataset)
    ]
    items += found.other_code
    if items:
        yield Text("**Differs from the stored runs**, so that the comparison is the less fair:")
        yield Points(tuple(items))
    elif all(run.model is not None for run in found.runs):
        yield Text("No setting that models share differs from the stored runs.")
    else:
        yield Text("How the samples came about is not known, so neither is how fair this is.")


def _provenance(found: Comparison) -> Iterator[str]:
    index = found.stored.index
    yield f"Stored results: commit `{index['commit']}`, made with `{index['command']}`."
    machine = index.get("machine") or {}
    if machine:
        yield f"Their machine: {', '.join(f'{key} {value}' for key, value in machine.items())}."
    yield f"Protocol {found.stored.protocol.label}."
    for dataset in found.datasets:
        rows = found.rows[found.rows["dataset"] == dataset]
        own = rows[rows["model"] == found.title]
        data = " ".join(dict.fromkeys(rows["data"]))
        card = found.stored.cards()[dataset]
        samples = ", ".join(dict.fromkeys(own["samples"]))
        precision = ", ".join(dict.fromkeys(own["precision"]))
        yield (
            f"{capital(dataset_title(dataset))}: data {data}; stored evaluator "
            f"{card['weights_sha256'][:12]}; the candidate's samples {samples}, precision "
            f"{precision}."
        )
