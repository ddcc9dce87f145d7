"""The evaluator as torch-fidelity's registered feature extractor, and scores of its features.

torch-fidelity caches features under the *names* of input and extractor, so that a retrained
evaluator would get the features of its predecessor. Only its uncached functions are called here,
and the evaluator reaches the extractor as an argument of the call, not by name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch_fidelity
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY
from torch_fidelity.utils import create_feature_extractor, extract_featuresdict_from_input_id

from dlvae.data.batches import to_model_range
from dlvae.errors import UserError
from eval.predict import BATCH, check_images

EXTRACTOR = "evaluator"
LAYERS = ("features", "logits")


@dataclass(frozen=True)
class Features:
    """What the evaluator says of images, in their order.

    Attributes:
        features: float32 (N, D), the embedding before the last layer.
        logits: float32 (N, C).
    """

    features: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class InceptionResult:
    """Inception Score of a set of images.

    Attributes:
        score: exp(E_x KL(p(y|x) || p(y))), the mean over splits.
        spread: standard deviation over splits; 0 for one split.
    """

    score: float
    spread: float


class EvaluatorExtractor(torch_fidelity.FeatureExtractorBase):
    """Feature extractor of torch-fidelity: uint8 (B, 3, H, W) -> features and logits.

    Args:
        evaluator: module that maps float (B, 3, H, W) in [-1, 1] to (features, logits).
    """

    def __init__(
        self, name: str, features_list: list[str], evaluator: nn.Module, **_: object
    ) -> None:
        super().__init__(name, features_list)
        self.evaluator = evaluator

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
        return tuple(layers[name] for name in self.features_list)


class UintImages(Dataset):
    """uint8 (N, H, W, 3) as torch-fidelity reads it: one uint8 (3, H, W) tensor per image."""

    def __init__(self, images: np.ndarray) -> None:
        self._images = torch.from_numpy(np.ascontiguousarray(images))

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        return self._images[index].permute(2, 0, 1)


def extract(images: np.ndarray, evaluator: nn.Module, batch_size: int = BATCH) -> Features:
    """Features and logits of uint8 (N, H, W, 3) images under an evaluator in evaluation mode.

    Args:
        evaluator: maps float (B, 3, H, W) in [-1, 1] to (features, logits); the images must have
            its ``image_size``, where it has one. Its gradients are switched off.

    Raises:
        UserError: images of a wrong dtype, shape or size, or logits that are not finite.
    """
    check_images(images, getattr(evaluator, "image_size", None))
    if EXTRACTOR not in FEATURE_EXTRACTORS_REGISTRY:
        torch_fidelity.register_feature_extractor(EXTRACTOR, EvaluatorExtractor)
    cuda = next(iter(evaluator.parameters()), torch.empty(0)).is_cuda
    extractor = create_feature_extractor(
        EXTRACTOR, list(LAYERS), cuda=cuda, verbose=False, evaluator=evaluator
    )
    found = extract_featuresdict_from_input_id(
        1,
        extractor,
        input1=UintImages(images),
        batch_size=batch_size,
        cuda=cuda,
        save_cpu_ram=True,  # no loader processes: the images are in memory already
        verbose=False,
    )
    arrays = Features(*(found[name].numpy() for name in LAYERS))
    if not np.isfinite(arrays.logits).all() or not np.isfinite(arrays.features).all():
        raise UserError(
            "the evaluator's output is not finite; train it again with a smaller learning rate"
        )
    return arrays


def inception_of_logits(logits: np.ndarray, splits: int = 1) -> InceptionResult:
    """Inception Score of images from the evaluator's logits (N, C).

    Args:
        splits: parts that are scored apart and averaged (1 = the paper's protocol).

    Raises:
        UserError: more splits than images.
    """
    if not 1 <= splits <= len(logits):
        raise UserError(f"splits: expected 1 to {len(logits)} (the images), found {splits}")
    found = isc_features_to_metric(torch.from_numpy(np.ascontiguousarray(logits)), splits)
    return InceptionResult(
        found[torch_fidelity.KEY_METRIC_ISC_MEAN], found[torch_fidelity.KEY_METRIC_ISC_STD]
    )


def label_fidelity(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose top-1 class is the class asked for.

    Args:
        logits: (N, C), as in :class:`Features`.
        labels: int (N,) in 0..C-1.
    """
    if labels.shape != (len(logits),):
        raise UserError(f"expected {len(logits)} labels, found shape {labels.shape}")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise UserError(
            f"labels out of range: expected 0 to {logits.shape[1] - 1} (the evaluator's classes), "
            f"found {labels.min()} to {labels.max()}"
        )
    return float(np.mean(logits.argmax(axis=1) == labels))
