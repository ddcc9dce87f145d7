"""What must be so before a test says anything: judges that agree, models that are trained.

Of image models, top-1 of every model of the claim is so many times chance, and its Inception Score
no longer moves; where the test reads a judge, the judges agree on every sample set in it. Of toy
models, which no judge looks at, the same two are asked of their distance from the data. The numbers
are in ``claims.yaml``, the share of agreement is in the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
from reports.claims.claim_readings import Reading, Readings
from reports.claims.claim_rules import (
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
    numbers, preset = rules.preconditions, readings.preset
    tests = rules.tests_on(claim, dataset, preset.datasets, preset.ablated)
    if not preset.ablated:  # what is compared with ablations is not run, and asks for nothing
        tests = [t for t in tests if not rules.of_ablations(t)]

    def read(metric: str, model: str) -> Reading:
        return readings.of(Side(metric, model), dataset)

    def asked(model: str, condition: str) -> bool:
        excuses = (*claim.excused, *test.excused)
        name = as_published(model)
        return not any(name in of.models and condition in of.of for of in excuses)

    found: list[str] = []
    for model in models_of(tests):
        toy = rules.is_toy(dataset)
        if toy and asked(model, TRAINED):
            found += _toy_trained(read, model, numbers)
        elif asked(model, TRAINED):
            found += _above_chance(read, TOP1, model, numbers)
        if asked(model, LEARNED):
            found += (_toy_learned if toy else _learned)(read, model, numbers)
    if claim.recognised:
        found += _above_chance(read, claim.recognised.metric, claim.recognised.model, numbers)
    if any(read_by_judges(side.metric) for side in test.sides):
        for model in (m for m in models_of([test]) if asked(m, AGREE)):
            found += _agreed(read, model, preset.agreement)
    return "; ".join(dict.fromkeys(found))


def _above_chance(read: Read, metric: str, model: str, numbers: Preconditions) -> Iterator[str]:
    found = read(metric, model)
    if found.cell is None:
        yield _unknown(f"whether {model_title(model)} is trained", found)
        return
    floor = numbers.times_chance / found.classes
    if found.cell.mean < floor:
        yield (
            f"{model_title(model)} is not trained: {metric} {found.cell.mean:.3g}, below "
            f"{floor:.3g}, {numbers.times_chance:g} times chance"
        )


def _learned(read: Read, model: str, numbers: Preconditions) -> Iterator[str]:
    readings = [read(INCEPTION, model), read(HALF, model), read(INCEPTION, REAL)]
    if missing := _missing(readings):
        yield _unknown(f"whether {model_title(model)} is still learning", missing)
        return
    now, half, ceiling = (found.cell.mean for found in readings)
    if abs(now - half) > numbers.still_learning * ceiling:
        yield (
            f"{model_title(model)} is still learning: {INCEPTION} {now:.4g}, after half of its "
            f"updates {half:.4g}, more than {_share(numbers.still_learning)} of the ceiling, "
            f"{ceiling:.4g}, apart"
        )


def _toy_trained(read: Read, model: str, numbers: Preconditions) -> Iterator[str]:
    readings = [read(f"{TOY_DISTANCE}:{epoch}", model) for epoch in (LAST, FIRST)]
    if missing := _missing(readings):
        yield _unknown(f"whether {model_title(model)} is trained", missing)
        return
    last, first = (found.cell.mean for found in readings)
    if last > numbers.toy_distance * first:
        yield (
            f"{model_title(model)} is not trained: {TOY_DISTANCE} {last:.3g} after {LAST} epochs, "
            f"more than {_share(numbers.toy_distance)} of {first:.3g} before them"
        )


def _toy_learned(read: Read, model: str, numbers: Preconditions) -> Iterator[str]:
    readings = [read(f"{TOY_DISTANCE}:{epoch}", model) for epoch in (LAST, BEFORE, FIRST)]
    if missing := _missing(readings):
        yield _unknown(f"whether {model_title(model)} is still learning", missing)
        return
    last, before, first = (found.cell.mean for found in readings)
    if abs(last - before) > numbers.still_learning * first:
        yield (
            f"{model_title(model)} is still learning: {TOY_DISTANCE} {last:.3g} after {LAST} "
            f"epochs, {before:.3g} after {BEFORE}, more than {_share(numbers.still_learning)} of "
            f"{first:.3g} before the first apart"
        )


def _agreed(read: Read, model: str, least: float) -> Iterator[str]:
    found = read(AGREEMENT, model)
    if found.cell is None:
        yield _unknown(f"whether the judges agree on {model_title(model)}", found)
    elif found.cell.mean < least:
        yield (
            f"the judges agree on {_share(found.cell.mean)} of the images of {model_title(model)}, "
            f"below {_share(least)}"
        )


def _missing(readings: list[Reading]) -> Reading | None:
    """Return the first reading without a value, None if all have one."""
    return next((found for found in readings if found.cell is None), None)


def _unknown(what: str, found: Reading) -> str:
    """Say that something is not known, and which row is missing."""
    side = found.side
    if found.reason.startswith("no score"):
        _, _, why = found.reason.partition(": ")
        row = f"no row {side.metric} of {model_title(side.model)}"
        return f"{what} is not known: {row}{f' ({why})' if why else ''}"
    return f"{what} is not known: {found.reason}"


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"
