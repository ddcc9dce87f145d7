"""What the panels share: what a panel is, and choices of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlvae.data.dataset import load_card
from dlvae.errors import UserError, nearest
from eval.decoding import evenly_spaced
from eval.request import Request


@dataclass
class Panel:
    """What a panel function returns.

    Attributes:
        arrays: content of ``panel.npz``; image arrays are uint8 and end in (H, W, 3).
        meta: content of ``panel.json``: codes, choices, how anything was selected.
        files: input files by name, for the manifest.
    """

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]
    files: dict[str, Path] = field(default_factory=dict)


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


def class_names(request: PanelRequest, count: int) -> list[str]:
    """Return the class names of the labelled set, or numbers where the input ``data`` is absent."""
    if not request.inputs.get("data"):
        return [f"class {label}" for label in range(count)]
    return [str(name) for name in load_card(request.path("data"))["class_names"]]


def choose_classes(classes: Sequence[str], asked: Sequence[str] | None, count: int) -> np.ndarray:
    """Return the labels of the classes asked for by name, or ``count`` evenly spaced ones."""
    names = [str(name) for name in classes]
    if not asked:
        return evenly_spaced(len(names), count)
    for name in map(str, asked):
        if name not in names:
            raise UserError(
                f"unknown class '{name}': the data set has {len(names)} classes, among them "
                f"{', '.join(names[:5])}.{nearest(name, names)}"
            )
    return np.array([names.index(str(name)) for name in asked])
