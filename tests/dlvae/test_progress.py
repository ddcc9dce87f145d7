import json

from dlvae.stage import progress
from dlvae.stage.progress import RunLog


def test_entries_are_rate_limited_and_the_last_is_always_written(tmp_path, monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    log = RunLog(tmp_path / "run.jsonl", total=100, label="digits/ours")
    log.begin()
    for step in range(1, 101):
        now[0] += 0.5
        if log.due(step):
            log.log(step, step * 8, {"rec": 1.0 / step})
    log.close()
    entries = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert [e["step"] for e in entries] == [1, *range(11, 100, 10), 100]
    assert entries[1]["images_per_second"] == 16.0 and entries[1]["rec"] == 0.0909091
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(entries)
    assert lines[1].startswith("digits/ours: step 11/100  16 images/s  ETA 0:00:44  rec 0.09091")


def test_a_resumed_log_begins_with_what_the_state_kept_and_a_new_one_starts_anew(tmp_path, capsys):
    path, entries = tmp_path / "run.jsonl", ""
    for resumed, count in ((None, 1), (0, 2), (1, 3), (None, 1)):
        log = RunLog(path, total=2, label="x")
        log.begin(resumed, entries if resumed is not None else "")
        log.log(1, 1, {})
        log.close()
        assert path.read_text() == log.entries and len(log.entries.splitlines()) == count
        entries = log.entries
        path.write_text("beyond the state\n")
    said = [line for line in capsys.readouterr().err.splitlines() if "resumed" in line]
    assert said == ["x: resumed at step 0 of 2", "x: resumed at step 1 of 2"]
