"""What must be so before a test says anything: judges that agree, models that are trained.

Of image models, top-1 of every model of the claim is so many times chance, and its Inception Score
no longer moves; where the test reads a judge, the judges agree on every sample set in it. Of toy
models, which no judge looks at, the same two are asked of their distance from the data. The numbers
are in ``claims.yaml``, the share of agreement is in the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.families import TOY_EPOCHS, is_judged
from reports.claims.readings import Reading, Readings
from reports.claims.rules import (
    AGREEMENT,
    HALF,
    INCEPTION,
    REAL,
    TOP1,
    Claim,
    ClaimTest,
    Preconditions,
    Rules,
    Side,
    models_of,
)
from reports.names import as_published, model_title

FIRST, BEFORE, LAST = TOY_EPOCHS[0], TOY_EPOCHS[-2], TOY_EPOCHS[-1]
TOY_DISTANCE = "toy_wasserstein"
Read = Callable[..., list[Reading]]
"""Returns readings of pairs of metric and model, after the words for what they tell."""


class _Unmet(Exception):
    """A precondition that is not met, or not known to be."""


def unmet(
    rules: Rules, claim: Claim, test: ClaimTest, models: Sequence[str], readings: Readings, on: str
) -> str:
    """Say which preconditions of a test are not met and why; an empty string if all are.

    Args:
        claim: in the form that is judged; so is ``test``.
        models: of the tests of the claim on the data set ``on``.
    """
    limits, toy = rules.preconditions, rules.is_toy(on)
    excused = {(model, name) for e in claim.excused for model in e.models for name in e.of}

    def read(tells: str, *asked: tuple[str, str]) -> list[Reading]:
        found = [readings.of(Side(metric=metric, model=model), on) for metric, model in asked]
        for reading in found:
            if reading.cell is None:
                raise _Unmet(f"{tells} is not known: {_missing(reading)}")
        return found

    checks: list[tuple] = []
    for model in models:
        if (as_published(model), "trained") not in excused:
            checks += [(_toy_trained, model) if toy else (_above_chance, model, TOP1)]
        checks += [(_learned, model, toy)]
    if plain := claim.recognised:
        checks += [(_above_chance, plain.model, plain.metric)]
    if any(is_judged(side.metric) for side in test.sides):
        judged = [m for m in models_of([test]) if (as_published(m), "agree") not in excused]
        checks += [(_agreed, model, readings.scope.agreement) for model in judged]
    found = {}
    for check, *args in checks:
        try:
            check(read, limits, *args)
        except _Unmet as why:
            found[str(why)] = None
    return "; ".join(found)


def _missing(reading: Reading) -> str:
    if not reading.reason.startswith("no score"):
        return reading.reason
    why = reading.reason.partition(": ")[2]
    row = f"no row {reading.side.metric} of {model_title(reading.side.model)}"
    return f"{row} ({why})" if why else row


def _above_chance(read: Read, limits: Preconditions, model: str, metric: str) -> None:
    name = model_title(model)
    (found,) = read(f"whether {name} is trained", (metric, model))
    floor, top1 = limits.times_chance / found.classes, found.cell.mean
    if top1 < floor:
        below = f"below {floor:.3g}, {limits.times_chance:g} times chance"
        raise _Unmet(f"{name} is not trained: {metric} {top1:.3g}, {below}")


def _toy_trained(read: Read, limits: Preconditions, model: str) -> None:
    name, share = model_title(model), limits.toy_distance
    asked = ((f"{TOY_DISTANCE}:{epoch}", model) for epoch in (LAST, FIRST))
    last, first = (found.cell.mean for found in read(f"whether {name} is trained", *asked))
    if last > share * first:
        raise _Unmet(
            f"{name} is not trained: {TOY_DISTANCE} {last:.3g} after {LAST} epochs, more than "
            f"{_percent(share)} of {first:.3g} before them"
        )


def _learned(read: Read, limits: Preconditions, model: str, toy: bool) -> None:
    name, share = model_title(model), limits.still_learning
    asked = [(INCEPTION, model), (HALF, model), (INCEPTION, REAL)]
    if toy:
        asked = [(f"{TOY_DISTANCE}:{epoch}", model) for epoch in (LAST, BEFORE, FIRST)]
    found = read(f"whether {name} is still learning", *asked)
    now, before, whole = (reading.cell.mean for reading in found)
    if abs(now - before) <= share * whole:
        return
    said = (
        f"{TOY_DISTANCE} {now:.3g} after {LAST} epochs, {before:.3g} after {BEFORE}, more than "
        f"{_percent(share)} of {whole:.3g} before the first apart"
        if toy
        else f"{INCEPTION} {now:.4g}, after half of its updates {before:.4g}, more than "
        f"{_percent(share)} of the ceiling, {whole:.4g}, apart"
    )
    raise _Unmet(f"{name} is still learning: {said}")


def _agreed(read: Read, limits: Preconditions, model: str, least: float) -> None:
    name = model_title(model)
    (found,) = read(f"whether the judges agree on {name}", (AGREEMENT, model))
    if found.cell.mean < least:
        below = f"on {_percent(found.cell.mean)} of the images of {name}, below {_percent(least)}"
        raise _Unmet(f"the judges agree {below}")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
