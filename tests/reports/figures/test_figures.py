"""Every figure draws from a made-up panel, the same bytes each time, and needs no torch."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from dlvae.stage.artefact import save_npz, write_json
from dlvae.stage.errors import UserError
from reports.figures.panel import caption, load_panel
from reports.figures.style import RC, grid_gap, grid_length, montage, render, shorten

FIGURES = [f"figure{k}" for k in range(2, 8)]
OF_FORMS = FIGURES[:4]  # figures that show models as published and fitted


@pytest.fixture(autouse=True)
def low_resolution(monkeypatch):
    """Fewer pixels to write; what is drawn stays the same."""
    monkeypatch.setattr("reports.figures.style.DPI", 60)


def module_of(figure):
    return importlib.import_module(f"reports.figures.draw_{figure}")


def drawn(figure, panels, folder):
    folder.mkdir(exist_ok=True)
    png, pdf = folder / f"{figure}.png", folder / f"{figure}.pdf"
    text = caption(figure, panels)
    render(lambda: module_of(figure).draw(text, *panels), png, pdf)
    return png, pdf


def written(figure, panel):
    """The boxes of all texts and of all frames of a figure, in inches."""
    with matplotlib.rc_context(RC):
        drawing = module_of(figure).draw(caption(figure, [panel]), panel)
        renderer = FigureCanvasAgg(drawing).get_renderer()
        inches = drawing.dpi_scale_trans.inverted()
        texts = {text: text.get_window_extent(renderer) for text in drawing.texts}
        frames = [axes.get_window_extent(renderer) for axes in drawing.axes]
    return (
        [(text.get_text(), box.transformed(inches)) for text, box in texts.items()],
        [frame.transformed(inches) for frame in frames],
        drawing.get_size_inches(),
    )


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_drawn_twice_to_the_same_bytes(figure, panel, tmp_path, monkeypatch):
    first = drawn(figure, [panel(figure)], tmp_path / "a")
    monkeypatch.setattr("time.time", lambda: 4e9)  # another date must not show
    second = drawn(figure, [panel(figure)], tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert first[1].read_bytes().startswith(b"%PDF") and b"Date" not in first[1].read_bytes()
    with Image.open(first[0]) as image:
        assert image.width >= 5.5 * 60 and image.height >= 1.8 * 60


@pytest.mark.parametrize("figure", FIGURES)
def test_a_caption_states_preset_data_and_seed(figure, panel):
    text = caption(figure, [panel(figure)])
    title = "three moons" if figure == "figure2" else "synthetic faces"
    assert text.startswith(f"Figure {figure[-1]}.")
    assert "Preset quick" in text and title in text and "seed 0" in text


@pytest.mark.parametrize("fitted", [True, False], ids=["fitted", "published"])
@pytest.mark.parametrize("figure", OF_FORMS)
def test_no_text_meets_another_or_a_picture(figure, fitted, panel):
    texts, frames, (width, height) = written(figure, panel(figure, fitted=fitted))
    for index, (name, box) in enumerate(texts):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, name
        assert not [other for other, more in texts[:index] if box.overlaps(more)], name
        assert not any(box.overlaps(frame) for frame in frames), name


@pytest.mark.parametrize("figure", OF_FORMS)
def test_a_caption_explains_fitted_forms_where_there_are_some(figure, panel):
    both, alone = (caption(figure, [panel(figure, fitted=fitted)]) for fitted in (True, False))
    assert "Fitted: the same weights, with every prior set in closed form to the codes" in both
    assert "fitted" not in alone.lower() and "as published" not in alone


def test_figure2_names_a_form_below_its_model(panel):
    texts = [text for text, _ in written("figure2", panel("figure2"))[0]]
    assert [text for text in texts if text.startswith(("cVAE", "ours"))] == [
        "cVAE-GAN", "cVAE-GAN\nfitted", "ours", "ours\nfitted"
    ]  # fmt: skip


@pytest.mark.parametrize(("figure", "blocks"), [("figure4", 2), ("figure5", 3)])
def test_forms_of_ours_stand_side_by_side(figure, blocks, panel):
    texts, frames, _ = written(figure, panel(figure))
    places = {text: (box.x0 + box.x1) / 2 for text, box in texts}
    for title, column in [("as published", frames[::2]), ("fitted", frames[1::2])]:
        assert len(column) == blocks
        for frame in column:
            assert (frame.x0 + frame.x1) / 2 == pytest.approx(places[title], abs=0.02)
    texts, frames, _ = written(figure, panel(figure, fitted=False))
    assert len(frames) == blocks and not {"as published", "fitted"} & {text for text, _ in texts}


def test_figure3_shows_fitted_models_below_the_published_ones(panel):
    texts, frames, _ = written("figure3", panel("figure3"))
    tops = sorted({round(frame.y0, 3) for frame in frames}, reverse=True)
    upper, lower = ([f.x0 for f in frames if round(f.y0, 3) == top] for top in tops)
    assert len(upper) == 5 and lower == [upper[1], upper[3], upper[4]]  # cVAE, cVAE-GAN, ours
    places = {text: (box.y0 + box.y1) / 2 for text, box in texts}
    assert places["as published"] > tops[0] > places["fitted"] > tops[1]


def test_figure3_draws_a_row_per_data_set_of_any_size(panel, tmp_path):
    second = panel("figure3", side=32)
    second.meta.update(dataset="digits", class_name="3")
    one = drawn("figure3", [panel("figure3")], tmp_path / "one")[0]
    two = drawn("figure3", [panel("figure3"), second], tmp_path / "two")[0]
    with Image.open(one) as low, Image.open(two) as high:
        assert high.width == low.width and high.height > 1.6 * low.height


def test_figure3_shows_ours_last_whatever_the_order_of_the_panel(panel):
    from reports.figures.draw_figure3 import form_rows

    shuffled = panel("figure3")
    shuffled.meta["titles"] = [
        "real", "ours", "cvae_fitted", "ours_fitted", "cvae", "cgan", "cvae_gan_fitted", "cvae_gan"
    ]  # fmt: skip
    published, fitted = form_rows(shuffled)
    assert list(published) == ["real", "cvae", "cgan", "cvae_gan", "ours"]
    assert list(fitted) == ["cvae", "cvae_gan", "ours"]
    np.testing.assert_array_equal(published["ours"], shuffled.arrays["grids"][1])
    np.testing.assert_array_equal(fitted["ours"], shuffled.arrays["grids"][3])
    assert len(form_rows(panel("figure3", fitted=False))) == 1


def test_figure5_says_how_each_coordinate_was_chosen(panel):
    from reports.figures.draw_figure5 import choice_title

    factor, _, kl = panel("figure5")["choices"]
    assert "expression" in choice_title(factor) and "0.83" in choice_title(factor)
    assert "KL rank 1" in choice_title(kl) and "1.23 nats" in choice_title(kl)


def test_a_montage_keeps_every_pixel():
    images = np.random.default_rng(0).integers(0, 255, (2, 3, 16, 16, 3)).astype(np.uint8)
    page, gap = montage(images), grid_gap(16)
    assert page.shape == (2 * 16 + gap, 3 * 16 + 2 * gap, 3)
    np.testing.assert_array_equal(page[16 + gap :, 2 * (16 + gap) :], images[1, 2])
    assert (page[16 : 16 + gap] == 255).all()
    assert grid_length(3, 16, 1.0) == pytest.approx(page.shape[1] / 16)


def test_a_long_class_name_is_cut_to_its_row():
    assert shorten("automobile", 0.8, 7.5) == "automobile"
    cut = shorten("a_class_with_a_very_long_name", 0.8, 7.5)
    assert cut.endswith("…") and len(cut) < 15


def test_a_class_that_is_named_like_a_formula_is_drawn_as_it_is(panel, tmp_path):
    for figure, key in (("figure4", "classes"), ("figure3", "class_name")):
        nasty = panel(figure)
        name = "$x_{$ <b>"
        nasty.meta.update({key: [name, *nasty.meta[key][1:]] if key == "classes" else name})
        drawn(figure, [nasty], tmp_path / figure)


def test_a_panel_of_the_wrong_kind_is_refused(panel, tmp_path):
    wrong = panel("figure4")
    wrong.arrays["a"] = wrong.arrays["a"] / 255.0
    with pytest.raises(UserError, match="'a' to be uint8"):
        drawn("figure4", [wrong], tmp_path / "x")
    with pytest.raises(UserError, match="expected array 'row_images'"):
        drawn("figure6", [panel("figure4")], tmp_path / "x")


def test_the_command_line_reads_a_stored_panel_without_torch(panel, tmp_path):
    stored = panel("figure6")
    save_npz(tmp_path / "panel.npz", **stored.arrays)
    write_json(tmp_path / "panel.json", dict(stored.meta))
    loaded = load_panel(tmp_path)
    np.testing.assert_array_equal(loaded.arrays["grid"], stored.arrays["grid"])
    code = (
        "import runpy, sys; sys.argv[1:] = {}; "
        "runpy.run_module('reports.figures.draw_figure6', run_name='__main__'); "
        "assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    out = [str(tmp_path / name) for name in ("figure6.png", "figure6.pdf")]
    arguments = ["--panel", str(tmp_path), "--png", out[0], "--pdf", out[1]]
    subprocess.run([sys.executable, "-c", code.format(json.dumps(arguments))], check=True)
    for path in out:
        assert Path(path).stat().st_size > 10_000
