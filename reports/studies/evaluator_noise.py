"""What scores become judge by judge: how much of an order of models is the judges' own.

Usage: python -m reports.studies.evaluator_noise --scores CSV ... --cards JSON ... --protocol FILE
    --config JSON --csv FILE --markdown FILE

The rows are those of Table 1, which hold the score by every member of both ensembles: of the robust
judges and of the plain ones. An order of two models that turns round from one judge to another says
nothing about the models.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations, product

import pandas as pd

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import Protocol
from eval.rows import PLAIN
from reports.names import capital, dataset_title, in_paper_order, model_title
from reports.tables.captions import caption, prose
from reports.tables.cells import cell
from reports.tables.formats import PrintedTable
from reports.tables.inputs import (
    ROBUST,
    TableInputs,
    check_rows,
    evaluator_cards,
    page_parser,
    read_scores,
    write_page,
)
from reports.tables.specs import Column

KINDS = {"": ROBUST, f":{PLAIN}": PLAIN}
SCORE, AGREEMENT = "inception_score", "judge_agreement"
METRICS = {SCORE: "IS", "label_fidelity": "top-1"}
COLUMNS = [
    Column(f"{metric}{end}", f"{title}, {kind}", 2 if metric == SCORE else 1, metric != SCORE)
    for end, kind in KINDS.items()
    for metric, title in {**METRICS, AGREEMENT: "agreement"}.items()
]
KEYS = ["dataset", "model", "seed"]
# What a score row says of its own origin.
ORIGIN = ["ci_low", "ci_high", "ci_kind", "n", "precision", "protocol", "evaluator", "samples"]
ORIGIN += ["data", "code"]


def by_judge(rows: pd.DataFrame) -> pd.DataFrame:
    """Put the scores by every judge beside each other.

    Args:
        rows: score rows of the family ``inception``.

    Returns:
        One row per data set, model, seed and metric (Inception Score and top-1, by each kind of
        judges): ``value``, that of the ensemble; ``judge0`` ..., those of its members;
        ``agreement``, the share of images on which two members see one class; then the columns of
        score rows.

    Raises:
        UserError: a model lacks the score by one kind of judges, or by its members.
    """
    records = []
    sets = rows.groupby(KEYS, sort=False)
    for (key, own), (end, kind), metric in product(sets, KINDS.items(), METRICS):
        found, name, agreement = own.set_index("metric"), f"{metric}{end}", f"{AGREEMENT}{end}"
        members = sorted(m for m in found.index if m.startswith(f"{name}:judge"))
        wanted = [agreement, name, *(members[:1] or [f"{name}:judge0"])]
        if missing := [name for name in wanted if name not in found.index]:
            raise UserError(
                f"{'/'.join(map(str, key))}: expected scores by an ensemble of {kind} judges, "
                f"found no {', '.join(missing)}; score again with python -m eval.scores inception"
            )
        record = dict(zip(KEYS, key, strict=True)) | {"metric": metric, "judges": kind}
        record |= {"value": found.at[name, "value"]}
        record |= {member.rpartition(":")[2]: found.at[member, "value"] for member in members}
        record |= {"agreement": found.at[agreement, "value"]}
        records.append(record | found.loc[name, ORIGIN].to_dict())
    return pd.DataFrame(records)


def printed(rows: pd.DataFrame, datasets: Sequence[str]) -> pd.DataFrame:
    """Return the page's table as texts, one row per data set, model and seed."""
    lines = {}
    for dataset in datasets:
        part = rows[rows["dataset"] == dataset]
        for model in in_paper_order(part["model"]):
            seeds = part[part["model"] == model].groupby("seed")
            for seed, own in seeds:
                more = f", seed {seed}" if len(seeds) > 1 else ""
                title = dataset_title(dataset), model_title(model) + more
                lines[title] = _texts(own, dataset, model)
    return pd.DataFrame(list(lines.values()), pd.MultiIndex.from_tuples(lines))


def _texts(rows: pd.DataFrame, dataset: str, model: str) -> dict[str, str]:
    texts, values = {}, rows.set_index("metric")["value"].sort_index()
    for column in COLUMNS:
        texts[column.title] = cell(rows, dataset, model, column.metric).text(column)
        if not column.metric.startswith(AGREEMENT):
            judges = values[values.index.str.startswith(f"{column.metric}:judge")].dropna()
            texts[f"{column.title}, by judge"] = " / ".join(map(column.number, judges))
    return texts


def turned_pairs(table: pd.DataFrame, dataset: str, metric: str) -> tuple[list[tuple], int]:
    """Return pairs of models that two judges put in different orders, and how many pairs there are.

    Every member of both kinds is a judge. Models are compared seed by seed; a pair turns if its
    order does with any seed. Real images are no model.
    """
    here = table[table["dataset"].eq(dataset) & table["model"].ne("real")]
    here = here[here["metric"] == metric]
    models = in_paper_order(here["model"])
    pairs, turned = list(combinations(models, 2)), []
    scores = here.set_index(["model", "seed", "judges"]).filter(regex=r"^judge\d").stack()
    for one, other in pairs:
        gaps = (scores.loc[one] - scores.loc[other]).dropna()
        per_seed = gaps.groupby(level="seed")
        if ((per_seed.min() < 0) & (per_seed.max() > 0)).any():
            turned.append((one, other))
    return turned, len(pairs)


def text_below(scores: TableInputs, table: pd.DataFrame, protocol: Protocol) -> str:
    """Return the caption: who judged what, and which orders of models depend on the judge.

    Args:
        table: of :func:`by_judge`.
    """
    least, splits = protocol.judges.agreement, protocol.inception.splits
    opening = [prose("evaluator_noise", agreement=least, splits=splits)]
    text = caption(opening, scores, COLUMNS, averaged=False)
    scored = [name for name in scores.datasets if table["dataset"].eq(name).any()]
    return " ".join([text, *(_turned(table, name, least) for name in scored)])


def _turned(table: pd.DataFrame, dataset: str, least: float) -> str:
    parts = []
    for metric, title in METRICS.items():
        turned, count = turned_pairs(table, dataset, metric)
        names = ", ".join(f"{model_title(a)} and {model_title(b)}" for a, b in turned)
        said = f"by {title} the order of {len(turned)} of {count} pairs of models depends on the"
        parts.append(f"{said} judge" + (f" ({names})" if names else ""))
    generated = table[table["dataset"].eq(dataset) & table["model"].ne("real")]
    for kind in KINDS.values():
        own = generated[generated["judges"] == kind]
        few = in_paper_order(own[own["agreement"] < least]["model"])
        if few:
            names = ", ".join(model_title(model) for model in few)
            parts.append(f"{kind} judges disagree on {names}")
    return f"{capital(dataset_title(dataset))}: {'; '.join(parts)}."


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    rows, protocol, robust = read_scores(args)
    plain = evaluator_cards(args.cards, PLAIN)
    check_rows(rows, robust)
    check_rows(rows, plain, PLAIN)
    both = {d: [own[d] for own in (robust, plain) if d in own] for d in robust | plain}
    table, datasets = by_judge(rows), args.config["datasets"]
    models = in_paper_order(rows["model"])
    text = text_below(TableInputs(rows, datasets, models, both), table, protocol)
    write_page(args, table, PrintedTable(printed(rows, datasets), text).markdown())


if __name__ == "__main__":
    run_stage(main, page_parser(__doc__))
