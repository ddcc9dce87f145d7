"""What the figures share: typography, layout in inches, image grids, saving, the command line."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlvae.stage.artefact import atomic
from dlvae.stage.runtime import run_stage, stage_parser
from reports.figures.panel import caption, load_panel
from reports.names import as_published

WIDTH = 7.0  # inches: the text width of a two-column page
MARGIN = 0.08
DPI = 300
INK, MUTED = "#1a1a1a", "#5c5c5c"
TITLE, LABEL, CAPTION = 8.5, 7.5, 6.8  # points
CAPTION_LINE = 0.128  # inches
CAPTION_CHARACTERS = 140  # per line of WIDTH at the size CAPTION
# Okabe and Ito's colours, told apart by readers with any kind of colour vision.
COLOURS = {"cvae": "#0072b2", "cgan": "#e69f00", "cvae_gan": "#009e73", "ours": "#d55e00"}
MORE_COLOURS = ("#cc79a7", "#56b4e9", "#1a1a1a", "#f0e442")

# Applied around drawing and saving alone, so that importing this module changes nothing.
RC = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": CAPTION,
    "ytick.labelsize": CAPTION,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "pdf.fonttype": 42,
}


class Canvas:
    """A white page laid out in inches from its top left corner.

    Fixed positions instead of an automatic layout: image grids then have exactly the cell size
    asked for, and the same panel gives the same bytes.
    """

    def __init__(self, height: float, caption: str, width: float = WIDTH) -> None:
        lines = textwrap.wrap(
            caption, int(CAPTION_CHARACTERS * width / WIDTH), break_on_hyphens=False
        )
        self.width = width
        self.height = height + 0.12 + CAPTION_LINE * len(lines) + MARGIN
        self.figure = Figure(figsize=(self.width, self.height), facecolor="white")
        for index, line in enumerate(lines):
            y = height + 0.12 + CAPTION_LINE * index
            self.text(MARGIN, y, line, size=CAPTION, color=MUTED, ha="left", va="top")

    def text(self, x: float, y: float, text: str, **style) -> None:
        """Write text at (x, y); centred unless ``ha`` and ``va`` say otherwise."""
        style = {"size": LABEL, "ha": "center", "va": "center"} | style
        self.figure.text(x / self.width, 1 - y / self.height, text, **style)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return new axes whose top left corner is at (left, top)."""
        across, down = self.width, self.height
        place = (left / across, 1 - (top + height) / down, width / across, height / down)
        return self.figure.add_axes(place)

    def grid(self, images: np.ndarray, left: float, top: float, cell: float) -> tuple[float, float]:
        """Draw images uint8 (rows, columns, H, W, 3) as one grid; return its width and height.

        Pixels are enlarged without smoothing, so a small image shows what was generated.
        """
        rows, columns, side = images.shape[:3]
        width, height = grid_length(columns, side, cell), grid_length(rows, side, cell)
        axes = self.axes(left, top, width, height)
        axes.set_axis_off()
        axes.imshow(montage(images), interpolation="nearest", aspect="auto")
        return width, height


def grid_gap(side: int) -> int:
    """Return the white gap between the images of a grid, in image pixels."""
    return max(1, side // 16)


def grid_length(count: int, side: int, cell: float) -> float:
    """Return the inches that ``count`` cells of ``cell`` inches and ``side`` pixels take."""
    return cell * (count + (count - 1) * grid_gap(side) / side)


def fit_cell(length: float, count: int, side: int) -> float:
    """Return the cell size in inches at which ``count`` cells fill ``length``."""
    return length / grid_length(count, side, 1.0)


def shorten(text: str, length: float, size: float) -> str:
    """Cut ``text`` with an ellipsis so that it takes at most ``length`` inches at ``size`` pt."""
    fits = max(2, int(length * 72 / (0.58 * size)))  # 0.58 em: mean width of a character
    return text if len(text) <= fits else text[: fits - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def model_colours(models: Iterable[str]) -> dict[str, str]:
    """Return a colour for every model, which its fitted form shares."""
    names, others = dict.fromkeys(map(as_published, models)), cycle(MORE_COLOURS)
    return {name: COLOURS.get(name) or next(others) for name in names}


def draw_legend(canvas: Canvas, handles: Sequence[Artist], columns: int) -> None:
    """Draw a legend along the top of a page."""
    canvas.figure.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 1 - 0.02 / canvas.height),
        ncols=columns,
        fontsize=LABEL,
        frameon=False,
        handlelength=2.4,
        columnspacing=1.4,
        labelspacing=0.35,
    )


def open_frame(axes: Axes) -> None:
    """Give the axes of curves a faint grid, and lines below and at the left alone."""
    axes.tick_params(pad=1.5)
    axes.grid(color="#e8e8e8", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def compact(value: float) -> str:
    """Return a number as an axis has room for it: 3000 as 3k."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:.4g}"


def montage(images: np.ndarray) -> np.ndarray:
    """Join uint8 images (rows, columns, H, W, 3) into one picture with white gaps."""
    rows, columns, height, width, channels = images.shape
    gap = grid_gap(height)
    page = np.full((rows, height + gap, columns, width + gap, channels), 255, np.uint8)
    page[:, :height, :, :width] = images.transpose(0, 2, 1, 3, 4)
    joined = page.reshape(rows * (height + gap), columns * (width + gap), channels)
    return joined[:-gap, :-gap]


def render(draw: Callable[[], Figure], png: str | Path, pdf: str | Path | None = None) -> None:
    """Draw in the shared style and save; equal figures give equal bytes (no dates, no versions)."""
    kinds = {"png": (png, {"Software": None})}
    if pdf is not None:
        kinds["pdf"] = (pdf, {"Creator": None, "Producer": None, "CreationDate": None})
    with matplotlib.rc_context(RC):
        figure = draw()
        for kind, (place, metadata) in kinds.items():
            with atomic(place) as path:
                figure.savefig(path, format=kind, dpi=DPI, metadata=metadata)


def run(figure: str, draw: Callable[..., Figure], doc: str | None) -> None:
    """Run a figure's command line: panels in, PNG and PDF out."""
    parser = figure_parser(doc)
    parser.add_argument("--panel", nargs="+", required=True, help="panel folder(s)")

    def main(args: argparse.Namespace) -> None:
        panels = [load_panel(folder) for folder in args.panel]
        render(lambda: draw(caption(figure, panels), *panels), args.png, args.pdf)

    run_stage(main, parser)


def figure_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a stage's parser with ``--png`` and ``--pdf``."""
    parser = stage_parser(doc)
    parser.add_argument("--png", required=True, help="PNG to write")
    parser.add_argument("--pdf", required=True, help="PDF to write")
    return parser
