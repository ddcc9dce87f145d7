"""A column of a table. The workflow reads columns, so nothing here waits for pandas."""

from __future__ import annotations

from dataclasses import dataclass

IMAGES = "images"


@dataclass(frozen=True)
class Column:
    """A printed metric: its name in the score rows, its heading, and how numbers are written.

    ``of`` is what its ``n`` counts, empty for what nothing is counted of. A text that starts with
    ``IMAGES`` means those of the row, generated or real. With ``dash`` a dash stands for a value
    that there is not, in the place of the reason. Without ``interval`` none is printed.
    """

    metric: str
    title: str
    digits: int = 2
    percent: bool = False
    of: str = IMAGES
    dash: bool = False
    interval: bool = True

    def number(self, value: float, sign: str = "") -> str:
        """Return a value as printed, without its unit; ``sign`` as in a format, ``+`` or none."""
        return f"{100 * value if self.percent else value:{sign},.{self.digits}f}"
