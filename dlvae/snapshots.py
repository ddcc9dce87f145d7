"""Weights that a training left on its way, in one file beside the last ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dlvae.stage.registry import SNAPSHOTS, load_weights, save_weights

if TYPE_CHECKING:
    import torch

Snapshots = dict[int, "dict[str, torch.Tensor]"]
"""Weights by the number of finished steps."""


def load_snapshots(folder: Path) -> Snapshots:
    """Return the snapshots of a saved model, in the order of their steps.

    Raises:
        UserError: the file is missing or cannot be read.
    """
    found: Snapshots = {}
    for key, tensor in load_weights(folder / SNAPSHOTS).items():
        step, _, name = key.partition("/")
        found.setdefault(int(step), {})[name] = tensor
    return dict(sorted(found.items()))


def save_snapshots(folder: Path, snapshots: Snapshots) -> None:
    """Save what :func:`load_snapshots` reads."""
    states = snapshots.items()
    flat = {f"{step}/{name}": tensor for step, state in states for name, tensor in state.items()}
    save_weights(folder / SNAPSHOTS, flat)
