r"""Figure 4: interpolation of one code with the other fixed, (a) z_s and (b) z_u.

Usage: python -m reports.figures.figure4 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures.forms import draw_forms, fitted_note
from reports.figures.panel import Panel
from reports.figures.style import run


def caption(panels: Sequence[Panel]) -> str:
    """Return the caption of the figure."""
    (panel,) = panels
    classes = ", ".join(f"'{name}'" for name in panel["classes"])
    return (
        "Figure 4. Varying one code of ours with the other fixed. (a) $z_s$ moves between two "
        "draws of its class, $z_u$ is fixed and the same in all rows; each column has the same "
        "random code. (b) $z_u$ moves between two draws, $z_s$ is fixed in each row; each column "
        f"has the same $z_u$. Rows are the classes {classes}.{fitted_note(panel['models'])} "
        f"{panel['selection']} {panel.provenance()}"
    )


def draw(panels: Sequence[Panel]) -> Figure:
    """Draw the two blocks of rows, one above the other, and forms of the model side by side."""
    (panel,) = panels
    blocks = [
        ("(a) $z_s$ varies, $z_u$ is fixed", panel.images("a", 6)),
        ("(b) $z_u$ varies, $z_s$ is fixed", panel.images("b", 6)),
    ]
    ticks = [f"{alpha:.2f}" for alpha in panel["alphas"]]
    return draw_forms(panel, blocks, r"$\alpha$", ticks, caption(panels))


if __name__ == "__main__":
    run(draw, __doc__)
