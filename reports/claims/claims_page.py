"""What the page of the claims prints; `claims.md.j2` says how it is to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from eval.metrics.intervals import MIN_VALUES
from reports.claims.readings import Reading, Scope
from reports.claims.rules import AS_PUBLISHED, FITTED_PRIORS, SAME, Claim, Rules, Side
from reports.claims.verdicts import (
    DEPENDS,
    FAILS,
    HOLDS,
    NOT_RUN,
    SURE,
    WITHIN,
    Judgement,
    Result,
    verdict,
)
from reports.names import MODEL_NOTES, capital, dataset_title, model_title
from reports.tables.captions import INTERVALS, evaluator_text, only, seeds_text
from reports.tables.cells import Cell
from reports.tables.formats import MISSING
from reports.text import render

HEADS = ("test", "measured", "must be", "compared with", "interval", "P", "n", "outcome")
COUNTED = {HOLDS: "hold", WITHIN: "within the noise", DEPENDS: "depend on the judge"}
COUNTED |= {FAILS: "fail", NOT_RUN: "not run"}
FORMS = {AS_PUBLISHED: "as published", FITTED_PRIORS: "with fitted priors", SAME: "in every form"}


def claims_page(
    rules: Rules,
    judged: Sequence[Sequence[Judgement]],
    rows: pd.DataFrame,
    scope: Scope,
    cards: Mapping[str, Mapping],
) -> str:
    """Return the claims as Markdown: a summary, what it is made of, and every claim in full.

    Args:
        judged: of :func:`reports.claims.verdicts.judge`.
        rows: the score rows that were judged.
        cards: evaluator report by data set.
    """

    def about(claim: Claim) -> list[str]:
        return [dataset_title(name) for kind in claim.data for name in rules.data_sets[kind]]

    return render(
        "claims.md.j2",
        summary=[_summary(number, forms) for number, forms in enumerate(judged, 1)],
        sure=f"{SURE:g}",
        min_seeds=MIN_VALUES,
        before=rules.preconditions,
        agreement=scope.agreement,
        percent=lambda share: f"{100 * share:g} %",
        provenance=_provenance(rows, scope.datasets, cards),
        kinds=_meanings([found for forms in judged for found in forms]),
        claims=judged,
        names=FORMS,
        verdict=verdict,
        heads=HEADS,
        lines=lambda results: [line for result in results for line in _lines(result)],
        with_kind=_with_kind,
        about=about,
        of_ablations=lambda claim: any(map(rules.of_ablations, claim.tests)),
    )


def _summary(number: int, forms: Sequence[Judgement]) -> list[str]:
    first, claim = forms[0], forms[0].claim
    alone = SAME if first.form == SAME else MISSING
    fitted = forms[1].verdict if len(forms) > 1 else alone
    counts = Counter(first.outcomes)
    tests = ", ".join(f"{counts[key]} {text}" for key, text in COUNTED.items() if counts[key])
    return [str(number), claim.statement, claim.where, first.verdict, fitted, tests]


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


def _meanings(judged: Sequence[Judgement]) -> str:
    """Say what the names in the column of interval kinds mean; nothing without an interval."""
    readings = [side for found in judged for r in found.every for side in (r.left, r.right)]
    readings += [r for found in judged for beside in found.beside.values() for r in beside]
    return "; ".join(f"`{kind}`, {INTERVALS[kind]}" for kind in sorted(_kinds(*readings)))


def _kinds(*readings: Reading) -> list[str]:
    """Return the kinds of interval that are printed with readings, each once."""
    intervals = [found.cell.interval for found in readings if found.cell is not None]
    return list(dict.fromkeys(own.kind for own in intervals if own is not None))


def _lines(result: Result) -> list[list[str]]:
    """Return the lines of a test: by the judges, and by the plain ones where they take part."""
    name = f"**{result.test.name}**" if result.test.headline else result.test.name
    lines = [_line(name, result)]
    return lines + ([_line("the same by the plain judges", result.plain)] if result.plain else [])


def _line(name: str, result: Result) -> list[str]:
    counts = sorted({*result.left.n, *result.right.n})
    return [
        name,
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
    text = own = f"`{side.metric}` of {model_title(side.model)}"
    if side.away_from is not None:
        text = f"distance of {text} from {side.away_from:g}"
    if side.times != 1:
        text = f"{side.times:g} × {text}"
    if side.plus:
        text += f" {'+' if side.plus > 0 else '−'} {abs(side.plus):g}"
    if reading.value is None:
        return f"{text}: {MISSING}"
    if text == own:
        return f"{text}: {_number(reading.value)}"
    return f"{text}: {reading.value.mean:.4g} (measured {_number(reading.cell)})"


def _with_kind(reading: Reading) -> str:
    """Return what :func:`_described` does and the kind of its interval, if it has one."""
    return " ".join([_described(reading), *(f"(`{kind}`)" for kind in _kinds(reading))])


def _number(found: Cell) -> str:
    interval = found.interval
    ends = f" [{interval.low:.4g}, {interval.high:.4g}]" if interval else ""
    return f"{found.mean:.4g}{ends}"
