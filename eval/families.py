"""Families of scores: the one table of what each reads, of whom it can be had and what it measures.

Scoring (``eval.scores``), the workflow's plan, the tables and the claims read it. A new family is a
function of its name in a module ``eval/scores/<name>.py``, and a row here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from dlvae.data.masks import BOXES_64
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS

ANY, TRAINED, ENCODING, OURS = "any", "trained", "encoding", "ours"
"""Of whom a family can be had: of real images too; of trained models; of those with an encoder; of
those with both codes of ours. A model of the user's counts as encoding: its rows say what it lacks.
"""
NO_ENCODER = ("cgan",)


@dataclass(frozen=True)
class Family:
    """A family of scores.

    Attributes:
        reads: names of the inputs that it is given.
        optional: names of further inputs, where the preset has them.
        splits: of the data set that it opens itself, beside those among its inputs.
        snapshots: it reads the weights on the way of a training, and what that had cost.
        of: of whom it can be had, see above.
        real: split of the real images that stands for the samples of the model ``real``.
        only_on: the one data set that it is about; empty for all.
        fitted: another prior over the same codes changes it, so that it is taken of both forms.
        metrics: those that tables print and claims may name.
        judged: beginnings of the metrics that are taken by what an evaluator sees.
        pages: that show all of it, beside the tables and the claims, which name metrics.
        module: of ``eval.scores`` that holds it, where that has another name.
    """

    name: str
    reads: tuple[str, ...]
    optional: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    snapshots: bool = False
    of: str = ANY
    real: str = "test"
    only_on: str = ""
    fitted: bool = True
    metrics: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    module: str = ""

    @property
    def module_name(self) -> str:
        """The module that holds it."""
        return f"eval.scores.{self.module or self.name}"

    @property
    def runs_model(self) -> bool:
        """Whether it loads a trained model, whose code is then part of what it says."""
        return "model" in self.reads

    @property
    def of_logits(self) -> bool:
        """Whether it reads feature sets alone: neither torch nor a GPU is needed."""
        return all(name.startswith("features") for name in self.reads)

    def can_be_had_of(self, model: str) -> bool:
        """Return whether a model has what the family reads.

        Args:
            model: as the registry knows it; ``real`` for the data set's own images.
        """
        if self.of == OURS:
            return model == "ours"
        unable = {ANY: (), TRAINED: ("real",), ENCODING: ("real", *NO_ENCODER)}
        return model not in unable[self.of]


def _each(metrics: str, suffixes: Iterable[object]) -> tuple[str, ...]:
    return tuple(f"{metric}:{suffix}" for metric, suffix in product(metrics.split(), suffixes))


_DIRECTIONS, _UNSEEN = ("a", "b"), ("unseen_before", "unseen_after")
_IN_CODES = "probe_linear probe_mlp probe_excess active_units active_count"
TOY_EPOCHS = range(0, 51, 10)  # snapshots of Figure 2
_SETS = (
    "fid kid precision recall density coverage intra_fid nearest_train_ratio copies_share "
    "feature_distance_intra duplicate_share"
).split()

_ROWS = (
    Family(
        "inception",
        reads=("features", "features_plain"),
        metrics=(
            *("inception_score", "label_fidelity", "judge_agreement"),
            *("inception_score:plain", "label_fidelity:plain", "judge_agreement:plain"),
        ),
        judged=("inception_score", "label_fidelity"),
        pages=("ablations", "compare", "evaluator_noise"),
    ),
    Family(
        "diversity",
        reads=("images",),
        real="train",  # the paper's row is of those that models are trained on
        metrics=tuple(
            f"d_intra_{variant}{part}"
            for variant in ("standard", "range_mismatched")
            for part in ("", "_offdiag", "_clamped_share")
        ),
        pages=("ablations", "compare"),
    ),
    Family(
        "fidelity",
        reads=("features", "images", "real_train", "real_test"),
        splits=("test",),
        metrics=(*_SETS, "sharpness", "sharpness_ratio"),
        judged=(*_SETS,),
        pages=("ablations", "compare"),
    ),
    Family(
        "imagenet",
        module="fidelity",
        reads=("images", "weights"),
        splits=("train",),
        metrics=("imagenet_fid", "imagenet_inception_score"),
    ),
    # Compares settings of diversity, not models.
    Family("scale", reads=("images",), real="train", fitted=False, pages=("table2_scale",)),
    Family(
        "progress",
        module="curve",
        reads=("model", "evaluator"),
        snapshots=True,
        of=TRAINED,
        metrics=("inception_score:half", "label_fidelity:half", "updates", "images_read"),
        judged=("inception_score", "label_fidelity"),
    ),
    Family(
        "curve",
        reads=("model", "evaluator", "real_train"),
        optional=("longer",),
        snapshots=True,
        of=TRAINED,
        pages=("learning_curves",),
    ),
    Family(
        "swaps",
        reads=("model", "evaluator"),
        optional=("factors", "unlabelled", "semi"),
        splits=("test",),
        of=OURS,
        fitted=False,
        metrics=(
            *_each("swap_identity swap_factors swap_brightness", ("seen", *_UNSEEN)),
            *_each("reconstruction_mse", _UNSEEN),
            *_each("verification_auc", ("seen", "unseen")),
        ),
        judged=("swap_identity", "verification_auc"),
    ),
    Family(
        "inpainting",
        reads=("model", "evaluator"),
        splits=("train", "test"),
        of=TRAINED,
        fitted=False,
        metrics=_each(
            "inpaint_psnr inpaint_ssim inpaint_feature_distance inpaint_identity", BOXES_64
        ),
        judged=("inpaint_feature_distance", "inpaint_identity"),
    ),
    Family(
        "walks",
        reads=("model", "evaluator"),
        optional=("factors",),
        of=OURS,
        metrics=(
            *("walk_top1_plain", "walk_consistency:b", "walk_consistency_features:b"),
            *_each("walk_top1 walk_ratio walk_smoothness", _DIRECTIONS),
        ),
        # In factors, walk_consistency is the regressor's.
        judged=("walk_top1", "walk_ratio", "walk_smoothness", "walk_consistency_features"),
    ),
    Family(
        "coordinates",
        reads=("model", "evaluator"),
        optional=("factors",),
        of=OURS,
        metrics=(
            "coordinate_top1_plain",
            *_each("coordinate_spearman coordinate_index coordinate_top1", IRRELEVANT_FACTORS),
        ),
        judged=("coordinate_top1",),
    ),
    Family(
        "effects",
        module="coordinates",
        reads=("model",),
        optional=("factors",),
        splits=("test",),
        of=OURS,
        fitted=False,
        metrics=(
            *("effect_disentanglement", "effect_completeness", "effect_gap"),
            *_each("effect effect_coordinate", IRRELEVANT_FACTORS),
        ),
    ),
    Family(
        "codes",
        reads=("model",),
        splits=("train", "test"),
        of=ENCODING,
        fitted=False,
        metrics=(
            *_each(_IN_CODES, ("z_s",)),
            *_each(_IN_CODES, ("z_u",)),
            *_each("probe_mlp probe_excess", ("z_u_sampled",)),
            *("probe_chance", "dci_disentanglement", "dci_completeness", "dci_informativeness"),
            *("mig", "sap", "position_r2", "bayes_accuracy"),
            *("reconstruction_mse", "image_variance"),
            *_each("factor_r2", IRRELEVANT_FACTORS),
        ),
        pages=("ablations",),
    ),
    Family(
        "priors",
        reads=("model",),
        splits=("test",),
        of=ENCODING,
        metrics=(
            *("mixture_accuracy", "mahalanobis_ratio", "mahalanobis_ks", "centre_separation"),
            *("information_bound", "information_ceiling"),
            *("prior_distance", "aggregate_kl", "posterior_kl"),
        ),
        pages=("ablations",),
    ),
    Family(
        "toy",
        module="toy_experiment",
        reads=("model",),
        splits=("test",),
        snapshots=True,
        of=TRAINED,
        only_on="three_moons",
        metrics=(
            "toy_wasserstein_floor",
            *_each(
                "toy_precision toy_recall toy_wasserstein toy_spread_radial toy_spread_y",
                TOY_EPOCHS,
            ),
        ),
    ),
)

FAMILIES: Mapping[str, Family] = {family.name: family for family in _ROWS}
FAMILY_OF: Mapping[str, Family] = {metric: family for family in _ROWS for metric in family.metrics}
"""The family that measures a metric."""


def families_of(metrics: Sequence[str]) -> list[str]:
    """Return the names of the families that measure metrics, in the order of their first ones."""
    return list(dict.fromkeys(FAMILY_OF[metric].name for metric in metrics))


def families_on(page: str) -> list[str]:
    """Return the names of the families that a page beside the tables shows, in their order."""
    return [family.name for family in _ROWS if page in family.pages]


def encodes(model: str) -> bool:
    """Return whether a trained model has an encoder; a model of the user's counts as one."""
    return model not in NO_ENCODER


def is_judged(metric: str) -> bool:
    """Return whether a metric is taken by what the evaluators see."""
    return metric.startswith(FAMILY_OF[metric].judged)
