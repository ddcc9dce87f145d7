"""A stored panel, the decoded images of one figure and the choices behind them; its caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlvae.stage.artefact import load_npz, read_json
from dlvae.stage.errors import UserError
from reports.names import as_published, in_paper_order
from reports.text import render_block


@dataclass(frozen=True)
class StoredPanel:
    """``panel.npz`` and ``panel.json`` of one figure and one data set."""

    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, object]
    path: str = ""

    def images(self, name: str, dims: int) -> np.ndarray:
        """Return a uint8 image array of ``dims`` dimensions that ends in (H, W, 3)."""
        array = self.array(name)
        if array.dtype != np.uint8 or array.ndim != dims or array.shape[-1] != 3:
            raise UserError(
                f"{self.path}: expected '{name}' to be uint8 with {dims} dimensions ending in 3 "
                f"channels, found {array.dtype} {array.shape}"
            )
        return array

    def array(self, name: str) -> np.ndarray:
        """Return an array by name."""
        if name not in self.arrays:
            raise UserError(f"{self.path}: expected array '{name}', found {sorted(self.arrays)}")
        return self.arrays[name]

    def __getitem__(self, key: str):
        if key not in self.meta:
            raise UserError(f"{self.path}: expected key '{key}' in panel.json")
        return self.meta[key]


def load_panel(folder: str | Path) -> StoredPanel:
    """Load a panel folder written by ``python -m eval.panels``."""
    folder = Path(folder)
    arrays, meta = load_npz(folder / "panel.npz"), read_json(folder / "panel.json")
    return StoredPanel(arrays, meta, str(folder / "panel.npz"))


def caption(figure: str, panels: Sequence[StoredPanel]) -> str:
    """Return the caption of a figure, a block of ``figures.md.j2``."""
    names = [name for p in panels for key in ("models", "titles") for name in p.meta.get(key, ())]
    published = dict.fromkeys(map(as_published, names))
    return render_block(
        "figures.md.j2",
        figure,
        panel=panels[0],
        panels=panels,
        models=in_paper_order(published),
        fitted=any(name != as_published(name) for name in names),
        minus=minus,
    )


def minus(text: str) -> str:
    """Return ``text`` with typographic minus signs instead of hyphens."""
    return text.replace("-", "\N{MINUS SIGN}")
