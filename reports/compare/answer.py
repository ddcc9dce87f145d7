"""Is the candidate better? The answer in one line, by a rule that no score changes.

Against a stored model the candidate is **better** if the 95 % interval of the difference in one of
`DECIDING` lies beyond zero in its favour and that of no other lies beyond zero against it,
**worse** if it is the other way round, and **undecided** if neither is so, or both. Each of these
metrics counts whatever it shows, and no other does: d_intra alone is higher for noise too,
precision and recall are parts of what the FID sees. Where the judges disagree on the images of
either side, by the protocol, what they see in single images (`BY_JUDGES`) does not count.

Of two equal models each interval lies beyond zero by chance in 2.5 % of cases to each side, so that
the rule calls one of them better in at most 7.5 %. What its intervals know of is what those of
:mod:`reports.compare.difference` do: with one seed not of another training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eval.metrics.intervals import MIN_VALUES
from reports.compare.comparison import COLUMNS, Comparison
from reports.compare.conditions import LESS_IS_BETTER
from reports.compare.difference import Difference
from reports.names import capital, dataset_title, model_title
from reports.tables.formats import MISSING
from reports.tables.marks import judges_disagree
from reports.tables.specs import Column

DECIDING = ("inception_score", "label_fidelity", "fid")
BY_JUDGES = ("inception_score", "label_fidelity")
REFERENCE = "ours"
"""The stored model whose differences are printed in the answer; without it the first one."""
BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"


def deciding(found: Comparison, dataset: str, model: str) -> dict[str, Difference]:
    """Return the differences to a stored model that decide, by metric."""
    rows, protocol = found.rows, found.stored.protocol
    unsure = any(judges_disagree(rows, dataset, m, protocol) for m in (found.title, model))
    kept = [metric for metric in DECIDING if not (unsure and metric in BY_JUDGES)]
    changes = {metric: found.differences[dataset, model, metric] for metric in kept}
    return {metric: change for metric, change in changes.items() if change and change.interval}


def outcome(found: Comparison, dataset: str, model: str) -> str:
    """Return whether the candidate is better than a stored model, worse, or undecided."""
    sides = {_side(metric, change) for metric, change in deciding(found, dataset, model).items()}
    (decided,) = sides - {UNDECIDED} if len(sides - {UNDECIDED}) == 1 else {UNDECIDED}
    return decided


def answer(found: Comparison, dataset: str) -> str:
    """Return the answer on a data set as one sentence of Markdown, and what it does not know."""
    models = found.models(dataset)
    by_outcome = {
        kind: [model for model in models if outcome(found, dataset, model) == kind]
        for kind in (BETTER, WORSE, UNDECIDED)
    }
    first = REFERENCE if REFERENCE in models else models[0]
    order = sorted(by_outcome, key=lambda kind: first not in by_outcome[kind])
    words = {BETTER: "better than", WORSE: "worse than", UNDECIDED: "undecided against"}
    parts = []
    for kind in order:
        names = sorted(by_outcome[kind], key=lambda model: model != first)
        texts = [_named(found, dataset, m) if m == first else model_title(m) for m in names]
        parts.append(f"**{words[kind]}** {'; '.join(texts) or 'none'}")
    where = capital(dataset_title(dataset))
    return f"{where}: {found.candidate.name} is {', '.join(parts)}.{_unknown(found, dataset)}"


def _side(metric: str, change: Difference) -> str:
    """Return on which side of zero an interval lies, seen from the candidate."""
    if change.interval.low <= 0 <= change.interval.high:
        return UNDECIDED
    return BETTER if (change.value > 0) != (metric in LESS_IS_BETTER) else WORSE


def _named(found: Comparison, dataset: str, model: str) -> str:
    """Return a stored model with every difference to it that decides."""
    changes = deciding(found, dataset, model)
    texts = [
        f"{COLUMNS[metric].title} {difference_text(replace(change, better=None), COLUMNS[metric])}"
        for metric, change in changes.items()
    ]
    left_out = [COLUMNS[metric].title for metric in DECIDING if metric not in changes]
    texts += [f"{_listed(left_out)} not counted"] if left_out else []
    return f"{model_title(model)} ({', '.join(texts)})"


def _unknown(found: Comparison, dataset: str) -> str:
    if dataset in found.judges:
        return " Another evaluator judged it, so that nothing decides."
    few = len(found.of(dataset)) < MIN_VALUES
    return " Of another training of it this says nothing." if few else ""


def difference_text(change: Difference | None, column: Column) -> str:
    """Return a difference as printed, with its interval and P."""
    if change is None:
        return MISSING
    text = points(column.number(change.value, "+z"), column)
    if change.interval is not None:
        ends = (change.interval.low, change.interval.high)
        text += f" [{', '.join(column.number(end, '+z') for end in ends)}]"
    return text if change.better is None else f"{text}, P {change.better:.2f}"


def points(number: str, column: Column) -> str:
    """Return the number of a difference or a spread with its unit."""
    return f"{number} points" if column.percent else number


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
