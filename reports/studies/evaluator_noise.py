"""What scores become judge by judge: how much of an order of models is the judges' own.

Usage: python -m reports.studies.evaluator_noise --scores CSV ... --cards JSON ... --protocol FILE
    --config JSON --csv FILE --markdown FILE

The rows are those of Table 1, which hold the score by every member of both ensembles: of the robust
judges and of the plain ones. An order of two models that turns round from one judge to another says
nothing about the models.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from dlvae.stage.artefact import read_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import load_protocol
from eval.rows import PLAIN, by_plain, read_rows, refuse_mixed
from reports.command import scores_parser
from reports.names import dataset_title, in_paper_order, model_title
from reports.tables.__main__ import check_evaluators, check_protocol
from reports.tables.aggregate import Column, cell
from reports.tables.captions import capital, caption, splits_text
from reports.tables.formats import MISSING, markdown

KINDS = {"": "robust", f":{PLAIN}": "plain"}
SCORE, FIDELITY, AGREEMENT = "inception_score", "label_fidelity", "judge_agreement"
METRICS = {SCORE: "IS", FIDELITY: "top-1"}
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
    for key, own in rows.groupby(KEYS, sort=False):
        found = own.set_index("metric")
        for end, kind in KINDS.items():
            records += [_record(found, key, metric, end, kind) for metric in METRICS]
    return pd.DataFrame(records)


def _record(found: pd.DataFrame, key: tuple, metric: str, end: str, kind: str) -> dict:
    """Return the scores of one sample set, whose rows are ``found`` by metric."""
    name = f"{metric}{end}"
    members = [m for m in found.index if m.startswith(f"{name}:judge")]
    missing = {name, f"{AGREEMENT}{end}"} - set(found.index)
    if missing or not members:
        raise UserError(
            f"{'/'.join(map(str, key))}: expected scores by an ensemble of {kind} judges, found no "
            f"{', '.join(sorted(missing)) or f'{name}:judge0'}; score again with python -m "
            "eval.scores inception"
        )
    row = found.loc[name]
    record = dict(zip(KEYS, key, strict=True)) | {"metric": metric, "judges": kind}
    record |= {"value": row["value"]}
    record |= {m.rpartition(":")[2]: found.loc[m, "value"] for m in sorted(members)}
    record |= {"agreement": found.loc[f"{AGREEMENT}{end}", "value"]}
    return record | row[ORIGIN].to_dict()


def printed(rows: pd.DataFrame, table: pd.DataFrame, datasets: Sequence[str]) -> pd.DataFrame:
    """Return the page's table as texts, one row per data set, model and seed."""
    lines, index = [], []
    for dataset in datasets:
        part = rows[rows["dataset"] == dataset]
        for model in in_paper_order(list(dict.fromkeys(part["model"]))):
            seeds = sorted(set(part[part["model"] == model]["seed"]))
            for seed in seeds:
                own = part[part["seed"] == seed]
                lines.append(_texts(own, table, dataset, model, seed))
                more = f", seed {seed}" if len(seeds) > 1 else ""
                index.append((dataset_title(dataset), model_title(model) + more))
    heads = []
    for column in COLUMNS:
        heads.append(column.title)
        if not column.metric.startswith(AGREEMENT):
            heads.append(f"{column.title}, by judge")
    return pd.DataFrame(lines, columns=heads, index=pd.MultiIndex.from_tuples(index))


def _texts(
    rows: pd.DataFrame, table: pd.DataFrame, dataset: str, model: str, seed: int
) -> list[str]:
    texts, known = [], table.set_index([*KEYS, "metric", "judges"]).sort_index()
    for column in COLUMNS:
        found = cell(rows, dataset, model, column.metric)
        texts.append(found.text(column) if found else MISSING)
        metric, _, kind = column.metric.partition(":")
        if metric == AGREEMENT:
            continue
        record = known.loc[dataset, model, seed, metric, kind or KINDS[""]]
        times = 100 if column.percent else 1
        values = record[_members(table)].dropna()
        texts.append(" / ".join(f"{times * value:.{column.digits}f}" for value in values))
    return texts


def _members(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name.startswith("judge") and name != "judges"]


def turned_pairs(table: pd.DataFrame, dataset: str, metric: str) -> tuple[list[tuple], int]:
    """Return pairs of models that two judges put in different orders, and how many pairs there are.

    Every member of both kinds is a judge. Models are compared seed by seed; a pair turns if its
    order does with any seed. Real images are no model.
    """
    here = table[table["dataset"].eq(dataset) & table["model"].ne("real")]
    here = here[here["metric"] == metric]
    models = in_paper_order(list(dict.fromkeys(here["model"])))
    pairs, turned = list(combinations(models, 2)), []
    scores = here.set_index(["model", "seed", "judges"])[_members(table)].stack()
    for one, other in pairs:
        gaps = (scores.loc[one] - scores.loc[other]).dropna()
        per_seed = gaps.groupby(level="seed")
        if ((per_seed.min() < 0) & (per_seed.max() > 0)).any():
            turned.append((one, other))
    return turned, len(pairs)


def text_below(
    rows: pd.DataFrame,
    table: pd.DataFrame,
    datasets: Sequence[str],
    cards: Mapping[str, Sequence[Mapping]],
    splits: int,
    least: float,
) -> str:
    """Return the caption: who judged what, and which orders of models depend on the judge.

    Args:
        rows: score rows.
        table: of :func:`by_judge`.
        cards: reports of both evaluators, by data set.
        splits: of the Inception Score, by the protocol.
        least: share below which the protocol says that judges disagree.
    """
    opening = [
        "Inception Score (IS) and top-1 of the same images by every judge: robust ones learned "
        "from real images and degraded ones, plain ones from real images alone. Values are means "
        "over the judges of a kind. Agreement: share of images on which two judges of a kind see "
        f"one class; below {100 * least:g} % the protocol says that they disagree.",
        splits_text(splits),
    ]
    models = in_paper_order(list(dict.fromkeys(rows["model"])))
    text = caption(opening, rows, datasets, models, cards, "", COLUMNS, averaged=False)
    turns = [_turned(table, name, least) for name in datasets if table["dataset"].eq(name).any()]
    return " ".join([text, *turns])


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
        few = in_paper_order(list(dict.fromkeys(own[own["agreement"] < least]["model"])))
        if few:
            names = ", ".join(model_title(model) for model in few)
            parts.append(f"{kind} judges disagree on {names}")
    return f"{capital(dataset_title(dataset))}: {'; '.join(parts)}."


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    rows = read_rows(args.scores)
    overrides, datasets = args.config.get("protocol_overrides"), args.config["datasets"]
    refuse_mixed(rows)
    check_protocol(rows, args.protocol, overrides)
    cards: dict[str, list[Mapping]] = {}
    for path in args.cards:
        card = read_json(path)
        cards.setdefault(card["dataset"], []).append(card)
    _check_judges(rows, cards)
    table, protocol = by_judge(rows), load_protocol(args.protocol, overrides)
    write_text(args.csv, table.to_csv(index=False, lineterminator="\n"))
    splits, least = protocol.inception.splits, protocol.judges.agreement
    text = text_below(rows, table, datasets, cards, splits, least)
    write_text(args.markdown, markdown(printed(rows, table, datasets), text))


def _check_judges(rows: pd.DataFrame, cards: Mapping[str, Sequence[Mapping]]) -> None:
    """Refuse scores of other evaluators than those whose cards the caption quotes."""
    plain = rows["metric"].map(by_plain).astype(bool)
    for kind, part in ((KINDS[""], rows[~plain]), (PLAIN, rows[plain])):
        own = {
            name: card for name, known in cards.items() for card in known if card["kind"] == kind
        }
        # Asked of one kind at a time, the rows carry no mark of it.
        check_evaluators(part.assign(metric=SCORE), own)


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    return scores_parser(__doc__)


if __name__ == "__main__":
    run_stage(main, command())
