"""What the panels share: what a panel is, the models that it shows, and choices of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.data.dataset import load_card
from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import DEFINITION
from eval.models.decoding import evenly_spaced, model_files, model_hash, ready_model
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


def model_folders(request: PanelRequest) -> dict[str, Path]:
    """Return the folders of the input ``models``, in the order in which models are drawn."""
    if not request.has("models"):
        raise UserError(
            f"{request.name}: expected the input 'models', found {sorted(request.inputs)}"
        )
    return {name: Path(folder) for name, folder in request.inputs["models"].items()}


def registered_name(folder: Path) -> str:
    """Return the name that a saved model was trained by.

    A model with fitted priors has the name of the model as published, so that draws by this name
    are the same for both.
    """
    return read_json(folder / DEFINITION)["model"]


@dataclass(frozen=True)
class Forms:
    """A model as published and, where the preset has it, with its priors fitted.

    Attributes:
        models: made ready, by the names of the input ``models``, as published first.
        files: the files that define them, for the manifest.
        hashes: short content hashes of their weights.
    """

    models: dict[str, GenerativeModel]
    files: dict[str, Path]
    hashes: dict[str, str]

    @property
    def published(self) -> GenerativeModel:
        """The model as published, by which anything is chosen that all forms show."""
        return next(iter(self.models.values()))


def ready_forms(request: PanelRequest, ability: str) -> Forms:
    """Load the forms of a model and check that it has an optional ability, ``decode`` or so."""
    folders, models, files = model_folders(request), {}, {}
    for name, folder in folders.items():
        models[name] = ready_model(request, folder, registered_name(folder), needs=(ability,))
        files |= model_files(name, folder)
    return Forms(models, files, {name: model_hash(folder) for name, folder in folders.items()})


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
