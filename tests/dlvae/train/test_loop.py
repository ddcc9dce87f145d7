import errno
import json
import os
import platform
import signal

import numpy as np
import pytest
import torch
from torch import nn

from dlvae.base import GenerativeModel
from dlvae.data.batches import BatchStream
from dlvae.data.dataset import Split
from dlvae.fast.optimisers import Adam
from dlvae.stage.errors import UserError
from dlvae.stage.process import stopping
from dlvae.stage.process.stopping import Stopped
from dlvae.stage.progress import RunLog
from dlvae.train.loop import Resume, fit


class Killed(Exception):
    pass


class Line(GenerativeModel):
    """Fits points by a noisy line; enough state (Adam, batch noise) to make resuming matter."""

    def __init__(self, fail_at=None):
        nn.Module.__init__(self)
        torch.manual_seed(0)
        self.layer = nn.Linear(2, 2)
        self.optimisers = {"layer": torch.optim.Adam(self.layer.parameters(), 0.01)}
        self.fail_at = fail_at

    def step(self, batch, step):
        noise = torch.randn(batch.images[0].shape, generator=batch.generator)
        loss = (self.layer(batch.images[0]) - noise).square().mean()
        if step == self.fail_at:
            raise Killed
        self.optimisers["layer"].zero_grad()
        loss.backward()
        self.optimisers["layer"].step()
        return {"rec": loss.detach(), "kl": loss.detach() * 2}


class FastLine(Line):
    """The same with the optimiser of the models."""

    def __init__(self, fail_at=None):
        super().__init__(fail_at)
        self.optimisers = {"layer": Adam(self.layer.parameters(), 0.01, (0.0, 0.9), fused=True)}


def run(tmp_path, model, steps=20, **options):
    points = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    split = Split(None, points, np.zeros(30, np.int64), ("a",), None, ())
    stream = BatchStream(split, 8, seed_parts=("t",))
    log = RunLog(tmp_path / "run.jsonl", steps, "t")
    step = options.pop("step", model.step)
    options.setdefault("resume", Resume(tmp_path / "of its own", [id(model)]))
    return fit(model, step, stream, steps, log, **options)


def test_a_killed_run_continues_to_the_same_bytes(tmp_path):
    whole = Line()
    snapshots = run(tmp_path, whole, snapshots=[0, 7, 20])
    resume = Resume(tmp_path / "resume", ["key"])
    for fail_at in (3, 13):
        with pytest.raises(Killed):
            run(tmp_path, Line(fail_at), resume=resume, save_seconds=0, snapshots=[0, 7, 20])
        assert resume.load()["step"] == fail_at
    continued = Line()
    again = run(tmp_path, continued, resume=resume, save_seconds=0, snapshots=[0, 7, 20])
    assert again.cpu_seconds.keys() == {0, 7, 20}
    assert 0 <= again.cpu_seconds[0] <= again.cpu_seconds[7] <= again.cpu_seconds[20]
    snapshots, again = snapshots.snapshots, again.snapshots
    for name, value in whole.state_dict().items():
        assert torch.equal(value, continued.state_dict()[name])
    assert again.keys() == snapshots.keys()
    for step in snapshots:
        assert all(torch.equal(snapshots[step][k], again[step][k]) for k in snapshots[step])


def test_a_longer_training_continues_a_shorter_one_to_the_same_bytes(tmp_path):
    whole, resume = Line(), Resume(tmp_path / "resume", ["key"])
    expected = run(tmp_path, whole, steps=20, snapshots=[5, 10, 20])
    short = run(tmp_path, Line(), steps=10, resume=resume, snapshots=[5], keep_state=True)
    assert list(short.snapshots) == [5] and resume.load()["step"] == 10
    # It begins anew: the state passed step 10 without a copy of it.
    begun = Line()
    begun.step = counted(begun.step, seen := [])
    run(tmp_path, begun, steps=20, resume=resume, snapshots=[5, 10, 20], keep_state=True)
    assert seen == list(range(20))
    run(tmp_path, Line(), steps=10, resume=resume, snapshots=[5, 10], keep_state=True)
    continued = Line()
    continued.step = counted(continued.step, seen := [])
    found = run(tmp_path, continued, steps=20, resume=resume, snapshots=[5, 10, 20])
    assert seen == list(range(10, 20))
    for step, weights in expected.snapshots.items():
        assert all(torch.equal(weights[k], found.snapshots[step][k]) for k in weights)


def test_a_finished_training_is_not_shortened(tmp_path):
    resume = Resume(tmp_path / "resume", ["key"])
    run(tmp_path, Line(), steps=20, resume=resume, keep_state=True)
    short, alone = Line(), Line()
    run(tmp_path, short, steps=7, resume=resume)
    run(tmp_path, alone, steps=7)
    assert all(torch.equal(v, short.state_dict()[k]) for k, v in alone.state_dict().items())


def counted(step_function, seen):
    def step(batch, step):
        seen.append(step)
        return step_function(batch, step)

    return step


def test_resume_folders_differ_by_every_part(tmp_path):
    keys = [[{"a": 1}, "hash"], [{"a": 2}, "hash"], [{"a": 1}, "other"]]
    assert len({Resume(tmp_path, key).folder for key in keys}) == 3
    orders = [{"a": 1, "b": 2}], [{"b": 2, "a": 1}]
    assert len({Resume(tmp_path, key).folder for key in orders}) == 1


def test_nan_stops_with_step_and_loss_and_keeps_the_last_good_state(tmp_path):
    model = Line()

    def step(batch, index):
        losses = model.step(batch, index)
        return losses | {"kl": losses["kl"] * float("nan")} if index == 11 else losses

    resume = Resume(tmp_path / "resume", ["key"])
    with pytest.raises(UserError, match=r"step 11 the loss kl .*last good state is kept in"):
        run(tmp_path, model, step=step, resume=resume, save_seconds=0)
    state = resume.load()
    assert state["step"] == 11
    assert all(torch.isfinite(t).all() for t in state["model"]["weights"].values())


def test_nan_in_the_first_step_keeps_the_initial_state(tmp_path):
    """At the default interval no trained state is due so early."""
    model, resume = Line(), Resume(tmp_path / "resume", ["key"])
    initial = {name: value.clone() for name, value in model.state_dict().items()}

    def step(batch, index):
        return {k: v * float("nan") for k, v in model.step(batch, index).items()}

    with pytest.raises(UserError, match=r"step 0 the loss rec, kl .*last good state is kept in"):
        run(tmp_path, model, step=step, resume=resume)
    state = resume.load()
    assert state["step"] == 0 and state["model"]["weights"].keys() == initial.keys()
    assert all(torch.equal(state["model"]["weights"][name], initial[name]) for name in initial)


@pytest.mark.parametrize("fail_at", [0, 3])
def test_the_initial_state_continues_to_the_same_bytes(tmp_path, fail_at):
    """A run killed before its first trained state, with an optimiser that has no moments yet."""
    whole, continued = FastLine(), FastLine()
    snapshots = run(tmp_path, whole, snapshots=[0, 20]).snapshots
    resume = Resume(tmp_path / "resume", ["key"])
    with pytest.raises(Killed):
        run(tmp_path, FastLine(fail_at), resume=resume, snapshots=[0, 20])
    assert resume.load()["step"] == 0
    continued.layer.weight.data.fill_(7)  # the weights are the state's
    again = run(tmp_path, continued, resume=resume, snapshots=[0, 20]).snapshots
    for step in (0, 20):
        assert all(torch.equal(snapshots[step][k], again[step][k]) for k in snapshots[step])


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    model = Line()

    def step(batch, index):
        losses = model.step(batch, index)
        if index == 4:
            model.layer.weight.data.fill_(float("inf"))
        return losses

    resume = Resume(tmp_path / "resume", ["key"])
    with pytest.raises(UserError, match="weights of layer.weight"):
        run(tmp_path, model, step=step, resume=resume, save_seconds=0)
    assert resume.load()["step"] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_training_that_is_asked_to_stop_saves_its_step_and_goes_on_from_it(
    tmp_path, number, capsys
):
    whole, stopped, continued = Line(), Line(), Line()
    run(tmp_path, whole)
    resume = Resume(tmp_path / "resume", ["key"])

    def step(batch, index):
        if index == 7:
            os.kill(os.getpid(), number)
        return stopped.step(batch, index)

    with pytest.raises(Stopped, match="state after step 8 of 20 is saved"), stopping._listening():
        run(tmp_path, stopped, step=step, resume=resume)
    assert "resumed" not in capsys.readouterr().err
    (tmp_path / "run.jsonl").unlink()  # as Snakemake does before it runs a job again
    run(tmp_path, continued, resume=Resume(tmp_path / "resume", ["key"]))
    assert "t: resumed at step 8 of 20" in capsys.readouterr().err.splitlines()
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 9, 20]
    assert all(torch.equal(v, continued.state_dict()[k]) for k, v in whole.state_dict().items())


def test_a_training_that_is_asked_to_stop_in_its_last_step_ends(tmp_path):
    model = Line()

    def step(batch, index):
        if index == 19:
            os.kill(os.getpid(), signal.SIGTERM)
        return model.step(batch, index)

    with stopping._listening() as requests:
        run(tmp_path, model, step=step)
        assert requests.why == "SIGTERM"


def test_two_trainings_never_write_one_state(tmp_path, monkeypatch):
    first, second = (Resume(tmp_path / "resume", ["key"]) for _ in range(2))
    run(tmp_path, Line(), resume=first, keep_state=True)
    before = first.path.read_bytes()
    monkeypatch.setattr("dlvae.train.loop.WAIT_SECONDS", 0.3)
    held = rf"found one: process {os.getpid()} on {platform.node()} writes {second.folder}"
    with pytest.raises(UserError, match=held):
        run(tmp_path, Line(), resume=second, steps=30)
    assert first.path.read_bytes() == before
    other = Resume(tmp_path / "resume", ["other"])
    run(tmp_path, Line(), resume=other)
    first.clear()
    run(tmp_path, Line(), resume=second)


def test_a_training_that_failed_lets_go_of_its_state(tmp_path):
    first, second = (Resume(tmp_path / "resume", ["key"]) for _ in range(2))
    with pytest.raises(Killed):
        run(tmp_path, Line(fail_at=3), resume=first)
    run(tmp_path, Line(), resume=second)


def test_a_file_system_without_locks_is_told_of(tmp_path, monkeypatch, capsys):
    def refuse(path):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("dlvae.train.loop.lock", refuse)
    run(tmp_path, Line())
    assert "no second training may write here: " in capsys.readouterr().err


def test_resumed_state_never_runs_code(tmp_path):
    resume = Resume(tmp_path, ["key"])
    resume.folder.mkdir()

    class Evil:
        def __reduce__(self):
            return (print, ("code ran",))

    torch.save({"step": Evil()}, resume.path)
    with pytest.raises(UserError, match="state of tensors .* begin anew without it: rm -r"):
        resume.load()
    resume.path.write_bytes(resume.path.read_bytes()[:100])
    with pytest.raises(UserError, match="damaged file"):
        resume.load()
