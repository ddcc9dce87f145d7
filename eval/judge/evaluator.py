"""A trained evaluator, read back from its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import device
from dlvae.stage.weights import load_state, load_weights
from eval.judge.classifiers.architecture import build_network
from eval.judge.predict import Features, outputs_of
from eval.metrics.inception_score import top_class


class JudgeEnsemble(nn.Module):
    """The evaluator: classifiers that give their embeddings beside their logits.

    Attributes:
        members: M networks of one architecture, trained apart.
        image_size: side of the images in pixels.
        card: what ``card.json`` says.
    """

    def __init__(self, members: Sequence[nn.Module], image_size: int, card: dict) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.image_size = image_size
        self.card = card

    @property
    def sha256(self) -> str:
        """Content hash of the weights."""
        return self.card["weights_sha256"]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in [-1, 1] -> features (B, M * D), logits (B, M, C).

        The features are the members' embeddings before their last layers, one after the other.
        """
        features, logits = [], []
        for member in self.members:
            trunk = member.forward_features(images)
            features.append(member.forward_head(trunk, pre_logits=True))
            logits.append(member.forward_head(trunk))
        return torch.cat(features, dim=1), torch.stack(logits, dim=1)

    def predict(self, images: np.ndarray) -> Features:
        """Uint8 (N, H, W, 3) -> float32 features (N, M * D) and logits (N, M, C)."""
        return Features(*outputs_of(images, self))

    def recognise(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Uint8 (..., H, W, 3) -> float32 features (..., M * D) and the top-1 class, (...)."""
        shape = images.shape[:-3]
        features, logits = self.predict(images.reshape(-1, *images.shape[-3:]))
        return features.reshape(*shape, -1), top_class(logits).reshape(shape)


def load_evaluator(folder: str | Path) -> JudgeEnsemble:
    """Load an evaluator in evaluation mode, on CUDA where available.

    Raises:
        UserError: the folder holds no readable evaluator.
    """
    folder = Path(folder)
    card = read_json(folder / "card.json")
    try:
        settings = (card["arch"], len(card["class_names"]), card["image_size"], card["width"])
        members = [build_network(*settings) for _ in card["members"]]
    except (KeyError, TypeError, ValueError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else f"that {error}"
        raise UserError(
            f"{folder}/card.json: expected the card of an evaluator, found {found}; train its "
            "members with python -m eval.judge and join them with python -m eval.judge.join"
        ) from error
    evaluator = JudgeEnsemble(members, card["image_size"], card)
    weights = {k.replace("/", ".", 1): part for k, part in load_weights(folder / WEIGHTS).items()}
    load_state(evaluator.members, folder / WEIGHTS, weights)
    return evaluator.to(device()).eval().requires_grad_(False)


def load_judge(folder: str | Path, card: Mapping[str, Any]) -> JudgeEnsemble:
    """Load the evaluator of a data set, known by its card.

    Raises:
        UserError: the folder holds no readable evaluator, or one that was trained on other classes.
    """
    judge = load_evaluator(folder)
    if judge.card["class_names"] != card["class_names"]:
        raise UserError(
            f"{folder}: expected an evaluator trained on '{card['dataset']}', found one trained "
            f"on '{judge.card['dataset']}', which has other classes"
        )
    return judge
