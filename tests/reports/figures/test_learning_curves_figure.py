"""The figure of learning curves, of made-up scores."""

import math

import pandas as pd
import pytest
from PIL import Image

from dlvae.stage.runtime import run_stage
from made_up_curves import CEILING, MODELS, frame, tidy
from reports.figures import draw_learning_curves as figure


def drawn(folder, data):
    folder.mkdir()
    data.to_csv(folder / "data.csv", index=False)
    names = {kind: folder / f"figure.{kind}" for kind in ("png", "pdf")}
    arguments = ["--csv", folder / "data.csv", "--png", names["png"], "--pdf", names["pdf"]]
    run_stage(figure.main, figure.command(), [str(part) for part in arguments])
    return names["png"].read_bytes(), names["pdf"].read_bytes()


@pytest.fixture
def data(monkeypatch):
    monkeypatch.setattr("reports.figures.style.DPI", 60)
    return tidy(frame(), [*MODELS, "cvae_fitted", "ours_fitted"])


def test_the_figure_is_drawn_twice_to_the_same_bytes(data, tmp_path, monkeypatch):
    one = drawn(tmp_path / "one", data)
    monkeypatch.setattr("time.time", lambda: 4e9)  # another date must not show
    assert one == drawn(tmp_path / "other", data)
    assert one[1].startswith(b"%PDF") and b"Date" not in one[1]
    with Image.open(tmp_path / "one" / "figure.png") as image:
        assert image.width == 7 * 60 and image.height >= 4 * 60


def test_the_figure_shows_every_model_form_and_seed(data):
    found = figure.draw(data)
    frames = found.axes
    assert len(frames) == 4 + 2
    by_updates, by_images = frames[0], frames[4]
    lines = by_updates.get_lines()
    # The ceiling; of each of five curves three seeds and their mean.
    assert len(lines) == 1 + 5 * 4
    assert lines[0].get_ydata()[0] == CEILING and lines[0].get_color() == figure.CEILING_COLOUR
    assert {line.get_color() for line in lines[1:]} == {
        figure.model_colours([name])[name] for name in ("cvae", "cgan", "ours")
    }
    dashed = [line for line in lines if line.get_linestyle() == "--"]
    assert len(dashed) == 2 * 4
    assert by_updates.get_xscale() == by_images.get_xscale() == "log"
    assert max(by_images.get_lines()[-1].get_xdata()) == 200 * 128
    texts = {text.get_text() for text in found.legends[0].get_texts()}
    assert texts == {
        *("cVAE", "cGAN", "ours", "fitted priors", "mean over seeds", "one seed", "real images")
    }
    # Percent in points.
    assert max(frames[1].get_lines()[-1].get_ydata()) < 100


def test_one_seed_is_drawn_as_thick_as_a_mean(data):
    found = figure.draw(data[data["seed"].eq(0) | data["statistic"].eq("ceiling")])
    own = found.axes[0].get_lines()
    assert len(own) == 1 + 5 and {line.get_linewidth() for line in own[1:]} == {1.5}
    texts = {text.get_text() for text in found.legends[0].get_texts()}
    assert not {"one seed", "mean over seeds"} & texts


def test_scores_that_cannot_be_had_leave_an_empty_frame(data, tmp_path):
    data["fid"] = math.nan
    frame_of_fid = figure.draw(data).axes[3]
    assert [text.get_text() for text in frame_of_fid.texts] == ["n/a"]
    assert drawn(tmp_path / "out", data)[0]


def test_models_without_a_colour_of_their_own_get_one(data):
    named = data.replace({"model": {"cgan": "mine", "cvae": "more", "cvae_fitted": "more_fitted"}})
    found = figure.model_colours(figure.models_of(named))
    assert set(found) == {"more", "mine", "ours"} and len(set(found.values())) == 3


def test_another_table_is_refused(tmp_path, capsys):
    pd.DataFrame({"model": ["ours"]}).to_csv(tmp_path / "x.csv", index=False)
    arguments = ["--csv", tmp_path / "x.csv", "--png", tmp_path / "a", "--pdf", tmp_path / "b"]
    with pytest.raises(SystemExit):
        run_stage(figure.main, figure.command(), [str(part) for part in arguments])
    assert (
        "expected the columns of python -m reports.studies.learning_curves"
        in capsys.readouterr().err
    )


def test_numbers_on_axes_are_short():
    assert [figure.compact(v) for v in (0.25, 300, 3000, 2.5e6)] == ["0.25", "300", "3k", "2.5M"]
