"""What a rule of ``claims.yaml`` may measure, and what each metric depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from dlvae.data.masks import BOXES_64
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS

REAL = "real"  # in the place of a model: the data set's own images

INCEPTION, TOP1 = "inception_score", "label_fidelity"
AGREEMENT, HALF = "judge_agreement", f"{INCEPTION}:half"
TOY_DISTANCE = "toy_wasserstein"


def _each(metrics: str, suffixes: Sequence[object]) -> list[str]:
    return [f"{metric}:{suffix}" for metric, suffix in product(metrics.split(), suffixes)]


CODES, DIRECTIONS, UNSEEN = ("z_s", "z_u"), ("a", "b"), ("unseen_before", "unseen_after")
EPOCHS = range(0, 51, 10)  # snapshots of Figure 2
VARIANTS = ("standard", "range_mismatched")
PARTS = ("", "_offdiag", "_clamped_share")
METRICS: Mapping[str, Sequence[str]] = {
    "inception": (INCEPTION, TOP1, AGREEMENT, f"{INCEPTION}:plain", f"{TOP1}:plain"),
    "progress": (HALF, f"{TOP1}:half"),
    "diversity": [f"d_intra_{variant}{part}" for variant, part in product(VARIANTS, PARTS)],
    "fidelity": (
        "fid kid precision recall density coverage intra_fid nearest_train_ratio copies_share "
        "feature_distance_intra duplicate_share sharpness sharpness_ratio"
    ).split(),
    "priors": (
        "mixture_accuracy mahalanobis_ratio mahalanobis_ks centre_separation information_bound "
        "information_ceiling prior_distance aggregate_kl posterior_kl"
    ).split(),
    "codes": [
        *_each("probe_linear probe_mlp probe_excess active_units active_count", CODES),
        *_each("probe_mlp probe_excess", ("z_u_sampled",)),
        *"probe_chance position_r2 bayes_accuracy mig sap".split(),
        *"reconstruction_mse image_variance".split(),
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
        f"{TOY_DISTANCE}_floor",
        *_each("toy_precision toy_recall toy_wasserstein toy_spread_radial toy_spread_y", EPOCHS),
    ],
}
"""What a rule may name, by the family of scores that measures it."""

FAMILY = {metric: family for family, metrics in METRICS.items() for metric in metrics}

# --- Fitted priors -----------------------------------------------------------------------------

FITTED_MODELS = ("cvae", "cvae_gan", "ours")
"""Models that are also there with their priors set to the codes of the training images."""

PRIOR_FAMILIES = ("inception", "progress", "diversity", "fidelity", "priors", "walks")
PRIOR_FAMILIES += ("coordinates", "toy")


def depends_on_prior(metric: str) -> bool:
    """Return whether another prior over the same codes changes a metric."""
    return FAMILY[metric] in PRIOR_FAMILIES


# --- Judges ------------------------------------------------------------------------------------

PLAIN = {metric: f"{metric}:plain" for metric in (INCEPTION, TOP1)}
"""Metrics that are also taken by judges trained on plain images, flips and crops aside."""

# Of families that the judges are asked for, what reads pixels or factors alone.
WITHOUT_JUDGE = ("sharpness", "sharpness_ratio", "walk_consistency:b")
BY_JUDGES = ("inception_", TOP1, "walk_", "coordinate_top1", "swap_identity", "verification_auc")
BY_JUDGES += ("inpaint_feature_distance", "inpaint_identity")


def read_by_judges(metric: str) -> bool:
    """Return whether a metric is taken by what the evaluators see."""
    if metric in WITHOUT_JUDGE:
        return False
    return FAMILY[metric] == "fidelity" or metric.startswith(BY_JUDGES)
