"""Training curves: every loss of every training against its updates, as the run logs have them.

Usage: python -m reports.figures.draw_training_curves --logs FILE ... --preset NAME --png FILE
    --pdf FILE

A run log is ``.../<data set>/<model>/seed<k>.jsonl``, see :class:`dlvae.stage.progress.RunLog`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from dlvae.stage.runtime import run_stage
from reports.figures.style import (
    CAPTION,
    LABEL,
    MUTED,
    TITLE,
    WIDTH,
    Canvas,
    compact,
    draw_legend,
    figure_parser,
    model_colours,
    open_frame,
    render,
)
from reports.names import dataset_title, in_paper_order, model_title
from reports.text import render_block

SEMI = "_semi"  # ending of the name of a model that went through the semi-supervised stage
# What an entry holds beside the losses.
OTHER_KEYS = ("time", "step", "total", "images", "images_per_second")
# What the losses are, in the order of their frames; others follow under their own names.
LOSSES = {
    "rec": "reconstruction",
    "kl": "KL of z_u or z, Eq. 3",
    "cls": "class of z_s, Eq. 8",
    "lkd_gm": "likelihood in stage 1, Eq. 7",
    "lkd": "likelihood in stage 2, Eq. 7",
    "adv_classifier": "class of z_u, Eq. 4",
    "adv_encoder": "against it, Eq. 5",
    "adv_discriminator": "discriminator, Eq. 10",
    "adv_decoder": "decoder against it",
    "clamp_share": "Sigma_c at its bound",
}
COLUMNS = 5
LEFT, RIGHT, GAP = 0.34, 0.08, 0.38  # inches beside and between frames
BLOCK_TITLE, FRAME_TITLE, ROW, TICKS, AXIS = 0.24, 0.30, 0.82, 0.20, 0.16
LEGEND, LEGEND_COLUMNS = 0.17, 6  # inches per line of the legend
LOG_SPAN = 30.0  # a loss that is positive and spans as much is drawn on a log scale
ALONE, AMONG = {"linewidth": 1.2}, {"linewidth": 0.7, "alpha": 0.8}

Log = tuple[str, str, int, pd.DataFrame]
"""Data set, model, seed, and the entries of a run log: a row per entry, ascending in ``step``."""


def read_logs(paths: Sequence[str | Path]) -> tuple[list[Log], list[str]]:
    """Return the run logs that there are, and the names of the trainings without one."""
    found, missing = [], []
    for path in map(Path, paths):
        dataset, model, seed = *path.parts[-3:-1], path.stem.removeprefix("seed")
        entries = read_log(path)
        if entries.empty:
            missing.append(f"{model_title(model)} on {dataset_title(dataset)}, seed {seed}")
        else:
            found.append((dataset, model, int(seed), entries))
    return found, missing


def read_log(path: Path) -> pd.DataFrame:
    """Return the entries of a run log, of a step that was run twice the later one.

    A training that was killed while it wrote leaves half a line, which is left out.
    """
    entries = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        entries[entry["step"]] = entry
    return pd.DataFrame([entries[step] for step in sorted(entries)])


def draw(caption: str, logs: Sequence[Log]) -> Figure:
    """Draw a block per data set, and of the semi-supervised stage, with a frame per loss."""
    models = in_paper_order(model.removesuffix(SEMI) for _, model, _, _ in logs)
    colours = model_colours(models)
    top = 0.1 + LEGEND * -(-len(colours) // LEGEND_COLUMNS) + 0.04
    blocks = _blocks(logs)
    losses = {block: _losses(entries for *_, entries in own) for block, own in blocks.items()}
    rows = {block: -(-len(names) // COLUMNS) for block, names in losses.items()}
    row = FRAME_TITLE + ROW + TICKS
    heights = sum(BLOCK_TITLE + count * row + AXIS for count in rows.values())
    canvas = Canvas(top + max(heights, 0.3), caption)
    if not blocks:
        canvas.text(WIDTH / 2, top + 0.1, "no run logs", size=TITLE)
        return canvas.figure
    lines = [Line2D([], [], color=c, label=model_title(n), **ALONE) for n, c in colours.items()]
    draw_legend(canvas, lines, LEGEND_COLUMNS)
    width = (WIDTH - LEFT - RIGHT - (COLUMNS - 1) * GAP) / COLUMNS
    for (dataset, semi), own in blocks.items():
        title = dataset_title(dataset) + (", semi-supervised stage" if semi else "")
        canvas.text(0.08, top + 0.12, title, size=TITLE, ha="left")
        top += BLOCK_TITLE
        for index, name in enumerate(losses[dataset, semi]):
            line, column = divmod(index, COLUMNS)
            left, upper = LEFT + column * (width + GAP), top + line * row + FRAME_TITLE
            canvas.text(left + width / 2, upper - 0.20, name)
            note = LOSSES.get(name, "")
            canvas.text(left + width / 2, upper - 0.08, note, size=CAPTION - 0.8, color=MUTED)
            _curves(canvas.axes(left, upper, width, ROW), own, name, colours)
        top += rows[dataset, semi] * row
        canvas.text(WIDTH / 2, top + 0.04, "updates", size=CAPTION, color=MUTED)
        top += AXIS
    return canvas.figure


def _blocks(logs: Sequence[Log]) -> dict[tuple[str, bool], list[Log]]:
    """Return the logs by data set and whether they are of the semi-supervised stage."""
    blocks: dict[tuple[str, bool], list[Log]] = {}
    for log in logs:
        blocks.setdefault((log[0], log[1].endswith(SEMI)), []).append(log)
    return blocks


def _losses(logs) -> list[str]:
    """Return the losses that any of the logs has, in the order of `LOSSES`."""
    every = dict.fromkeys(name for entries in logs for name in entries if name not in OTHER_KEYS)
    return [*(name for name in LOSSES if name in every), *(n for n in every if n not in LOSSES)]


def _curves(axes: Axes, logs: Sequence[Log], name: str, colours: Mapping[str, str]) -> None:
    seeds = {model: [m for _, m, _, _ in logs].count(model) for _, model, _, _ in logs}
    values = []
    for _, model, _, entries in logs:
        if name not in entries:
            continue
        known = entries[entries[name].notna()]
        style = ALONE if seeds[model] == 1 else AMONG
        marker = "." if len(known) < 4 else None  # a line of a point or two is none
        colour = colours[model.removesuffix(SEMI)]
        axes.plot(known["step"], known[name], color=colour, marker=marker, markersize=3, **style)
        values.append(known[name].to_numpy())
    low, high = (f(np.concatenate(values)) for f in (np.min, np.max))
    if low > 0 and high / low >= LOG_SPAN:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=4))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.set_xlim(0, 1.02 * max(entries["total"].iloc[-1] for *_, entries in logs))
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], integer=True))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: compact(value).replace("-", "\N{MINUS SIGN}"))
    open_frame(axes)
    axes.tick_params(labelsize=LABEL - 1.5)


def caption(logs: Sequence[Log], missing: Sequence[str], preset: str) -> str:
    """Return the caption of the figure."""
    late = any(entries["step"].iloc[0] > 1 for *_, entries in logs)
    seeds = sorted({seed for _, _, seed, _ in logs})
    known = {"seeds": seeds, "preset": preset, "missing": missing, "late": late}
    return render_block("figures.md.j2", "training_curves", **known)


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    logs, missing = read_logs(args.logs)
    text = caption(logs, missing, args.preset)
    render(lambda: draw(text, logs), args.png, args.pdf)


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = figure_parser(__doc__)
    parser.add_argument("--logs", nargs="+", required=True, help="run logs, those missing included")
    parser.add_argument("--preset", required=True, help="name of the preset, for the caption")
    return parser


if __name__ == "__main__":
    run_stage(main, command())
