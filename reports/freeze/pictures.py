"""Pictures of stored results: figures whose images may be published, and the panels behind them.

``figures/<figure>.png`` follows from ``panels/<figure>/<data set>/``, the decoded images and the
choices that the run made, as a page follows from rows: :func:`draw_stored` draws it again. The
learning curves show no image, so they have no panel; they follow from the CSV of their page.
Another matplotlib may place a pixel differently, so that the bytes of a picture are held by its
hash alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from reports.freeze.stored import Finding, Part, Stored

CURVES = "learning_curves"
"""The figure that is drawn from a page, that of its name, and shows no data set's images."""
PANEL_FILES = ("panel.npz", "panel.json")


def picture_of(figure: str) -> str:
    """Return the file of a figure."""
    return f"{Part.FIGURES}/{figure}.png"


def panels_of(figures: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the folders of the panels of figures; see :func:`files_of`."""
    return [f"{Part.PANELS}/{figure}/{name}" for figure in figures for name in figures[figure]]


def files_of(figures: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the files of figures, of each its picture and its panels.

    Args:
        figures: data sets that each shows, in their order.
    """
    pictures = [picture_of(figure) for figure in figures]
    return pictures + [f"{panel}/{file}" for panel in panels_of(figures) for file in PANEL_FILES]


def draw_stored(folder: Path, figure: str, datasets: Sequence[str], png: Path) -> None:
    """Draw a figure from its stored panels, the learning curves from their page.

    Args:
        folder: of the stored results.
        png: picture to write.

    Raises:
        UserError: a panel or the page is missing or malformed.
    """
    # Here, for the workflow's plan reads this module for the names of files and draws nothing.
    from reports.figures.panel import caption, load_panel
    from reports.figures.style import render

    module = import_module(f"reports.figures.draw_{figure}")
    if figure == CURVES:
        render(lambda: module.draw(module.read_curves(folder / f"{figure}.csv")), png)
        return
    panels = [load_panel(folder / Part.PANELS / figure / name) for name in datasets]
    render(lambda: module.draw(caption(figure, panels), *panels), png)


def pictures(stored: Stored) -> Iterator[Finding]:
    """Look for pictures without a panel and panels without a picture.

    A picture without a panel shows what nobody can check. What panels were decoded by is held
    against the manifests with all others, see :mod:`reports.freeze.checks`.
    """
    named = {name for name in stored.index["files"] if name.startswith(f"{Part.FIGURES}/")}
    panels = {name for name in stored.index["files"] if name.startswith(f"{Part.PANELS}/")}
    for file in sorted((named | panels) ^ {*files_of(stored.figures)}):
        known = file in named | panels
        said = f"expected a figure of {Part.PAGES} that it belongs to" if known else "expected it"
        yield stored.finding(file, f"{said}, found none")
