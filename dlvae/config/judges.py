"""How judges are trained: the evaluators of every data set, the regressor of known factors."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from dlvae.config.section import (
    Count,
    Natural,
    NotNegative,
    Overlay,
    Positive,
    Rate,
    Section,
    Side,
    Width,
    number,
    overlay,
)

BatchSize = Annotated[int, Field(ge=2, le=100_000)]


class SmallImages(Section):
    """A beginning of a training on smaller images, whose pixels are what its steps cost."""

    size: Side
    """side in pixels of the images of the first passes, reduced to it: a pass costs less there"""
    epochs: Positive
    """how many of `epochs` see such images"""


class Recipe(Overlay):
    """Settings of one supervised training; the defaults suit an evaluator of CIFAR-10."""

    width: Width = 1.0
    """multiplier of every hidden width; the depth stays"""
    epochs: Positive = 100
    """passes over the training images"""
    batch_size: BatchSize = 128
    """images per step"""
    lr: Rate = 0.1
    """peak learning rate, cosine to zero"""
    weight_decay: NotNegative = 0.0005
    """on every parameter"""
    dropout: number(ge=0, lt=1) = 0.2
    """share of the pooled features dropped"""
    warmup_epochs: NotNegative = 5
    """epochs of linear warm-up"""
    pad_crop: Natural = 4
    """pixels of reflect padding before a random crop; 0 for none"""
    small: SmallImages = None
    """a beginning on smaller images"""
    seed: Natural = 0
    """of its weights and batches"""

    def steps(self, images: int) -> tuple[int, int]:
        """Steps of the whole training and of its warm-up, on a split of so many images."""
        total = math.ceil(self.epochs * images / self.batch_size)
        warmup = math.ceil(self.warmup_epochs * images / self.batch_size)
        return total, min(warmup, total - 1)

    def small_steps(self, images: int) -> int:
        """Steps of the beginning on smaller images."""
        return math.ceil(self.small.epochs * images / self.batch_size) if self.small else 0


KindRecipe = overlay("KindRecipe", Recipe, *(key for key in Recipe.model_fields if key != "seed"))


class EvaluatorKind(KindRecipe):
    """Laid over the section `evaluator` for one kind; the seeds of all members derive from one."""

    arch: str = None
    """as in `evaluator`"""
    images_per_identity: Count = None
    """robust evaluator of `synthetic_faces`: renders of each person that it learns from, in the
    place of the training images"""


class RobustKind(EvaluatorKind):
    """Laid over the section `evaluator` for the kind that learns from degraded images too."""

    untouched: number(ge=0, le=1) = None
    """share of the images that stay as they are; 0.15 without"""


class _Ensemble(Section):
    members: Annotated[int, Field(ge=3, le=100)] = 3
    """networks of each evaluator, trained apart: scores are means over them"""
    robust: RobustKind = RobustKind()
    """laid over this section for the evaluator that learns from real and degraded images (blur,
    noise, contrast, colour, cut-outs, lower resolution, JPEG, small shifts)"""
    plain: EvaluatorKind = EvaluatorKind()
    """laid over this section for the evaluator that learns from real images alone. Inception Score
    and top-1 are taken by both, all else by the robust one"""
    arch: str = "inception_resnet_v1"
    """or `resnet9` (shallow: learns more per second of a processor), or any model that timm knows
    by name"""


class EvaluatorKeys(Recipe, _Ensemble):
    """The two evaluators of a data set, each an ensemble."""


class Factors(Recipe):
    """The regressor of the factors behind rendered images."""

    epochs: Positive = 30
    batch_size: BatchSize = 64
    lr: Rate = 0.05
    dropout: number(ge=0, lt=1) = 0.1
    warmup_epochs: NotNegative = 1
    pad_crop: Natural = 0  # a shifted face would have another position
