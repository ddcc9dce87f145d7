"""What a rule of ``claims.yaml`` is, what it may measure, and the scores that all of them need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from dlvae.data.masks import BOXES_64
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS

TWO_SIDED = "within"  # the largest difference allowed, to either side
OPERATORS = ("<", "<=", ">", ">=", TWO_SIDED)
REAL = "real"  # in the place of a model: the data set's own images
RENDERED = ("synthetic_faces",)  # data sets whose factors are known


def _each(metrics: str, suffixes: Sequence[object]) -> list[str]:
    return [f"{metric}:{suffix}" for metric, suffix in product(metrics.split(), suffixes)]


CODES, DIRECTIONS, UNSEEN = ("z_s", "z_u"), ("a", "b"), ("unseen_before", "unseen_after")
EPOCHS = range(0, 51, 10)  # snapshots of Figure 2
VARIANTS = ("standard", "range_mismatched")
PARTS = ("", "_offdiag", "_clamped_share")
METRICS: Mapping[str, Sequence[str]] = {
    "inception": ("inception_score", "label_fidelity"),
    "diversity": [f"d_intra_{variant}{part}" for variant, part in product(VARIANTS, PARTS)],
    "fidelity": (
        "fid kid precision recall density coverage intra_fid nearest_train_ratio copies_share "
        "feature_distance_intra duplicate_share sharpness sharpness_ratio"
    ).split(),
    "codes": [
        *_each("probe_linear probe_mlp probe_excess active_units active_count", CODES),
        *_each("probe_mlp probe_excess", ("z_u_sampled",)),
        *"probe_chance mixture_accuracy mahalanobis_ratio mahalanobis_ks centre_separation".split(),
        *"information_bound information_ceiling aggregate_kl posterior_kl position_r2".split(),
        *"reconstruction_mse image_variance prior_distance mig sap".split(),
        *"dci_disentanglement dci_completeness dci_informativeness".split(),
        *_each("factor_r2", IRRELEVANT_FACTORS),
    ],
    "walks": [
        "walk_top1_plain",
        *("walk_consistency:b", "walk_consistency_features:b"),
        *_each("walk_top1 walk_ratio walk_smoothness", DIRECTIONS),
    ],
    "coordinates": [
        "coordinate_top1_plain",
        *_each("coordinate_spearman coordinate_index coordinate_top1", IRRELEVANT_FACTORS),
    ],
    "swaps": [
        *_each("swap_identity swap_factors swap_brightness", ("seen", *UNSEEN)),
        *_each("reconstruction_mse", UNSEEN),
        *_each("verification_auc", ("seen", "unseen")),
    ],
    "inpainting": _each(
        "inpaint_psnr inpaint_ssim inpaint_feature_distance inpaint_identity", tuple(BOXES_64)
    ),
    "toy": [
        "toy_wasserstein_floor",
        *_each("toy_precision toy_recall toy_wasserstein toy_spread_radial toy_spread_y", EPOCHS),
    ],
}
"""What a rule may name, by the family of scores that measures it."""

FAMILY = {metric: family for family, metrics in METRICS.items() for metric in metrics}


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
class ClaimTest:
    """``left op right``; with the operator ``within``: |left - right| <= margin.

    Attributes:
        name: in words.
        right: a side or a constant; so is ``left``.
        beyond_noise: the spread between trainings must not explain that it holds, which takes
            three seeds or more to know.
        data: kinds of data sets that it is made on; empty for all that the claim is about.
        margin: of ``within``, above 0; None with the other operators.
    """

    name: str
    left: Side | float
    op: str
    right: Side | float
    beyond_noise: bool = False
    data: tuple[str, ...] = ()
    margin: float | None = None

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
    """

    id: str
    where: str
    statement: str
    data: tuple[str, ...]
    tests: tuple[ClaimTest, ...]
    open: str
    beside: tuple[Side, ...] = ()
    synthetic_only: bool = False


@dataclass(frozen=True)
class Rules:
    """``claims.yaml``.

    Attributes:
        data_sets: by kind.
        ablations: models that are ours with another method.
    """

    data_sets: Mapping[str, tuple[str, ...]]
    ablations: tuple[str, ...]
    claims: tuple[Claim, ...]

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
            return not elsewhere or not any(s.model in self.ablations for s in test.sides)

        return [test for test in claim.tests if kept(test)]


def needed_scores(
    rules: Rules, datasets: Sequence[str], ablated: str = ""
) -> list[tuple[str, str, str]]:
    """Return what the rules measure on the data sets of a preset: (data set, model, family).

    Args:
        datasets: of the preset, the toy data included.
        ablated: data set of the preset's ablations; empty if it has none.
    """
    found: dict[tuple[str, str, str], None] = {}
    for claim in rules.claims:
        for dataset in rules.tested_on(claim, datasets):
            if claim.synthetic_only and dataset not in RENDERED:
                continue
            tests = rules.tests_on(claim, dataset, datasets, ablated)
            sides = [side for test in tests for side in test.sides] + list(claim.beside)
            found |= dict.fromkeys((dataset, side.model, FAMILY[side.metric]) for side in sides)
    return list(found)
