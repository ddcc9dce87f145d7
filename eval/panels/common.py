"""What the panels share: what a panel is, the models that it shows, and choices of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import weights_hash
from eval.models.decoding import evenly_spaced, ready_model
from eval.models.snapshots import trained_name
from eval.request import Request, model_files
from eval.rows import HASH


@dataclass
class Panel:
    """What a panel function returns.

    Attributes:
        arrays: content of ``panel.npz``; image arrays are uint8 and end in (H, W, 3).
        meta: content of ``panel.json``: codes, choices, how anything was selected, and the hashes
            of ``models``.
        files: input files by name, those of ``models`` included, for the manifest.
        models: folders of the models that were run, by name.
    """

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]
    files: dict[str, Path]
    models: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.models:
            hashes = {name: weights_hash(folder)[:HASH] for name, folder in self.models.items()}
            self.meta = self.meta | {"model_hashes": hashes}
        for name, folder in self.models.items():
            self.files = self.files | model_files(name, folder)


@dataclass(frozen=True)
class PanelRequest(Request):
    """A panel; ``config`` also holds ``figure``, the figure's own section."""

    stage: ClassVar[str] = "panels"
    context: ClassVar[tuple[str, ...]] = ("preset", "dataset", "seed")
    required: ClassVar[tuple[str, ...]] = ("bn_eval",)

    @property
    def bn_eval(self) -> str:
        """Rule for the decoder's batch norms."""
        return self.config["bn_eval"]

    @property
    def section(self) -> dict[str, Any]:
        """The figure's own keys."""
        return self.config.get("figure") or {}

    @property
    def data(self) -> Path:
        """Folder of the prepared data set."""
        return self.path("data")


def ready_forms(request: PanelRequest, ability: str) -> dict[str, GenerativeModel]:
    """Load a model as published, first, and with its priors fitted, where the preset has that.

    The first is the one by which anything is chosen that all forms show.

    Args:
        ability: an optional one that the model must have, ``decode`` or so.
    """
    folders = request.paths("models").items()
    return {n: ready_model(request, f, trained_name(f), needs=(ability,)) for n, f in folders}


def choose_classes(classes: Sequence[str], asked: Sequence[str] | None, count: int) -> np.ndarray:
    """Return the labels of the classes asked for by name, or ``count`` evenly spaced ones."""
    names, asked = list(map(str, classes)), list(map(str, asked or ()))
    if not asked:
        return evenly_spaced(len(names), count)
    for name in asked:
        if name not in names:
            raise UserError(
                f"unknown class '{name}': the data set has {len(names)} classes, among them "
                f"{', '.join(names[:5])}.{nearest(name, names)}"
            )
    return np.array([names.index(name) for name in asked])
