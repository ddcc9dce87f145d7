"""Ours beside its ablations: what each part of the method, by the reasons of Section 3, is worth.

Usage: python -m reports.studies.ablations --scores CSV ... --cards JSON --protocol FILE --config
    JSON --csv FILE --markdown FILE

The config JSON holds ``preset``, ``dataset``, ``steps``, ``ablations``: for each its ``model``
(name in the score rows) and ``method`` (keys that differ from ours), in the order of the rows, and
``beside``: other models, whose rows stand below. Optionally ``fitted``: those of all of these that
stand there with fitted priors as well, each below itself and compared with ours fitted.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import Protocol
from reports.names import as_published, fitted_form, forms_of, model_title
from reports.tables.captions import caption, prose
from reports.tables.cells import cell
from reports.tables.formats import MISSING, PrintedTable, Table
from reports.tables.inputs import TableInputs, check_rows, page_parser, read_scores, write_page
from reports.tables.marks import marks, marks_values
from reports.tables.specs import COLUMN_OF, Column

BASE = "ours"
# Printed metrics, as far as they were scored; the CSV holds every metric.
PRINTED = ("inception_score", "inception_score:plain", "label_fidelity", "d_intra_standard", "fid")
OF_SAMPLES = tuple(COLUMN_OF[name] for name in PRINTED)
HELD_OUT = "held-out images"
OF_CODES = (
    Column("probe_excess:z_u", "label from z_u", 1, percent=True, of=HELD_OUT),
    Column("probe_excess:z_s", "label from z_s", 1, percent=True, of=HELD_OUT),
    Column("mixture_accuracy", "mixture accuracy", 1, percent=True, of=HELD_OUT),
    Column("mahalanobis_ratio", "Mahalanobis ratio", 3, of=HELD_OUT),
    Column("reconstruction_mse", "reconstruction MSE", 4, of=HELD_OUT),
)


def build_ablations(
    rows: pd.DataFrame, config: Mapping[str, Any], cards: Mapping[str, Mapping], protocol: Protocol
) -> Table:
    """Set ours and its ablations side by side; the data have one row per model and metric.

    Args:
        rows: score rows of one data set and one seed; rows of other models are ignored.
        config: see above.
        cards: evaluator report by data set.
        protocol: that the scores were taken by.

    Raises:
        UserError: a model without scores, several seeds, or rows that cannot share a table.
    """
    dataset, steps = config["dataset"], config["steps"]
    changes = {
        BASE: "",
        **{entry["model"]: _change(entry["method"]) for entry in config["ablations"]},
    }
    changes |= dict.fromkeys(config.get("beside", ()), "")
    forms = forms_of(changes, config.get("fitted", ()))
    changes = {name: changes[as_published(name)] for name in forms}
    rows = rows[rows["dataset"].eq(dataset) & rows["model"].isin(list(changes))]
    missing = [name for name in changes if name not in set(rows["model"])]
    if missing:
        raise UserError(
            f"ablations: expected scores of {', '.join(missing)} on {dataset}, found none; make "
            "them with snakemake ablations"
        )
    if rows["seed"].nunique() > 1:
        raise UserError(
            f"ablations: expected scores of one seed, found {sorted(set(rows['seed']))}; name the "
            "scores of one"
        )
    check_rows(rows, cards)
    scored = set(rows["metric"])
    columns = [column for column in (*OF_SAMPLES, *OF_CODES) if column.metric in scored]
    of_codes = bool(set(columns) & set(OF_CODES))
    known = {"titles": [column.title for column in columns], "of_codes": of_codes}
    known["with_fitted"] = any(name != as_published(name) for name in changes)
    known |= {"splits": protocol.inception.splits, **marks_values(protocol)}
    opening = prose("ablations", dataset=dataset, steps=steps, **known)
    text = caption([opening], TableInputs(rows, [dataset], list(changes), cards), columns)
    printed = PrintedTable(_printed(rows, dataset, changes, columns, protocol), text)
    return Table("ablations", _tidy(rows, changes, steps), printed)


def _tidy(rows: pd.DataFrame, changes: Mapping[str, str], steps: int) -> pd.DataFrame:
    """Return every score row, what its model changes, and the difference to ours of its form."""
    order = list(changes).index
    rows = rows.sort_values("model", key=lambda names: names.map(order), kind="stable")
    values = rows.set_index(["model", "metric"])["value"]
    ours = pd.MultiIndex.from_arrays([rows["model"].map(_base), rows["metric"]])
    difference = rows["value"] - values.reindex(ours).to_numpy()
    difference = difference.where(rows["model"] != rows["model"].map(_base))
    return rows.assign(change=rows["model"].map(changes), steps=steps, difference=difference)


def _printed(
    rows: pd.DataFrame,
    dataset: str,
    changes: Mapping[str, str],
    columns: Sequence[Column],
    protocol: Protocol,
) -> pd.DataFrame:
    """Return values with their intervals and, but for ours, their differences to its form."""
    texts = {"change": [change or MISSING for change in changes.values()]}
    for column in columns:
        found = {name: cell(rows, dataset, name, column.metric) for name in changes}
        own = texts.setdefault(column.title, [])
        for name, one in found.items():
            base = found[_base(name)]
            several = one is not base and not base.reason and not one.reason
            gap = f" ({column.number(one.mean - base.mean, '+z')})" if several else ""
            said = marks(rows, dataset, name, column.metric, protocol, learning=False)
            own.append(one.text(column) + gap + said)
    return pd.DataFrame(texts, index=[_title(name) for name in changes])


def _base(model: str) -> str:
    """Return the form of ours that a model is compared with."""
    return BASE if model == as_published(model) else fitted_form(BASE)


def _title(model: str) -> str:
    """Return the name of a row: of an ablation, what comes after that of ours."""
    return model_title(model if model == _base(model) else model.removeprefix(f"{BASE}_"))


def _change(keys: Mapping[str, Any]) -> str:
    """Return method keys as the configuration writes them."""
    text = yaml.safe_dump(dict(keys), default_flow_style=True, sort_keys=False, width=math.inf)
    return text.strip("{}\n")


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    rows, protocol, cards = read_scores(args)
    table = build_ablations(rows, args.config, cards, protocol)
    write_page(args, table.data, table.printed.markdown())


if __name__ == "__main__":
    run_stage(main, page_parser(__doc__))
