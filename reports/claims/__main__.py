"""The paper's claims as tests: what holds on this run's data, what does not, what was not run.

Usage: python -m reports.claims --scores CSV ... --cards JSON ... --protocol FILE --config JSON
    --csv FILE --markdown FILE

The rules are in ``reports/claims.yaml``. The config JSON holds ``datasets`` (the toy data
included), ``ablated`` (data set of the ablations, or empty) and ``left_out``: for every score that
the preset cannot give its ``dataset``, ``model``, ``family`` and the ``reason``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.families import FAMILY_OF
from eval.rows import NONE, every_hash
from reports.claims.claims_page import claims_page
from reports.claims.readings import Reading, Scope
from reports.claims.rules import PLAIN, Side, load_rules
from reports.claims.verdicts import NOT_RUN, Judgement, Result, judge, verdict
from reports.tables.captions import only
from reports.tables.inputs import check_rows, page_parser, read_scores, write_page

_SIDE = ("metric", "model", "value", "ci_low", "ci_high", "ci_kind", "measured", "n", "seeds")
COLUMNS = ["number", "claim", "where", "form", "claim_verdict", "dataset", "dataset_verdict"]
COLUMNS += ["test", "judges", "headline", *(f"left_{key}" for key in _SIDE), "op", "margin"]
COLUMNS += [*(f"right_{key}" for key in _SIDE), "beyond_noise", "probability", "outcome", "reason"]


def tidy(judged: Sequence[Sequence[Judgement]], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the claims as data: a row per test and data set, one per number beside them.

    ``judges`` is ``plain`` in the row of a test by the plain judges, which follows that by the
    robust ones, whose outcome is that of the test. ``left_*`` and ``right_*`` are the compared
    numbers, ``*_measured`` those before a side transforms them; the right side of a number beside
    is empty.
    """
    records = [
        {"number": number, "claim": found.claim.id, "where": found.claim.where, **record}
        for number, forms in enumerate(judged, 1)
        for found in forms
        for record in _records(found)
    ]
    frame = pd.DataFrame(records, columns=COLUMNS)
    frame["preset"], frame["protocol"] = only(rows["preset"]), only(rows["protocol"])
    # The judges of everything before those of the metrics that are taken twice.
    plain = rows["metric"].isin([*PLAIN.values()])
    rows = pd.concat([rows[~plain], rows[plain]])
    for name in ("evaluator", "data"):
        known = rows[rows[name] != NONE].groupby("dataset")[name].agg(every_hash)
        frame[name] = frame["dataset"].map(known)
    return frame


def _records(found: Judgement) -> Iterator[dict[str, Any]]:
    shared = {"form": found.form, "claim_verdict": found.verdict}
    if not found.results:
        reason = f"no data set of {', '.join(found.claim.data)}"
        yield shared | {"outcome": NOT_RUN, "reason": reason}
    for dataset, results in found.results.items():
        own = shared | {"dataset": dataset, "dataset_verdict": verdict(results)}
        for result in results:
            yield own | _record(result) | {"judges": "robust" if result.plain else ""}
            if result.plain:
                yield own | _record(result.plain) | {"judges": "plain"}
        for reading in found.beside[dataset]:
            beside = {"outcome": "beside", "reason": reading.reason}
            yield own | beside | _side("left", reading)


def _record(result: Result) -> dict[str, Any]:
    of_test = {key: getattr(result.test, key) for key in ("headline", "op", "margin")}
    of_test |= {"test": result.test.name, "beyond_noise": result.test.beyond_noise}
    found = {key: getattr(result, key) for key in ("probability", "outcome", "reason")}
    return of_test | found | _side("left", result.left) | _side("right", result.right)


def _side(name: str, reading: Reading) -> dict[str, Any]:
    side = reading.side
    found = {"metric": "", "model": "", "value": side, "ci_kind": NONE}
    if isinstance(side, Side):
        compared = reading.value.as_row() if reading.value else {"value": None, "ci_kind": NONE}
        found = {"metric": side.metric, "model": side.model} | compared
    found |= {
        "measured": reading.cell.mean if reading.cell else None,
        "n": " ".join(map(str, reading.n)),
        "seeds": " ".join(map(str, reading.seeds)),
    }
    return {f"{name}_{key}": entry for key, entry in found.items()}


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    config, rules = args.config, load_rules()
    missing = [key for key in ("datasets", "ablated", "left_out") if key not in config]
    if missing:
        raise UserError(f"--config: expected the keys {', '.join(missing)}, found {list(config)}")
    rows, protocol, cards = read_scores(args)
    rows = rows[rows["metric"].isin(list(FAMILY_OF)) & rows["dataset"].isin(config["datasets"])]
    check_rows(rows, cards)
    why = {(e["dataset"], e["model"], e["family"]): e["reason"] for e in config["left_out"]}
    scope = Scope(config["datasets"], protocol.judges.agreement, config["ablated"], why)
    judged = judge(rules, rows, scope)
    write_page(args, tidy(judged, rows), claims_page(rules, judged, rows, scope, cards))


if __name__ == "__main__":
    run_stage(main, page_parser(__doc__))
