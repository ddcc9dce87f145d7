"""The rules of ``claims.yaml``: what they are, checked as they are read, and the scores they need.

The classes below are its sections and their keys. A key or name that there is not is refused with
the nearest valid one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dlvae.config.section import Section
from dlvae.config.yaml_files import read_yaml
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import model_names
from eval.families import FAMILIES, FAMILY_OF, encodes
from reports.names import fitted_form

PATH = Path(__file__).resolve().parents[1] / "claims.yaml"
TOY = "toy"  # kind of data that no judge is trained on
REAL = "real"  # in the place of a model: the data set's own images

INCEPTION, TOP1 = "inception_score", "label_fidelity"
AGREEMENT, HALF = "judge_agreement", f"{INCEPTION}:half"
PLAIN = {metric: f"{metric}:plain" for metric in (INCEPTION, TOP1)}
"""Metrics that are also taken by judges trained on plain images, flips and crops aside."""

AS_PUBLISHED, FITTED_PRIORS, SAME = "published", "fitted", "same"
"""Forms of a claim; `SAME` for one that no prior has a part in. One whose tests all compare with
ablations, which are not fitted, is judged as published alone."""

Text = Annotated[str, Field(min_length=1)]
Above0 = Annotated[float, Field(gt=0)]


class Side(Section):
    """One side of a test: times * |metric of model - away_from| + plus.

    Without ``away_from``: times * metric + plus.
    """

    metric: str
    model: str
    away_from: float | None = None
    times: Above0 = 1.0
    plus: float = 0.0

    def fitted(self) -> Side:
        """Return the side with the model's priors fitted, where that changes the metric."""
        fits = has_fitted_form(self.model) and FAMILY_OF[self.metric].fitted
        return self.model_copy(update={"model": fitted_form(self.model)}) if fits else self


class Excuse(Section):
    """Models that need not meet some preconditions, for a reason that the page prints."""

    models: list[str]
    of: list[Literal["agree", "trained"]]
    reason: Text


class Preconditions(Section):
    """What must be so before a test is made; the agreement of judges is in the protocol.

    Attributes:
        times_chance: top-1 of every model of a claim, in units of chance.
        still_learning: by how much the Inception Score may have moved since half of the updates,
            as a share of the ceiling; of toy models their distance, as a share of what it was
            before the training.
        toy_distance: distance of a toy model from the data after the last epoch, as a share of what
            it was before the training.
    """

    times_chance: Above0
    still_learning: Above0
    toy_distance: Above0


class ClaimTest(Section):
    """``left op right``; with the operator ``within``: |left - right| <= margin.

    Attributes:
        name: in words.
        right: a side or a constant.
        headline: what the claim says first; without it nothing of the claim is replicated.
        beyond_noise: the spread between trainings must not explain that it holds, which takes
            three seeds or more to know.
        data: kinds of data sets that it is made on; empty for all that the claim is about.
        margin: of ``within``; None with the other operators.
    """

    name: Text
    left: Side
    op: Literal["<", "<=", ">", ">=", "within"]
    right: Side | float
    headline: bool = False
    beyond_noise: bool = False
    data: list[str] = []
    margin: Above0 | None = None

    @property
    def relation(self) -> str:
        """The operator as it is printed."""
        return self.op if self.margin is None else f"{self.op} {self.margin:g} of"

    @property
    def sides(self) -> list[Side]:
        """What is measured."""
        return [side for side in (self.left, self.right) if isinstance(side, Side)]

    def with_sides(self, change: Callable[[Side], Side]) -> ClaimTest:
        """Return the test with both of its sides changed."""
        right = change(self.right) if isinstance(self.right, Side) else self.right
        return self.model_copy(update={"left": change(self.left), "right": right})

    @model_validator(mode="after")
    def _margin_with_within(self) -> Self:
        if (self.margin is None) == (self.op == "within"):
            raise ValueError("expected a margin with the operator 'within', and only there")
        if self.headline and self.data:
            raise ValueError("expected a headline test without data, made wherever others are")
        return self


class Claim(Section):
    """A claim of the paper.

    Attributes:
        where: figure, table or section.
        data: kinds of data sets; see :class:`Rules`.
        open: what the paper leaves open, or the tests cannot show.
        beside: printed beside the tests.
        recognised: top-1 of plain samples that must be as far above chance as that of sample sets,
            where a test compares with it; None for none.
        excused: models that need not meet a precondition.
    """

    id: Text
    where: Text
    statement: Text
    data: list[str] = Field(min_length=1)
    tests: list[ClaimTest]
    open: Text
    beside: list[Side] = []
    recognised: Side | None = None
    excused: list[Excuse] = []

    @property
    def measured(self) -> list[Side]:
        """Everything that is read of the scores for the claim itself, tested or not."""
        sides = [side for test in self.tests for side in test.sides]
        return [*sides, *self.beside, *([self.recognised] if self.recognised else [])]

    @model_validator(mode="after")
    def _one_headline(self) -> Self:
        names = [test.name for test in self.tests if test.headline]
        if len(names) != 1:
            found = ", ".join(names) or "none"
            raise ValueError(f"expected one test with headline: true, found {found}")
        return self


class Rules(Section):
    """``claims.yaml``.

    Attributes:
        data_sets: by kind.
        ablations: models that are ours with another method.
    """

    data_sets: dict[str, list[str]]
    ablations: list[str]
    preconditions: Preconditions
    claims: list[Claim]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        models = [REAL, *model_names(), *self.ablations]
        ids = [claim.id for claim in self.claims]
        if twice := [name for name in ids if ids.count(name) > 1]:
            raise ValueError(f"expected an id of its own for every claim, found '{twice[0]}' twice")
        for claim in self.claims:
            where = f"claim '{claim.id}'"
            for test in claim.tests:
                _known(test.data, self.data_sets, f"{where}, '{test.name}': data")
            _known(claim.data, self.data_sets, f"{where}: data")
            _known((side.metric for side in claim.measured), FAMILY_OF, f"{where}: metric")
            _known((side.model for side in claim.measured), models, f"{where}: model")
            excused = (name for excuse in claim.excused for name in excuse.models)
            _known(excused, models, f"{where}: excused")
        return self

    def is_toy(self, dataset: str) -> bool:
        """Return whether a data set is of points, which no judge looks at."""
        return dataset in self.data_sets.get(TOY, ())

    def of_ablations(self, test: ClaimTest) -> bool:
        """Return whether a test compares with ours with a part of the method changed."""
        return any(side.model in self.ablations for side in test.sides)

    def forms(self, claim: Claim) -> list[tuple[str, Claim]]:
        """Return a claim in every form that it is judged in, by the name of the form.

        A comparison with an ablation stays as published: ablations are not fitted, and a fit of one
        side alone is no fair comparison.
        """
        tests = [t if self.of_ablations(t) else t.with_sides(Side.fitted) for t in claim.tests]
        if tests == claim.tests:
            told = any(FAMILY_OF[side.metric].fitted for test in tests for side in test.sides)
            return [(AS_PUBLISHED if told else SAME, claim)]
        fitted = {"tests": tests, "beside": [side.fitted() for side in claim.beside]}
        fitted["recognised"] = claim.recognised and claim.recognised.fitted()
        return [(AS_PUBLISHED, claim), (FITTED_PRIORS, claim.model_copy(update=fitted))]

    def tests_of(
        self, claim: Claim, datasets: Sequence[str], ablated: str
    ) -> dict[str, list[ClaimTest]]:
        """Return the tests of a claim by data set; data sets without any are left out.

        A test of an ablation is made on the data set of the ablations alone, ``ablated``; where the
        claim is not tested on that one, it stays, to be not run.

        Args:
            datasets: of a preset.
        """

        def of(kinds: Sequence[str]) -> list[str]:
            return [name for name in datasets if any(name in self.data_sets[k] for k in kinds)]

        about, found = of(claim.data), {}
        for dataset in about:
            elsewhere = dataset != ablated and ablated in about
            found[dataset] = [
                test
                for test in claim.tests
                if dataset in of(test.data or claim.data)
                and not (elsewhere and self.of_ablations(test))
            ]
        return {dataset: tests for dataset, tests in found.items() if tests}


def load_rules(path: str | Path = PATH) -> Rules:
    """Read and check the rules.

    Raises:
        UserError: the file is missing or malformed, or names a key, kind, metric, model or
            operator that there is not; it says which is nearest.
    """
    content = read_yaml(path, "readable rules")
    try:
        return Rules.read(content)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def models_of(tests: Iterable[ClaimTest]) -> list[str]:
    """Return the models that tests measure, each once, without the real images."""
    models = (side.model for test in tests for side in test.sides)
    return [model for model in dict.fromkeys(models) if model != REAL]


def has_fitted_form(model: str) -> bool:
    """Return whether a model's priors are also fitted: it encodes, and is no ablation."""
    return model in model_names() and encodes(model)


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
        for dataset, tests in rules.tests_of(claim, datasets, ablated).items():
            here = claim.model_copy(update={"tests": tests})
            asked = [(side.model, FAMILY_OF[side.metric].name) for side in here.measured]
            for model in models_of(tests):  # what preconditions read
                asked += [(model, f.name) for f in FAMILIES.values() if f.only_on == dataset]
                read = ((model, INCEPTION), (REAL, INCEPTION), (model, HALF))
                judged = read if not rules.is_toy(dataset) else ()
                asked += [(name, FAMILY_OF[metric].name) for name, metric in judged]
            found |= dict.fromkeys((dataset, *pair) for pair in asked)
    return list(found)


def _known(names: Iterable[str], valid: Collection[str], where: str) -> None:
    for name in names:
        if name not in valid:
            shown = f"one of {', '.join(valid)}" if len(valid) < 12 else "a known name"
            raise ValueError(f"{where}: expected {shown}, found '{name}'.{nearest(name, valid)}")
