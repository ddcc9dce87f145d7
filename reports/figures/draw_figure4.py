r"""Figure 4: interpolation of one code with the other fixed, (a) z_s and (b) z_u.

Usage: python -m reports.figures.draw_figure4 --panel DIR --png FILE --pdf FILE
"""

from __future__ import annotations

from matplotlib.figure import Figure

from reports.figures.forms import draw_forms
from reports.figures.panel import StoredPanel
from reports.figures.style import run


def draw(caption: str, panel: StoredPanel) -> Figure:
    """Draw the two blocks of rows, one above the other, and forms of the model side by side."""
    blocks = [
        ("(a) $z_s$ varies, $z_u$ is fixed", panel.images("a", 6)),
        ("(b) $z_u$ varies, $z_s$ is fixed", panel.images("b", 6)),
    ]
    ticks = [f"{alpha:.2f}" for alpha in panel["alphas"]]
    return draw_forms(caption, panel, blocks, r"$\alpha$", ticks)


if __name__ == "__main__":
    run("figure4", draw, __doc__)
