"""What is known of one photo: where it lies, the face that was taken, or why none was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

REASONS = {
    "link": "links that lead out of the folder of photos, or to nothing",
    "unreadable": "cannot be read as an image",
    "too_large": "too large to be decoded safely",
    "no_face": "no face was found",
    "several_faces": "a second face is too large to be sure whose photo it is",
    "too_small": "the face would have to be enlarged",
    "outside": "too much of the aligned face lies outside the photo",
    "repeat": "the same picture as another one of the identity, which shows the face larger",
    "two_people": "the same picture under two identities",
    "few": "of an identity with too few faces",
}
"""Why photos are dropped, in the order in which it is looked for."""


class Dropped(Exception):
    """A photo gives no face: one of `REASONS`, and what exactly was found."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass
class Photo:
    """One photo. Kept photos have `split`, dropped ones `reason`; until then both are empty.

    `box` (x, y, width, height) and `width`, `height` are in pixels of the upright photo, `scale` is
    aligned pixels per pixel of the photo, `outside` 0..1.
    """

    path: str
    identity: str
    sha256: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    split: str = ""
    reason: str = ""
    detail: str = ""
    faces: int = 0
    score: float = 0.0
    by: str = ""
    scale: float = 0.0
    outside: float = 0.0
    box: tuple[float, float, float, float] | None = None
    eyes: list[float] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it may still be kept."""
        return not self.reason

    def drop(self, reason: str, detail: str = "") -> None:
        """Give it no place in the set."""
        self.split, self.reason, self.detail = "", reason, detail

    @property
    def aligned(self) -> bool:
        """Whether a face was cut out of it, whatever became of that."""
        return bool(self.box) and self.reason not in ("too_small", "outside")

    @property
    def face(self) -> str:
        """Name of the file of its face."""
        return f"{Path(self.path).stem[:50]}_{self.sha256[:8]}.png"

    def row(self) -> dict[str, object]:
        """Return it as a row of the table of photos."""
        values = asdict(self)
        values["box"] = " ".join(f"{value:.1f}" for value in self.box or ())
        values["eyes"] = " ".join(f"{value:.1f}" for value in self.eyes)
        for key in ("score", "scale", "outside"):
            values[key] = round(values[key], 4) if self.box else ""
        return values


COLUMNS = [each.name for each in fields(Photo)]


def grouped(photos: Iterable[Photo]) -> dict[str, list[Photo]]:
    """Return photos by identity, sorted by its name."""
    found: dict[str, list[Photo]] = {}
    for photo in photos:
        found.setdefault(photo.identity, []).append(photo)
    return dict(sorted(found.items()))
