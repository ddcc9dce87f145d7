"""The paper's claims as tests: what holds on this run's data, what does not, what was not run.

Usage: python -m reports.claims --scores CSV ... --cards JSON ... --protocol FILE --config JSON
    --csv FILE --markdown FILE

The rules are in ``claims.yaml`` beside this file. The config JSON holds ``datasets`` (the toy data
included), ``ablated`` (data set of the ablations, or empty) and ``left_out``: for every score that
the preset cannot give its ``dataset``, ``model``, ``family`` and the ``reason``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dlvae.artefact import write_text
from dlvae.errors import UserError
from dlvae.runtime import run_stage
from eval.intervals import MIN_VALUES
from eval.protocol import load_protocol
from eval.rows import NONE, every_hash, read_rows, refuse_mixed
from reports.aggregate import Cell
from reports.captions import INTERVALS, capital, evaluator_text, only, seeds_text
from reports.claim_file import load_rules
from reports.claim_rules import FAMILY, Rules, Side
from reports.claim_verdicts import (
    FAILS,
    HOLDS,
    NOT_RUN,
    SURE,
    WITHIN,
    Judgement,
    Preset,
    Reading,
    Result,
    judge,
    verdict,
)
from reports.command import scores_parser
from reports.formats import MISSING, pipe_table
from reports.names import MODEL_NOTES, dataset_title, model_title
from reports.tables import check_evaluators, check_protocol, evaluator_cards

HEADS = ("test", "measured", "must be", "compared with", "interval", "P", "n", "outcome")
COUNTED = {HOLDS: "hold", WITHIN: "within the noise", FAILS: "fail", NOT_RUN: "not run"}

READING = (
    "Every test is an inequality between measured numbers, or a number and a threshold that is "
    "fixed in `reports/claims.yaml`; *within* a number *of* means that the two differ by no more "
    "than that. Outcome of a test: **holds**; **holds, within the noise**, where the test asks for "
    f"more than noise and the numbers are in the right order, but P is below {SURE:g} or cannot be "
    f"said, or there are fewer than {MIN_VALUES} seeds, from which the spread between trainings is "
    "not known; **fails**; **not run**, and why. Verdict on a claim, over all data sets: "
    "**replicated** if every test holds; **not replicated** if none that was run does; **not run** "
    "if none was run; else **partly**, so also if some were not run and the others hold, or hold "
    "within the noise alone.",
    "P is the probability that the inequality is true: with one seed, of the expected scores, as "
    "far as the errors in brackets go, taken as independent; with three or more, of a random run "
    "of each side. With two seeds, or where an error is not known, there is none.",
    "A verdict is about the data and the training budget of this preset. Where they are not the "
    "paper's, a claim that is not replicated here may still be true of the paper's own runs.",
)


def page(
    rules: Rules,
    judged: Sequence[Judgement],
    rows: pd.DataFrame,
    datasets: Sequence[str],
    cards: Mapping[str, Mapping],
) -> str:
    """Return the claims as Markdown: a summary, what it is made of, and every claim in full.

    Args:
        rows: the score rows that were judged.
        datasets: of the preset, in printed order.
        cards: evaluator report by data set.
    """
    heads = ("", "claim", "where", "verdict", "tests")
    lines = [
        [str(number), found.claim.statement, found.claim.where, found.verdict, _counts(found)]
        for number, found in enumerate(judged, 1)
    ]
    parts = [
        "# The paper's claims as tests",
        pipe_table(heads, lines, len(heads)),
        *READING,
        _provenance(rows, datasets, cards),
        *_kinds_text(judged),
    ]
    parts += [_section(rules, number, found) for number, found in enumerate(judged, 1)]
    return "\n\n".join(parts) + "\n"


def _counts(found: Judgement) -> str:
    counts = Counter(found.outcomes)
    return ", ".join(f"{counts[key]} {text}" for key, text in COUNTED.items() if counts[key])


def _provenance(rows: pd.DataFrame, datasets: Sequence[str], cards: Mapping[str, Mapping]) -> str:
    sentences = []
    for dataset in datasets:
        here = rows[rows["dataset"] == dataset]
        classes = f"{int(here['classes'].iloc[0])} classes" if len(here) else "no scores"
        judge_of = f"; {evaluator_text(cards[dataset])}" if dataset in cards else ""
        sentences.append(f"{capital(dataset_title(dataset))}: {classes}{judge_of}.")
    sentences += [f"{MODEL_NOTES['cvae_gan']}.", seeds_text(rows)]
    sentences.append(f"Protocol {only(rows['protocol'])}; preset {only(rows['preset'])}.")
    return " ".join(sentences)


def _kinds_text(judged: Sequence[Judgement]) -> list[str]:
    """Say what the names in the column of interval kinds mean; nothing without an interval."""
    tested = [r for found in judged for results in found.results.values() for r in results]
    readings = [side for result in tested for side in (result.left, result.right)]
    readings += [r for found in judged for beside in found.beside.values() for r in beside]
    kinds = sorted({kind for reading in readings for kind in _kinds(reading)})
    if not kinds:
        return []
    meanings = "; ".join(f"`{kind}`, {INTERVALS[kind]}" for kind in kinds)
    return [f"Numbers in brackets are the ends of 95 % intervals, of these kinds: {meanings}."]


def _kinds(*readings: Reading) -> list[str]:
    """Return the kinds of interval that are printed with readings, each once."""
    cells = [r.cell for r in readings if r.value is not None and r.cell is not None]
    return list(dict.fromkeys(cell.interval.kind for cell in cells if cell.interval is not None))


def _section(rules: Rules, number: int, found: Judgement) -> str:
    claim = found.claim
    parts = [
        f"## {number}. {claim.where}: {claim.id}",
        claim.statement,
        f"Verdict: **{found.verdict}**.",
    ]
    if not found.results:
        names = [dataset_title(name) for kind in claim.data for name in rules.data_sets[kind]]
        parts.append(f"It is about {_either(names)}, which this preset has not.")
    for dataset, results in found.results.items():
        title = capital(dataset_title(dataset))
        parts.append(f"{title}: **{verdict(result.outcome for result in results)}**.")
        parts.append(pipe_table(HEADS, [_line(result) for result in results], len(HEADS)))
        if found.beside[dataset]:
            beside = "; ".join(_with_kind(reading) for reading in found.beside[dataset])
            parts.append(f"Beside, not tested: {beside}.")
    if any(side.model in rules.ablations for test in claim.tests for side in test.sides):
        parts.append("Tests of ablations are made on the data set of the preset's ablations alone.")
    parts.append(f"Left open: {claim.open}")
    return "\n\n".join(parts)


def _line(result: Result) -> list[str]:
    counts = sorted({*result.left.n, *result.right.n})
    return [
        result.test.name,
        _described(result.left),
        result.test.relation,
        _described(result.right),
        ", ".join(f"`{kind}`" for kind in _kinds(result.left, result.right)) or MISSING,
        MISSING if result.probability is None else f"{result.probability:.3f}",
        ", ".join(map(str, counts)) or MISSING,
        f"{result.outcome}: {result.reason}" if result.reason else result.outcome,
    ]


def _described(reading: Reading) -> str:
    """Return what a side is and its number, with what was measured where it was transformed."""
    side = reading.side
    if not isinstance(side, Side):
        return f"{side:g}"
    name = _formula(side)
    if reading.value is None:
        return f"{name}: {MISSING}"
    if name == _formula(Side(side.metric, side.model)):
        return f"{name}: {_number(reading.value)}"
    return f"{name}: {reading.value.mean:.4g} (measured {_number(reading.cell)})"


def _with_kind(reading: Reading) -> str:
    """Return what :func:`_described` does and the kind of its interval, if it has one."""
    return " ".join([_described(reading), *(f"(`{kind}`)" for kind in _kinds(reading))])


def _formula(side: Side) -> str:
    text = f"`{side.metric}` of {model_title(side.model)}"
    if side.away_from is not None:
        text = f"distance of {text} from {side.away_from:g}"
    if side.times != 1:
        text = f"{side.times:g} × {text}"
    return f"{text} {'+' if side.plus > 0 else '−'} {abs(side.plus):g}" if side.plus else text


def _number(found: Cell) -> str:
    interval = found.interval
    ends = f" [{interval.low:.4g}, {interval.high:.4g}]" if interval else ""
    return f"{found.mean:.4g}{ends}"


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def tidy(judged: Sequence[Judgement], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the claims as data: a row per test and data set, one per number beside them.

    ``left_*`` and ``right_*`` are the compared numbers, ``*_measured`` those before a side
    transforms them; the right side of a number beside is empty.
    """
    records = []
    for number, found in enumerate(judged, 1):
        claim = found.claim
        shared = {"number": number, "claim": claim.id, "where": claim.where}
        shared |= {"claim_verdict": found.verdict}
        if not found.results:
            reason = f"no data set of {', '.join(claim.data)}"
            records.append(shared | {"outcome": NOT_RUN, "reason": reason})
        for dataset, results in found.results.items():
            own = shared | {"dataset": dataset}
            own |= {"dataset_verdict": verdict(result.outcome for result in results)}
            records += [own | _record(result) for result in results]
            records += [
                own | {"outcome": "beside", "reason": reading.reason} | _side("left", reading)
                for reading in found.beside[dataset]
            ]
    frame = pd.DataFrame(records, columns=_columns(records))
    frame["preset"], frame["protocol"] = only(rows["preset"]), only(rows["protocol"])
    for name in ("evaluator", "data"):
        known = rows[rows[name] != NONE].groupby("dataset")[name].agg(every_hash)
        frame[name] = frame["dataset"].map(known)
    return frame


def _record(result: Result) -> dict[str, Any]:
    return {
        "test": result.test.name,
        **_side("left", result.left),
        "op": result.test.op,
        "margin": result.test.margin,
        **_side("right", result.right),
        "beyond_noise": result.test.beyond_noise,
        "probability": result.probability,
        "outcome": result.outcome,
        "reason": result.reason,
    }


def _side(name: str, reading: Reading) -> dict[str, Any]:
    side, value, cell = reading.side, reading.value, reading.cell
    measured = isinstance(side, Side)
    interval = value.interval if measured and value else None
    found = {
        "metric": side.metric if measured else "",
        "model": side.model if measured else "",
        "value": side if not measured else value.mean if value else None,
        "ci_low": interval.low if interval else None,
        "ci_high": interval.high if interval else None,
        "ci_kind": interval.kind if interval else NONE,
        "measured": cell.mean if cell else None,
        "n": " ".join(map(str, reading.n)),
        "seeds": " ".join(map(str, reading.seeds)),
    }
    return {f"{name}_{key}": entry for key, entry in found.items()}


def _columns(records: Sequence[Mapping[str, Any]]) -> list[str]:
    first = ["number", "claim", "where", "claim_verdict", "dataset", "dataset_verdict", "test"]
    return list(dict.fromkeys([*first, *(key for record in records for key in record)]))


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    config, rules = args.config, load_rules()
    missing = [key for key in ("datasets", "ablated", "left_out") if key not in config]
    if missing:
        raise UserError(f"--config: expected the keys {', '.join(missing)}, found {list(config)}")
    overrides = config.get("protocol_overrides")
    rows = read_rows(args.scores)
    rows = rows[rows["metric"].isin(list(FAMILY)) & rows["dataset"].isin(config["datasets"])]
    check_protocol(rows, args.protocol, overrides)
    refuse_mixed(rows)
    cards = evaluator_cards(args.cards)
    check_evaluators(rows, cards)
    groups = load_protocol(args.protocol, overrides).intervals.groups
    why = {(e["dataset"], e["model"], e["family"]): e["reason"] for e in config["left_out"]}
    judged = judge(rules, rows, Preset(config["datasets"], groups, config["ablated"], why))
    write_text(args.csv, tidy(judged, rows).to_csv(index=False, lineterminator="\n"))
    write_text(args.markdown, page(rules, judged, rows, config["datasets"], cards))


if __name__ == "__main__":
    run_stage(main, scores_parser(__doc__))
