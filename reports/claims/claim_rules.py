"""What a rule of ``claims.yaml`` is, and the scores that all of them need."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.claims.claim_metrics import (
    FAMILY,
    FITTED_MODELS,
    REAL,
    depends_on_prior,
)
from reports.names import fitted_form

TWO_SIDED = "within"  # the largest difference allowed, to either side
OPERATORS = ("<", "<=", ">", ">=", TWO_SIDED)
RENDERED = ("synthetic_faces",)  # data sets whose factors are known
TOY = "toy"  # kind of data that no judge is trained on

AGREE, TRAINED, LEARNED = "agree", "trained", "learned"
CONDITIONS = (AGREE, TRAINED, LEARNED)
"""What a claim may excuse models from, see :mod:`reports.claims.claim_preconditions`."""

AS_PUBLISHED, FITTED_PRIORS, SAME = "published", "fitted", "same"
"""Forms of a claim; `SAME` for one that no prior has a part in. One whose tests all compare with
ablations, which are not fitted, is judged as published alone."""


@dataclass(frozen=True)
class Side:
    """One side of a test: times * |metric of model - away_from| + plus.

    Without ``away_from``: times * metric + plus.
    """

    metric: str
    model: str
    away_from: float | None = None
    times: float = 1.0
    plus: float = 0.0


@dataclass(frozen=True)
class Excuse:
    """Models that need not meet a precondition, for a reason that the page prints.

    Attributes:
        of: of `CONDITIONS`.
    """

    models: tuple[str, ...]
    of: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Preconditions:
    """What must be so before a test is made; the agreement of judges is in the protocol.

    Attributes:
        times_chance: top-1 of every model of a claim, in units of chance.
        still_learning: by how much the Inception Score may have moved since half of the updates,
            as a share of the ceiling; of toy models their distance, as a share of what it was
            before the training.
        toy_distance: distance of a toy model from the data after the last epoch, as a share of what
            it was before the training.
    """

    times_chance: float
    still_learning: float
    toy_distance: float


@dataclass(frozen=True)
class ClaimTest:
    """``left op right``; with the operator ``within``: |left - right| <= margin.

    Attributes:
        name: in words.
        right: a side or a constant; so is ``left``.
        headline: what the claim says first; without it nothing of the claim is replicated.
        beyond_noise: the spread between trainings must not explain that it holds, which takes
            three seeds or more to know.
        data: kinds of data sets that it is made on; empty for all that the claim is about.
        margin: of ``within``, above 0; None with the other operators.
        excused: models that need not meet a precondition of this test.
    """

    name: str
    left: Side | float
    op: str
    right: Side | float
    headline: bool = False
    beyond_noise: bool = False
    data: tuple[str, ...] = ()
    margin: float | None = None
    excused: tuple[Excuse, ...] = ()

    @property
    def relation(self) -> str:
        """Return the operator as it is printed."""
        return self.op if self.margin is None else f"{self.op} {self.margin:g} of"

    @property
    def sides(self) -> list[Side]:
        """Return what is measured."""
        return [side for side in (self.left, self.right) if isinstance(side, Side)]


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        where: figure, table or section.
        data: kinds of data sets; see :class:`Rules`.
        open: what the paper leaves open, or the tests cannot show.
        beside: printed beside the tests.
        synthetic_only: only rendered images tell.
        recognised: top-1 of plain samples that must be as far above chance as that of sample sets,
            where a test compares with it; None for none.
        excused: models that need not meet a precondition of any test.
    """

    id: str
    where: str
    statement: str
    data: tuple[str, ...]
    tests: tuple[ClaimTest, ...]
    open: str
    beside: tuple[Side, ...] = ()
    synthetic_only: bool = False
    recognised: Side | None = None
    excused: tuple[Excuse, ...] = ()


@dataclass(frozen=True)
class Rules:
    """``claims.yaml``.

    Attributes:
        data_sets: by kind.
        ablations: models that are ours with another method.
    """

    data_sets: Mapping[str, tuple[str, ...]]
    ablations: tuple[str, ...]
    preconditions: Preconditions
    claims: tuple[Claim, ...]

    def is_toy(self, dataset: str) -> bool:
        """Return whether a data set is of points, which no judge looks at."""
        return dataset in self.data_sets.get(TOY, ())

    def forms(self, claim: Claim) -> list[tuple[str, Claim]]:
        """Return a claim in every form that it is judged in, by the name of the form."""
        fitted = tuple(self._fitted_test(test) for test in claim.tests)
        if fitted == claim.tests:
            sides = [side for test in claim.tests for side in test.sides]
            told = any(depends_on_prior(side.metric) for side in sides)
            return [(AS_PUBLISHED if told else SAME, claim)]
        more = {
            "tests": fitted,
            "beside": tuple(_fitted(side) for side in claim.beside),
            "recognised": claim.recognised and _fitted(claim.recognised),
        }
        return [(AS_PUBLISHED, claim), (FITTED_PRIORS, dataclasses.replace(claim, **more))]

    def of_ablations(self, test: ClaimTest) -> bool:
        """Return whether a test compares with ours with a part of the method changed."""
        return any(side.model in self.ablations for side in test.sides)

    def _fitted_test(self, test: ClaimTest) -> ClaimTest:
        """Return a test of models with fitted priors.

        A comparison with an ablation stays as published: ablations are not fitted, and a fit of one
        side alone is no fair comparison.
        """
        if self.of_ablations(test):
            return test
        return dataclasses.replace(test, left=_fitted(test.left), right=_fitted(test.right))

    def tested_on(self, claim: Claim, datasets: Sequence[str]) -> list[str]:
        """Return those of a preset's data sets that a claim is about."""
        own = [name for kind in claim.data for name in self.data_sets[kind]]
        return [name for name in datasets if name in own]

    def tests_on(
        self, claim: Claim, dataset: str, datasets: Sequence[str], ablated: str
    ) -> list[ClaimTest]:
        """Return the tests of a claim on one of a preset's data sets.

        A test of an ablation is made on the data set of the ablations alone, ``ablated``; where the
        claim is not tested on that one, it stays, to be not run.
        """
        elsewhere = dataset != ablated and ablated in self.tested_on(claim, datasets)

        def kept(test: ClaimTest) -> bool:
            if test.data and not any(dataset in self.data_sets[kind] for kind in test.data):
                return False
            return not elsewhere or not self.of_ablations(test)

        return [test for test in claim.tests if kept(test)]


def models_of(tests: Iterable[ClaimTest]) -> list[str]:
    """Return the models that tests measure, each once, without the real images."""
    models = (side.model for test in tests for side in test.sides)
    return [model for model in dict.fromkeys(models) if model != REAL]


def _fitted(side: Side | float) -> Side | float:
    if not isinstance(side, Side) or side.model not in FITTED_MODELS:
        return side
    if not depends_on_prior(side.metric):
        return side
    return dataclasses.replace(side, model=fitted_form(side.model))


def needed_scores(
    rules: Rules, datasets: Sequence[str], ablated: str = ""
) -> list[tuple[str, str, str]]:
    """Return what the rules measure on the data sets of a preset: (data set, model, family).

    Their preconditions too, and every form of a claim.

    Args:
        datasets: of the preset, the toy data included.
        ablated: data set of the preset's ablations; empty if it has none.
    """
    found: dict[tuple[str, str, str], None] = {}
    for _, claim in (form for known in rules.claims for form in rules.forms(known)):
        for dataset in rules.tested_on(claim, datasets):
            tests = rules.tests_on(claim, dataset, datasets, ablated)
            if not tests or (claim.synthetic_only and dataset not in RENDERED):
                continue
            sides = [side for test in tests for side in test.sides] + list(claim.beside)
            sides += [claim.recognised] if claim.recognised else []
            asked = [(side.model, FAMILY[side.metric]) for side in sides]
            for model in models_of(tests):
                asked += _asked_before(model, rules.is_toy(dataset))
            found |= dict.fromkeys((dataset, *pair) for pair in asked)
    return list(found)


def _asked_before(model: str, toy: bool) -> list[tuple[str, str]]:
    """Return the model and family of every score that the preconditions of a model read."""
    if toy:
        return [(model, TOY)]
    return [(model, "inception"), (REAL, "inception"), (model, "progress")]
