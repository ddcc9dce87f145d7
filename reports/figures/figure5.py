"""Figure 5: three coordinates of z_u, each varied alone with z_s fixed per row.

Usage: python -m reports.figures.figure5 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from reports.figures.forms import draw_forms, fitted_note
from reports.figures.panel import Panel
from reports.figures.style import minus, run

PAGE = 6.1  # inches: nine rows of large images would leave no room for a caption on a page


def caption(panels: Sequence[Panel]) -> str:
    """Return the caption of the figure; it says how each coordinate was chosen."""
    (panel,) = panels
    low, high = (minus(f"{panel['values'][end]:g}") for end in (0, -1))
    note = fitted_note(panel["models"])
    classes = ", ".join(f"'{name}'" for name in panel["classes"])
    chosen = " They were chosen on the model as published, for both forms." if note else ""
    return (
        f"Figure 5. One coordinate of $z_u$ varied from {low} to {high} standard "
        "deviations of its prior about the prior's mean; the other coordinates of $z_u$ are one "
        f"draw shared by all rows, $z_s$ is fixed in each row. Rows are the classes {classes}."
        f"{note} {panel['selection']}{chosen} {panel.provenance()}"
    )


def draw(panels: Sequence[Panel]) -> Figure:
    """Draw one block of rows per coordinate, and forms of the model side by side."""
    (panel,) = panels
    grids = panel.images("grids", 7).swapaxes(0, 1)
    titles = [f"({'abc'[i]}) {choice_title(c)}" for i, c in enumerate(panel["choices"])]
    ticks = [minus(f"{value:+.1f}") for value in panel["values"]]
    blocks = list(zip(titles, grids, strict=True))
    return draw_forms(panel, blocks, "value", ticks, caption(panels), PAGE)


def choice_title(choice: Mapping) -> str:
    """Return the title of a block: what its coordinate was chosen for, and by which measure."""
    where = f"coordinate {choice['coordinate']} of $z_u$"
    if choice["by"] == "factor":
        found = f"Spearman {choice['spearman']:+.2f} as published"
        return minus(f"{choice['factor']}: {where}, {found}")
    return f"KL rank {choice['rank']}: {where}, {choice['kl']:.2f} nats"


if __name__ == "__main__":
    run(draw, __doc__)
