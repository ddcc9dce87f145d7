"""Scores by torch-fidelity, with our evaluator as the registered feature extractor.

torch-fidelity caches features under the *names* of input and extractor, so that a retrained
evaluator would get the features of its predecessor. The cache is therefore off, and inputs carry
no cache name. The evaluator reaches the extractor as an argument of the call, not by name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch_fidelity
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from dlvae.data.batches import to_model_range
from dlvae.errors import UserError
from eval.predict import BATCH, check_images

EXTRACTOR = "evaluator"
LAYERS = ("features", "logits")


@dataclass(frozen=True)
class InceptionResult:
    """Inception Score of a set of images.

    Attributes:
        score: exp(E_x KL(p(y|x) || p(y))), the mean over splits.
        spread: standard deviation over splits; 0 for one split.
        logits: float32 (N, C), of the same pass and in the order of the images.
    """

    score: float
    spread: float
    logits: np.ndarray


class EvaluatorExtractor(torch_fidelity.FeatureExtractorBase):
    """Feature extractor of torch-fidelity: uint8 (B, 3, H, W) -> features and logits.

    Args:
        evaluator: module that maps float (B, 3, H, W) in [-1, 1] to (features, logits).
        seen: list that the logits of every batch are appended to.
    """

    def __init__(
        self,
        name: str,
        features_list: list[str],
        evaluator: nn.Module,
        seen: list[Tensor],
        **_: object,
    ) -> None:
        super().__init__(name, features_list)
        self.evaluator = evaluator
        self.seen = seen

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        """Layers that a metric may ask for."""
        return LAYERS

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        """Logits for the Inception Score, the embedding for everything else."""
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled() -> bool:
        """Never: compiled kernels need not give the same bits."""
        return False

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Uint8 (B, 3, H, W) -> the requested layers, in the order asked for."""
        values = to_model_range(images.permute(0, 2, 3, 1))
        features, logits = self.evaluator(values.contiguous(memory_format=torch.channels_last))
        layers = {"features": features.float(), "logits": logits.float()}
        self.seen.append(layers["logits"].cpu())
        return tuple(layers[name] for name in self.features_list)


class _Images(Dataset):
    """uint8 (N, H, W, 3) as torch-fidelity reads it: one uint8 (3, H, W) tensor per image."""

    def __init__(self, images: np.ndarray) -> None:
        self._images = torch.from_numpy(np.ascontiguousarray(images))

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        return self._images[index].permute(2, 0, 1)


def score_inception(
    images: np.ndarray, evaluator: nn.Module, splits: int = 1, batch_size: int = BATCH
) -> InceptionResult:
    """Inception Score of uint8 (N, H, W, 3) images under an evaluator in evaluation mode.

    Args:
        evaluator: maps float (B, 3, H, W) in [-1, 1] to (features, logits); the images must have
            its ``image_size``, where it has one. Its gradients are switched off.
        splits: parts that are scored apart and averaged (1 = the paper's protocol).

    Raises:
        UserError: images of a wrong dtype, shape or size, or logits that are not finite.
    """
    check_images(images, getattr(evaluator, "image_size", None))
    if not 1 <= splits <= len(images):
        raise UserError(f"splits: expected 1 to {len(images)} (the images), found {splits}")
    if EXTRACTOR not in FEATURE_EXTRACTORS_REGISTRY:
        torch_fidelity.register_feature_extractor(EXTRACTOR, EvaluatorExtractor)
    seen: list[Tensor] = []
    where = next(iter(evaluator.parameters()), torch.empty(0)).device
    metrics = torch_fidelity.calculate_metrics(
        input1=_Images(images),
        isc=True,
        isc_splits=splits,
        feature_extractor=EXTRACTOR,
        evaluator=evaluator,
        seen=seen,
        batch_size=batch_size,
        cuda=where.type == "cuda",
        cache=False,
        save_cpu_ram=True,  # no loader processes: the images are in memory already
        verbose=False,
    )
    logits = torch.cat(seen).numpy()
    score = metrics[torch_fidelity.KEY_METRIC_ISC_MEAN]
    if not np.isfinite(logits).all() or not np.isfinite(score):
        raise UserError(
            "the evaluator's logits are not finite; train it again with a smaller learning rate"
        )
    return InceptionResult(score, metrics[torch_fidelity.KEY_METRIC_ISC_STD], logits)
