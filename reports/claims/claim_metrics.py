"""What a rule of ``claims.yaml`` may measure, and what each metric depends on."""

from __future__ import annotations

from collections.abc import Mapping

from eval.families import FAMILY_OF, TOY_EPOCHS, is_judged

REAL = "real"  # in the place of a model: the data set's own images

INCEPTION, TOP1 = "inception_score", "label_fidelity"
AGREEMENT, HALF = "judge_agreement", f"{INCEPTION}:half"
TOY_DISTANCE, EPOCHS = "toy_wasserstein", TOY_EPOCHS

FAMILY: Mapping[str, str] = {metric: family.name for metric, family in FAMILY_OF.items()}
"""What a rule may name, and the family of scores that measures it; see :mod:`eval.families`."""

FITTED_MODELS = ("cvae", "cvae_gan", "ours")
"""Models that are also there with their priors set to the codes of the training images."""

PLAIN = {metric: f"{metric}:plain" for metric in (INCEPTION, TOP1)}
"""Metrics that are also taken by judges trained on plain images, flips and crops aside."""

read_by_judges = is_judged


def depends_on_prior(metric: str) -> bool:
    """Return whether another prior over the same codes changes a metric."""
    return FAMILY_OF[metric].fitted
