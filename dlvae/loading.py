"""Trained models for a program: sample, encode, swap; uint8 images and arrays in and out.

    model = dlvae.load("quick/digits/ours")
    images = model.sample(["3"] * 8, seed=0)
    swapped = model.swap(images_s, images_u)

What is loaded is data alone: safetensors and JSON, each with the hash that the card names.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlvae.base import GenerativeModel
from dlvae.coding import decode_grid, encode_images
from dlvae.data.sample_sets import check_samples
from dlvae.sample import draw_images
from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import DEFINITION, load_model
from dlvae.stage.seeds import generator
from dlvae.stage.stored_files import STORED, stored_folder
from dlvae.stage.weights import CARD, check_named_hash, load_weights

STATISTICS = "statistics.safetensors"
"""The decoder's batch-norm statistics, ``<of what>/<number of the norm>.<name>``."""
OF_SAMPLES, OF_IMAGES = "samples", "images"
KEYS = ("preset", "dataset", "model", "seed", "bn_eval", "class_names")


def load(name: str | Path, root: str | Path = STORED) -> LoadedModel:
    """Load a trained model by its name, from any working folder.

    Args:
        name: ``<preset>/<data set>/<model>`` of the stored results, or the folder of such a model,
            of a download say.
        root: of the stored results.

    Raises:
        UserError: there is no such model, or its files are not those that its card names.
    """
    folder = stored_folder(str(name), "models", Path(root))
    card = read_json(folder / CARD)
    if missing := [key for key in KEYS if key not in card]:
        raise UserError(
            f"{folder / CARD}: expected the card of a stored model, found no {missing[0]}; names "
            "of stored models are <preset>/<data set>/<model>, and folders of a run have no card"
        )
    check_named_hash(folder / DEFINITION)
    return LoadedModel(load_model(folder), card, load_weights(folder / STATISTICS))


class LoadedModel:
    """A trained model that takes and gives arrays.

    Attributes:
        card: what ``card.json`` says: preset, data set, model, seed, classes, hashes.
        model: the network itself, see :class:`dlvae.base.GenerativeModel`.
    """

    def __init__(
        self, model: GenerativeModel, card: dict[str, Any], statistics: dict[str, Tensor]
    ) -> None:
        self.model, self.card, self._statistics = model, card, statistics
        model.batch_statistics = card["bn_eval"] == "batch"

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of their labels."""
        return self.card["class_names"]

    @property
    def image_size(self) -> int:
        """Side of the images in pixels."""
        return self.model.task.size

    def sample(
        self, labels: Sequence[int] | Sequence[str] | np.ndarray, seed: int | None = None
    ) -> np.ndarray:
        """Draw one image for each label.

        Args:
            labels: N classes, as numbers from 0 or by name.
            seed: of the noise; None for that of the training. Then labels in turn, as many rounds
                as the protocol samples, give the very images that were scored.

        Returns:
            uint8 (N, H, W, 3).

        Raises:
            UserError: a label that the model has not.
        """
        asked = torch.from_numpy(self.labels(labels))
        self._decode_as(OF_SAMPLES)
        parts = [self.card[key] for key in ("preset", "dataset", "model")]
        draws = generator(*parts, self.card["seed"] if seed is None else seed, "sample")
        return draw_images(self.model, asked, draws)

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Encode images: z_s, which carries the label, and the mean of q(z_u|x), all else.

        Args:
            images: uint8 (N, H, W, 3) of the model's size.

        Returns:
            z_s float32 (N, d_s) and z_u float32 (N, d_u).

        Raises:
            UserError: images of another dtype, shape or size, or a model that has no such codes.
        """
        codes = self._encode("images", images)
        return codes["z_s"].float().cpu().numpy(), codes["z_u"].float().cpu().numpy()

    def decode(self, z_s: np.ndarray, z_u: np.ndarray) -> np.ndarray:
        """Decode codes (..., d_s) and (..., d_u) to uint8 images (..., H, W, 3).

        Leading dimensions may be broadcast against each other: ``decode(z_s[:, None], z_u)`` is
        the grid of all pairs.
        """
        self._needs("decode")
        self._decode_as(OF_IMAGES)
        codes = (torch.as_tensor(np.asarray(code, np.float32)) for code in (z_s, z_u))
        return decode_grid(self.model, *codes)

    def swap(self, images_s: np.ndarray, images_u: np.ndarray) -> np.ndarray:
        """Give images the label-relevant code of some and all else of others, pair by pair.

        Args:
            images_s: uint8 (N, H, W, 3), whose z_s is taken.
            images_u: uint8 (N, H, W, 3), whose z_u is taken. One image on either side goes with
                every one of the other.

        Returns:
            uint8 (N, H, W, 3).

        Raises:
            UserError: see :meth:`encode`; also other numbers of images.
        """
        counts = len(images_s), len(images_u)
        if counts[0] != counts[1] and 1 not in counts:
            raise UserError(
                f"swap: expected as many images on both sides, or one, found {counts[0]} and "
                f"{counts[1]}; for all pairs encode both and decode(z_s[:, None], z_u)"
            )
        z_s = self._encode("images_s", images_s)["z_s"]
        z_u = self._encode("images_u", images_u)["z_u"]
        self._needs("decode")
        self._decode_as(OF_IMAGES)
        return decode_grid(self.model, z_s, z_u)

    def labels(self, asked: Sequence[int] | Sequence[str] | np.ndarray) -> np.ndarray:
        """Return labels int64 (N,) of classes by number or by name."""
        found = np.atleast_1d(np.asarray(asked))
        if found.ndim != 1 or len(found) == 0:
            raise UserError(f"labels: expected one or more in a row, found shape {found.shape}")
        if found.dtype.kind in "US":
            for name in found:
                if name not in self.classes:
                    raise UserError(
                        f"labels: unknown class '{name}': expected one of the "
                        f"{len(self.classes)} classes, {', '.join(self.classes[:5])} ..."
                        f"{nearest(name, self.classes)}"
                    )
            return np.array([self.classes.index(name) for name in found], np.int64)
        last = len(self.classes) - 1
        if found.dtype.kind not in "iu" or found.min() < 0 or found.max() > last:
            raise UserError(
                f"labels: expected integers from 0 to {last}, or names of classes, found "
                f"{found.dtype} from {found.min()} to {found.max()}"
            )
        return found.astype(np.int64)

    def _encode(self, name: str, images: np.ndarray) -> dict[str, Tensor]:
        self._needs("encode")
        images, side = np.asarray(images), self.image_size
        check_samples(images, np.zeros(images.shape[:1], np.int64), name)
        if images.shape[1:3] != (side, side):
            raise UserError(
                f"{name}: expected {side} x {side} pixels, found {images.shape[1]} x "
                f"{images.shape[2]}; resize them"
            )
        codes = encode_images(self.model, images)
        if "z_s" not in codes:
            raise UserError(f"'{self.card['model']}' has no z_s; load ours to encode and swap")
        return codes

    def _needs(self, ability: str) -> None:
        if not hasattr(self.model, ability):
            raise UserError(
                f"'{self.card['model']}' cannot {ability}: expected a model with codes z_s and "
                "z_u; load ours, or use sample alone"
            )

    def _decode_as(self, of: str) -> None:
        """Give the decoder's batch norms the statistics of samples, or those of images' codes."""
        for number, norm in enumerate(self.model.decoder_norms()):
            for name, buffer in norm.named_buffers():
                buffer.copy_(self._statistics[f"{of}/{number}.{name}"])
