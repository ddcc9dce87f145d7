"""What must be so before a test says anything: judges that agree, models that are trained.

Of image models, top-1 of every model of the claim is so many times chance, and its Inception Score
no longer moves; where the test reads a judge, the judges agree on every sample set in it. Of toy
models, which no judge looks at, the same two are asked of their distance from the data. The numbers
are in ``claims.yaml``, the share of agreement is in the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports.claims.claim_metrics import (
    AGREEMENT,
    EPOCHS,
    HALF,
    INCEPTION,
    REAL,
    TOP1,
    TOY_DISTANCE,
    read_by_judges,
)
from reports.claims.readings import Reading, Readings
from reports.claims.rules import (
    AGREE,
    LEARNED,
    TRAINED,
    Claim,
    ClaimTest,
    Preconditions,
    Rules,
    Side,
    models_of,
)
from reports.names import as_published, model_title

FIRST, BEFORE, LAST = EPOCHS[0], EPOCHS[-2], EPOCHS[-1]
Read = Callable[[str, str], Reading]
"""The reading of a metric of a model, by the names of both."""


def unmet(rules: Rules, claim: Claim, test: ClaimTest, readings: Readings, dataset: str) -> str:
    """Say which preconditions of a test are not met and why; an empty string if all are.

    Args:
        claim: in the form that is judged; so is ``test``.
    """
    preset, toy = readings.preset, rules.is_toy(dataset)
    tests = rules.tests_on(claim, dataset, preset.datasets, preset.ablated)
    if not preset.ablated:  # what is compared with ablations is not run, and asks for nothing
        tests = [t for t in tests if not rules.of_ablations(t)]
    excuses = (*claim.excused, *test.excused)
    excused = {(model, name) for e in excuses for model in e.models for name in e.of}

    def read(metric: str, model: str) -> Reading:
        return readings.of(Side(metric=metric, model=model), dataset)

    numbers, found = rules.preconditions, []
    for model in models_of(tests):
        if (as_published(model), TRAINED) not in excused:
            found.append(
                _toy_trained(read, model, numbers)
                if toy
                else _above_chance(read, TOP1, model, numbers)
            )
        if (as_published(model), LEARNED) not in excused:
            found.append((_toy_learned if toy else _learned)(read, model, numbers))
    if plain := claim.recognised:
        found.append(_above_chance(read, plain.metric, plain.model, numbers))
    if any(read_by_judges(side.metric) for side in test.sides):
        judged = [m for m in models_of([test]) if (as_published(m), AGREE) not in excused]
        found += [_agreed(read, model, preset.agreement) for model in judged]
    return "; ".join(dict.fromkeys(filter(None, found)))


def _asked(what: str, readings: Sequence[Reading], failure: Callable[..., str]) -> str:
    """Return that a reading is missing, or else what ``failure`` says of all of their means.

    Args:
        what: is not known without them.
        failure: of the means; an empty string where they are as they should be.
    """
    missing = next((found for found in readings if found.cell is None), None)
    if missing is None:
        return failure(*(found.cell.mean for found in readings))
    if not missing.reason.startswith("no score"):
        return f"{what} is not known: {missing.reason}"
    why = missing.reason.partition(": ")[2]
    row = f"no row {missing.side.metric} of {model_title(missing.side.model)}"
    return f"{what} is not known: {row}{f' ({why})' if why else ''}"


def _above_chance(read: Read, metric: str, model: str, numbers: Preconditions) -> str:
    found, name = read(metric, model), model_title(model)

    def failure(top1: float) -> str:
        floor = numbers.times_chance / found.classes
        below = f"below {floor:.3g}, {numbers.times_chance:g} times chance"
        return f"{name} is not trained: {metric} {top1:.3g}, {below}" if top1 < floor else ""

    return _asked(f"whether {name} is trained", [found], failure)


def _learned(read: Read, model: str, numbers: Preconditions) -> str:
    share, name = numbers.still_learning, model_title(model)

    def failure(now: float, half: float, ceiling: float) -> str:
        if abs(now - half) <= share * ceiling:
            return ""
        return (
            f"{name} is still learning: {INCEPTION} {now:.4g}, after half of its updates "
            f"{half:.4g}, more than {_percent(share)} of the ceiling, {ceiling:.4g}, apart"
        )

    readings = [read(INCEPTION, model), read(HALF, model), read(INCEPTION, REAL)]
    return _asked(f"whether {name} is still learning", readings, failure)


def _toy_trained(read: Read, model: str, numbers: Preconditions) -> str:
    share, name = numbers.toy_distance, model_title(model)

    def failure(last: float, first: float) -> str:
        if last <= share * first:
            return ""
        return (
            f"{name} is not trained: {TOY_DISTANCE} {last:.3g} after {LAST} epochs, more than "
            f"{_percent(share)} of {first:.3g} before them"
        )

    readings = [read(f"{TOY_DISTANCE}:{epoch}", model) for epoch in (LAST, FIRST)]
    return _asked(f"whether {name} is trained", readings, failure)


def _toy_learned(read: Read, model: str, numbers: Preconditions) -> str:
    share, name = numbers.still_learning, model_title(model)

    def failure(last: float, before: float, first: float) -> str:
        if abs(last - before) <= share * first:
            return ""
        return (
            f"{name} is still learning: {TOY_DISTANCE} {last:.3g} after {LAST} epochs, "
            f"{before:.3g} after {BEFORE}, more than {_percent(share)} of {first:.3g} before the "
            "first apart"
        )

    readings = [read(f"{TOY_DISTANCE}:{epoch}", model) for epoch in (LAST, BEFORE, FIRST)]
    return _asked(f"whether {name} is still learning", readings, failure)


def _agreed(read: Read, model: str, least: float) -> str:
    name = model_title(model)

    def failure(share: float) -> str:
        below = f"on {_percent(share)} of the images of {name}, below {_percent(least)}"
        return f"the judges agree {below}" if share < least else ""

    return _asked(f"whether the judges agree on {name}", [read(AGREEMENT, model)], failure)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
