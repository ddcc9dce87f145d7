"""The figure of training curves, of made-up run logs."""

import json

import pytest

from dlvae.stage.progress import RunLog
from dlvae.stage.runtime import run_stage
from reports.figures import draw_training_curves as figure

LOSSES = {"ours": {"rec": 4.0, "kl": 40.0, "mine": -1.0}, "cvae": {"rec": 2.0, "kl": 30.0}}


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """Run logs of two models and two seeds, as a training writes them, and a fine-tuning."""
    monkeypatch.setattr("reports.figures.style.DPI", 60)
    paths = []
    for model, seed in (("cvae", 0), ("ours", 0), ("ours", 1), ("ours_semi", 0)):
        paths.append(tmp_path / "train" / "digits" / model / f"seed{seed}.jsonl")
        log = RunLog(paths[-1], 100, model)
        log.begin()
        for step in (1, 10, 50, 100):
            losses = LOSSES[model.removesuffix("_semi")].items()
            log.log(step, 32 * step, {name: start / step for name, start in losses})
        log.close()
    return paths


def drawn(folder, logs):
    folder.mkdir()
    places = {kind: folder / f"figure.{kind}" for kind in ("png", "pdf")}
    arguments = ["--logs", *logs, "--preset", "smoke"]
    arguments += ["--png", places["png"], "--pdf", places["pdf"]]
    run_stage(figure.main, figure.command(), [str(part) for part in arguments])
    return places["png"].read_bytes(), places["pdf"].read_bytes()


def test_every_loss_of_every_training_is_drawn(logs):
    found, missing = figure.read_logs(logs)
    assert missing == []
    frames = figure.draw("", found).axes
    assert len(frames) == 3 + 3  # rec, kl, mine; and once more of the fine-tuning
    rec, kl, mine, *semi = frames
    assert [len(frame.get_lines()) for frame in (rec, kl, mine, *semi)] == [3, 3, 2, 1, 1, 1]
    line = rec.get_lines()[1]
    assert list(line.get_xdata()) == [1, 10, 50, 100]
    assert list(line.get_ydata()) == pytest.approx([4.0, 0.4, 0.08, 0.04])
    assert rec.get_yscale() == "log" and mine.get_yscale() == "linear"
    colours = figure.model_colours(["cvae", "ours"])
    shown = [line.get_color() for line in rec.get_lines()]
    assert shown == [colours["cvae"], colours["ours"], colours["ours"]]
    assert semi[0].get_lines()[0].get_color() == colours["ours"]


def test_equal_logs_give_equal_bytes(logs, tmp_path):
    one = drawn(tmp_path / "one", logs)
    assert one == drawn(tmp_path / "other", logs) and one[1].startswith(b"%PDF")


def test_half_a_line_and_steps_that_were_run_twice(logs):
    log = logs[0]
    first = log.read_text().splitlines()
    again = json.dumps({"step": 10, "total": 100, "rec": 9.0})
    log.write_text("\n".join([*first, again, '{"step": 11, "re']))
    entries = figure.read_log(log)
    assert list(entries["step"]) == [1, 10, 50, 100] and entries["rec"][1] == 9.0


def test_a_log_that_is_missing_or_begins_late_is_told(logs, tmp_path):
    lines = logs[1].read_text().splitlines()
    logs[1].write_text("\n".join(lines[2:]))
    logs[0].unlink()
    found, missing = figure.read_logs(logs)
    assert missing == ["cVAE on handwritten digits, seed 0"]
    text = figure.caption(found, missing, "smoke")
    assert "No run log: cVAE on handwritten digits, seed 0." in text
    assert "begins later" in text and text.endswith("Preset smoke; seeds 0, 1.")
    drawn(tmp_path / "some", logs)


def test_without_any_log_the_figure_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("reports.figures.style.DPI", 60)
    page = figure.draw(figure.caption([], ["ours on digits, seed 0"], "smoke"), [])
    assert not page.axes and "no run logs" in {text.get_text() for text in page.texts}
    drawn(tmp_path / "none", [tmp_path / "digits" / "ours" / "seed0.jsonl"])
