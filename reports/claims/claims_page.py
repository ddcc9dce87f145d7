"""The page of the claims: a summary, how to read it, and every claim in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from eval.metrics.intervals import MIN_VALUES
from reports.claims.claim_readings import Preset, Reading
from reports.claims.claim_rules import AS_PUBLISHED, FITTED_PRIORS, SAME, Claim, Rules, Side
from reports.claims.claim_verdicts import (
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
from reports.names import MODEL_NOTES, dataset_title, model_title
from reports.tables.aggregate import Cell
from reports.tables.captions import INTERVALS, capital, evaluator_text, only, seeds_text
from reports.tables.formats import MISSING, pipe_table

HEADS = ("test", "measured", "must be", "compared with", "interval", "P", "n", "outcome")
COUNTED = {HOLDS: "hold", WITHIN: "within the noise", DEPENDS: "depend on the judge"}
COUNTED |= {FAILS: "fail", NOT_RUN: "not run"}
FORMS = {AS_PUBLISHED: "as published", FITTED_PRIORS: "with fitted priors", SAME: "in every form"}

READING = (
    "Every test is an inequality between measured numbers, or a number and a threshold that is "
    "fixed in `reports/claims.yaml`; *within* a number *of* means that the two differ by no more "
    "than that. Outcome of a test: **holds**; **holds, within the noise**, where the test asks for "
    f"more than noise and the numbers are in the right order, but P is below {SURE:g} or cannot be "
    f"said, or there are fewer than {MIN_VALUES} seeds, from which the spread between trainings is "
    "not known; **depends on the judge**, where it holds by judges of one kind, robust or plain, "
    "and fails by those of the other; **fails**; **not run**, and why. Verdict on a claim, over "
    "all data sets: **replicated** if every test holds; **partly** if the headline test, in bold, "
    "holds somewhere, be it within the noise; else **depends on the judge** if that one does, "
    "**not run** if it was run nowhere, and **not replicated**.",
    "P is the probability that the inequality is true of the means over trainings, by Welch's t "
    f"test of the seeds; with fewer than {MIN_VALUES} on either side there is none.",
    "With fitted priors, a model is the same network whose priors are set in closed form to the "
    "codes of the training images (cVAE, cVAE-GAN and ours; a cGAN has no codes). Models are "
    "held to the preconditions in the form that is tested. A claim that no prior has a part in has "
    "one verdict. Tests of ablations, which are not fitted, stay as published; a claim that has no "
    "others has no verdict with fitted priors.",
    "A verdict is about the data and the training budget of this preset. Where they are not the "
    "paper's, a claim that is not replicated here may still be true of the paper's own runs.",
)


def _preconditions_text(rules: Rules, agreement: float) -> str:
    """Say what must be so before a test is made."""
    numbers = rules.preconditions
    share = f"{100 * numbers.still_learning:g} %"
    return (
        "A test is made only where the models of the claim are trained: top-1 of each at least "
        f"{numbers.times_chance:g} times chance, and its Inception Score no more than {share} of "
        "the ceiling, that of real held-out images, from what it was after half of its updates. "
        "Where the test reads a judge, two of them must see the same class in at least "
        f"{100 * agreement:g} % of the images of each model. A toy model must have come to at most "
        f"{100 * numbers.toy_distance:g} % of the distance that it starts from, and no longer move "
        f"by more than {share} of it over the last ten epochs."
    )


def page(
    rules: Rules,
    judged: Sequence[Judgement],
    rows: pd.DataFrame,
    preset: Preset,
    cards: Mapping[str, Mapping],
) -> str:
    """Return the claims as Markdown: a summary, what it is made of, and every claim in full.

    Args:
        rows: the score rows that were judged.
        cards: evaluator report by data set.
    """
    heads = ("", "claim", "where", "as published", "fitted priors", "tests as published")
    claims = by_claim(judged)
    lines = [_summary(number, forms) for number, forms in enumerate(claims, 1)]
    parts = [
        "# The paper's claims as tests",
        pipe_table(heads, lines, len(heads)),
        *READING,
        _preconditions_text(rules, preset.agreement),
        _provenance(rows, preset.datasets, cards),
        *_kinds_text(judged),
    ]
    parts += [_section(rules, number, forms) for number, forms in enumerate(claims, 1)]
    return "\n\n".join(parts) + "\n"


def by_claim(judged: Sequence[Judgement]) -> list[list[Judgement]]:
    """Return the judgements of every claim, one per form, in the order of the claims."""
    found: dict[str, list[Judgement]] = {}
    for judgement in judged:
        found.setdefault(judgement.claim.id, []).append(judgement)
    return list(found.values())


def _summary(number: int, forms: Sequence[Judgement]) -> list[str]:
    first, claim = forms[0], forms[0].claim
    alone = SAME if first.form == SAME else MISSING
    fitted = forms[1].verdict if len(forms) > 1 else alone
    return [str(number), claim.statement, claim.where, first.verdict, fitted, _counts(first)]


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
    tested = [result for found in judged for result in found.every]
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


def _section(rules: Rules, number: int, forms: Sequence[Judgement]) -> str:
    claim = forms[0].claim
    verdicts = "; ".join(f"{FORMS[found.form]}: **{found.verdict}**" for found in forms)
    parts = [
        f"## {number}. {claim.where}: {claim.id}",
        claim.statement,
        f"Verdict {verdicts}.",
    ]
    if not forms[0].results:
        names = [dataset_title(name) for kind in claim.data for name in rules.data_sets[kind]]
        parts.append(f"It is about {_either(names)}, which this preset has not.")
    for dataset in forms[0].results:
        for found in forms:
            parts += _details(found, dataset)
    if any(side.model in rules.ablations for test in claim.tests for side in test.sides):
        parts.append("Tests of ablations are made on the data set of the preset's ablations alone.")
    parts += [*_excuses(claim), f"Left open: {claim.open}"]
    return "\n\n".join(parts)


def _details(found: Judgement, dataset: str) -> list[str]:
    """Return what one form of a claim was judged by on one data set."""
    results = found.results[dataset]
    of = "" if found.form == SAME else f", {FORMS[found.form]}"
    lines = [line for result in results for line in _lines(result)]
    parts = [
        f"{capital(dataset_title(dataset))}{of}: **{verdict(results)}**.",
        pipe_table(HEADS, lines, len(HEADS)),
    ]
    if found.beside[dataset]:
        beside = "; ".join(_with_kind(reading) for reading in found.beside[dataset])
        parts.append(f"Beside, not tested: {beside}.")
    return parts


def _excuses(claim: Claim) -> list[str]:
    """Say which models need not meet a precondition."""
    excuses = [*claim.excused, *(excuse for test in claim.tests for excuse in test.excused)]
    return [
        f"Excused from the preconditions {', '.join(excuse.of)}: "
        f"{', '.join(map(model_title, excuse.models))} ({excuse.reason})."
        for excuse in dict.fromkeys(excuses)
    ]


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
