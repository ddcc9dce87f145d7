"""The swap explorer's picture: every tile is where the page looks for it, and it is small."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from reports.report.sprite import explorer, make_sprite

SIDE = 16


def tiles(count):
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)


def cut(sprite, index):
    """The tile that a CSS background position shows, by the definition of percentages there."""
    page = np.asarray(Image.open(io.BytesIO(sprite.content)))
    shares = [float(part.removesuffix("%")) / 100 for part in sprite.position(index).split()]
    left, top = (
        round(share * (SIDE * count - SIDE))
        for share, count in zip(shares, (sprite.across, sprite.down), strict=True)
    )
    return page[top : top + SIDE, left : left + SIDE]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_every_tile_is_where_the_page_looks_for_it(count):
    images = tiles(count)
    sprite = make_sprite(images)
    assert sprite.kind == "png" and sprite.uri.startswith("data:image/png;base64,")
    for index, image in enumerate(images):
        np.testing.assert_array_equal(cut(sprite, index), image)


def test_what_is_too_large_without_loss_is_a_jpeg_of_the_best_quality_that_fits():
    images = tiles(16)
    lossless = len(make_sprite(images).content)
    sprite = make_sprite(images, limit=lossless // 2)
    assert sprite.kind == "jpeg" and len(sprite.content) <= lossless // 2
    assert len(make_sprite(images, limit=lossless - 1).content) > len(sprite.content)


def test_colours_of_a_jpeg_do_not_run_into_the_next_tile():
    images = np.zeros((4, SIDE, SIDE, 3), np.uint8)
    images[[0, 3]] = (250, 10, 10)
    sprite = make_sprite(images, limit=1)
    for index, image in enumerate(images):
        assert np.abs(cut(sprite, index).astype(int) - image).max() < 12


def test_the_page_is_given_names_positions_and_the_plain_swap(panel):
    stored = panel("explorer")
    shown = explorer(stored)
    rows, columns, values = stored.arrays["grid"].shape[:3]
    given = json.loads(shown["script_data"])
    assert given["z_s"] == [f"{n}: {name}" for n, name in enumerate(stored["row_classes"], 1)]
    assert [name for name, _ in shown["sources"]["z_u"]] == given["z_u"]
    assert len(given["z_u"]) == columns and len(given["values"]) == values
    assert given["values"][shown["start"]] == 0
    first = rows * columns * values
    for index, (_, position) in enumerate(shown["sources"]["z_s"] + shown["sources"]["z_u"]):
        assert position == shown["sprite"].position(first + index)
    last = cut(shown["sprite"], (rows * columns - 1) * values + 2)
    np.testing.assert_array_equal(last, stored.arrays["grid"][-1, -1, 2])
    assert shown["effect"] == max(stored["effects"])
