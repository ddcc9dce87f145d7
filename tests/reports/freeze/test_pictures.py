"""Stored pictures: each follows from the panel beside it, and neither is without the other."""

import numpy as np
import pytest
from PIL import Image

from dlvae.data.sources import PUBLISHABLE
from reports.freeze.pictures import CURVES, draw_stored, files_of, picture_of, pictures
from reports.freeze.stored import load_stored

STORED = load_stored("quick")


def test_figures_of_images_that_may_be_published_are_stored():
    assert {*STORED.figures} == {*(f"figure{number}" for number in range(2, 8)), CURVES}
    assert {name for names in STORED.figures.values() for name in names} <= {*PUBLISHABLE}


@pytest.mark.parametrize("figure", STORED.figures)
def test_a_picture_is_what_its_panel_gives(figure, tmp_path):
    """Another version of matplotlib may move an edge by a pixel."""
    draw_stored(STORED.folder, figure, STORED.figures[figure], tmp_path / "again.png")
    with Image.open(STORED.folder / picture_of(figure)) as picture:
        stored = np.asarray(picture.convert("RGB"), np.int16)
    with Image.open(tmp_path / "again.png") as picture:
        again = np.asarray(picture.convert("RGB"), np.int16)
    assert stored.shape == again.shape
    assert (np.abs(stored - again).max(axis=2) > 8).mean() < 0.002
    assert stored.std() > 20  # a picture, not a page


def test_pictures_and_panels_without_each_other_are_found():
    class Tampered:
        folder, figures, index = STORED.folder, STORED.figures, {"files": {}}

        def finding(self, file, text):
            return file, text

    there = {name for name in STORED.index["files"] if name.startswith(("figures/", "panels/"))}
    assert there == {*files_of(STORED.figures)} and [*pictures(STORED)] == []
    Tampered.index["files"] = dict.fromkeys(
        there - {"figures/figure6.png"} | {"figures/another.png"}
    )
    found = dict(pictures(Tampered()))
    assert set(found) == {"figures/figure6.png", "figures/another.png"}
    assert "found none" in found["figures/figure6.png"]
