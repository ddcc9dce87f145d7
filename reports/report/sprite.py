"""The swap explorer's pictures: decoded tiles joined into one, small enough to be embedded."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from reports.figures.panel import StoredPanel

LIMIT = 1_100_000  # bytes of the picture; as a data URI they become a third more
QUALITIES = (95, 90, 85, 80, 70, 60, 50)  # of JPEG, where a lossless picture is larger


@dataclass(frozen=True)
class Sprite:
    """One picture of many tiles, in rows of ``across``.

    Attributes:
        content: PNG, or JPEG where that would be too large.
        kind: ``png`` or ``jpeg``.
        down: rows of tiles.
    """

    content: bytes
    kind: str
    across: int
    down: int

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode()}"

    def position(self, index: int) -> str:
        """Return the CSS background position that shows a tile."""
        row, column = divmod(index, self.across)
        across, down = (
            100 * place / max(count - 1, 1)
            for place, count in ((column, self.across), (row, self.down))
        )
        return f"{across:.5g}% {down:.5g}%"


def make_sprite(tiles: np.ndarray, limit: int = LIMIT) -> Sprite:
    """Join uint8 tiles (N, H, W, 3) into one picture of at most ``limit`` bytes.

    Where even the coarsest JPEG is larger, that one is returned. Chroma is not subsampled: in tiles
    of a multiple of 8 pixels no colour then runs into a neighbour.
    """
    across = math.isqrt(len(tiles) - 1) + 1
    down = -(-len(tiles) // across)
    height, width = tiles.shape[1:3]
    page = np.zeros((down * across, *tiles.shape[1:]), np.uint8)
    page[: len(tiles)] = tiles
    page = page.reshape(down, across, height, width, 3).swapaxes(1, 2)
    image = Image.fromarray(page.reshape(down * height, across * width, 3))
    content, kind = _encoded(image, format="PNG", optimize=True), "png"
    for quality in QUALITIES:
        if len(content) <= limit:
            break
        kind = "jpeg"
        content = _encoded(image, format="JPEG", quality=quality, subsampling=0)
    return Sprite(content, kind, across, down)


def _encoded(image: Image.Image, **how: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, **how)
    return stream.getvalue()


def explorer(panel: StoredPanel) -> dict[str, Any]:
    """Return what the page shows of a panel of the explorer.

    Tiles are those of the swaps, (rows, columns, values), then the images that the codes are of.
    """
    swaps = panel.images("grid", 6)
    rows, columns = (panel.images(f"{name}_images", 4) for name in ("row", "column"))
    made = make_sprite(np.concatenate([swaps.reshape(-1, *swaps.shape[3:]), rows, columns]))
    first, values = int(np.prod(swaps.shape[:3])), [float(value) for value in panel["values"]]
    names = {
        "z_s": _numbered(panel["row_classes"]),
        "z_u": _numbered(panel["column_classes"]),
    }
    positions = iter(made.position(first + index) for index in range(len(rows) + len(columns)))
    sources = {code: [(name, next(positions)) for name in own] for code, own in names.items()}
    coordinate, effects = panel["coordinate"], panel["effects"]
    known = {"values": values, "coordinate": coordinate, "across": made.across, "down": made.down}
    return {
        "panel": panel,
        "sprite": made,
        "sources": sources,
        "start": values.index(0.0),
        "effect": effects[coordinate],
        "median_effect": float(np.median(effects)),
        "script_data": json.dumps(known | names),
    }


def _numbered(classes: Sequence[str]) -> list[str]:
    """Return the names of source images: several may be of one class."""
    return [f"{number}: {name.replace('_', ' ')}" for number, name in enumerate(classes, 1)]
