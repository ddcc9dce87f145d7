"""The training loop that every model shares, and the state it resumes. It knows no names."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import platform
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor

from dlvae.base import Batch
from dlvae.data.batches import BatchStream
from dlvae.stage.artefact import atomic
from dlvae.stage.errors import UserError
from dlvae.stage.process.file_lock import UNSUPPORTED, lock
from dlvae.stage.process.stopping import Stopped, deferred
from dlvae.stage.progress import RunLog

# Losses stay on a GPU for this many steps before they are looked at: each look waits for it.
CUDA_CHECK_STEPS = 50
FIRST_SAVE_SECONDS = 5.0
# A training that was asked to stop is gone by then, and its state is free.
WAIT_SECONDS = 15.0


class Resume:
    """The folder of one resumable stage, outside its outputs.

    Snakemake deletes the outputs of a failed or killed job, so what a training continues from lives
    in a folder of its own, named by everything its bytes depend on: another configuration, data set
    or code never continues from a stranger's state.

    Args:
        root: folder of all resume folders of a preset.
        key_parts: JSON-able values that a step depends on (configuration, data hash, code
            fingerprint, precision, threads), but not how many of them there will be.
    """

    def __init__(self, root: str | Path, key_parts: list[Any]) -> None:
        text = json.dumps(key_parts, sort_keys=True, separators=(",", ":"))
        self.folder = Path(root) / hashlib.sha256(text.encode()).hexdigest()[:20]
        self.path = self.folder / "state.pt"
        self._lock: TextIO | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other trainings from this state while the block runs.

        Where it succeeds they are kept off until the state is cleared, or the process ends.

        Raises:
            UserError: another one has held it for all of ``WAIT_SECONDS``.
        """
        self._hold(time.monotonic() + WAIT_SECONDS)
        try:
            yield
        except BaseException:
            self._release()
            raise

    def _hold(self, until: float) -> None:
        path = self.folder / "lock"
        while self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock = lock(path)
            except FileNotFoundError:
                continue  # who held it has just removed the folder
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise
                print(f"{path}: no second training may write here: {error}", file=sys.stderr)
                return
            if self._lock is not None:
                self._lock.truncate(0)
                self._lock.write(f"process {os.getpid()} on {platform.node()}")
                self._lock.flush()
            elif time.monotonic() < until:
                time.sleep(0.2)
            else:
                raise UserError(
                    "expected no other training of the same state, found one: "
                    f"{path.read_text(encoding='utf-8')} writes {self.folder}. Wait until it ends, "
                    "or stop it with kill: it saves its state, and the same command goes on from it"
                )

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def exists(self) -> bool:
        """Whether there is a state to continue from."""
        return self.path.is_file()

    def load(self) -> dict[str, Any] | None:
        """Return the last saved state on the CPU, or None. Code in the file is never run.

        Raises:
            UserError: the file is no state.
        """
        if not self.exists:
            return None
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise UserError(
                f"{self.path}: expected a saved state of tensors and numbers, found something else "
                f"or a damaged file; begin anew without it: rm -r {self.folder}"
            ) from error

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved state atomically: a kill leaves the old state or the new one."""
        with atomic(self.path) as temporary:
            torch.save(state, temporary)

    def clear(self) -> None:
        """Remove the folder, temporary files of killed runs included, and release it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._release()


@dataclass(frozen=True)
class Taken:
    """What a training left on its way.

    Attributes:
        snapshots: the weights after each of the steps asked for, on the CPU.
        cpu_seconds: processor time of this process up to each of them and to the end, over all
            the runs that it took; a measurement, so no two trainings agree on it.
    """

    snapshots: dict[int, dict[str, Tensor]]
    cpu_seconds: dict[int, float]


def fit(
    model: Any,
    step_function: Callable[[Batch, int], dict[str, Tensor]],
    stream: BatchStream,
    steps: int,
    log: RunLog,
    resume: Resume,
    snapshots: Collection[int] = (),
    save_seconds: float = 30.0,
    keep_state: bool = False,
) -> Taken:
    """Run ``step_function(batch, step)`` for steps 0 to ``steps - 1``.

    A step depends on the model's state and its index alone, so a run that was killed at any
    moment continues from its last saved state to the same bytes. For the same reason a shorter
    training, whose last state was kept, is continued by a longer one.

    Args:
        model: has ``state_dict``, ``training_state`` and ``load_training_state``.
        snapshots: numbers of finished steps after which the weights are copied (0: initial).
        resume: where states are saved; the first one before the first step.
        save_seconds: least time between two saved states.
        keep_state: save the last state as well, for a longer training to continue.

    Raises:
        UserError: a loss or a weight is not finite, the last good state is kept; or another
            training holds the state.
        Stopped: the process was asked to stop; the state of the last step is saved.
    """
    with resume.held(), deferred() as asked:
        way = _Way(model, resume, snapshots, steps)
        log.begin(None if way.fresh else way.first, way.entries)
        guard = _Guard(stream.device, resume)
        per_step = stream.per_step * stream.batch_size
        if way.first == 0:
            way.keep(0)
        if way.fresh:
            guard.check(model.state_dict())
            way.save(
                0, log
            )  # a training that diverges in its first steps has a last good state as well
        # The first trained state comes early, for the same reason.
        saved = time.monotonic() - max(0.0, save_seconds - FIRST_SAVE_SECONDS)
        for step in range(way.first, steps):
            losses = step_function(stream.batch(step), step)
            guard.add(step, losses)
            done = step + 1
            way.keep(done)
            if log.due(done):
                guard.check()
                log.log(done, done * per_step, {k: float(v) for k, v in losses.items()})
            stop = asked()
            if done < steps and (stop or time.monotonic() - saved >= save_seconds):
                guard.check(model.state_dict())
                way.save(done, log)
                saved = time.monotonic()
                if stop:
                    kept = f"the state after step {done} of {steps} is saved"
                    raise Stopped(f"{kept}, and the same command goes on from it")
        guard.check(model.state_dict())
        if keep_state and way.first < steps:
            way.save(steps, log)
        return way.left()


class _Way:
    """How far a training has come: taken up where it was saved, and what it left so far."""

    def __init__(self, model: Any, resume: Resume, snapshots: Collection[int], steps: int) -> None:
        self._model, self._resume, self._snapshots, self._steps = model, resume, snapshots, steps
        state = _usable(resume.load(), steps, snapshots)
        self.fresh, self.first, self.entries = state is None, 0, ""
        self._taken: dict[int, dict[str, Tensor]] = {}
        self._cpu_seconds: dict[int, float] = {}
        before = 0.0
        if state is not None:
            model.load_training_state(state["model"])
            self.first, self._taken = state["step"], state["snapshots"]
            self.entries = state["log"]
            self._cpu_seconds, before = state["cpu_seconds"], state["cpu"]
        self._started = time.process_time() - before

    def keep(self, step: int) -> None:
        """Keep weights and processor time where they are asked for after so many steps."""
        if step in self._snapshots:
            weights = self._model.state_dict().items()
            self._taken[step] = {name: tensor.detach().cpu().clone() for name, tensor in weights}
        if step in self._snapshots or step == self._steps:
            cpu = time.process_time() - self._started
            self._cpu_seconds.setdefault(step, round(cpu, 2))

    def save(self, step: int, log: RunLog) -> None:
        """Save the state to continue from."""
        state = {"model": self._model.training_state(), "step": step, "snapshots": self._taken}
        state["log"] = log.entries
        cpu = time.process_time() - self._started
        self._resume.save(state | {"cpu_seconds": self._cpu_seconds, "cpu": cpu})

    def left(self) -> Taken:
        """Return what was asked for; a longer training may have kept more before."""
        wanted = {step: self._taken[step] for step in sorted(self._snapshots)}
        steps = sorted({*wanted, self._steps})
        return Taken(wanted, {step: self._cpu_seconds[step] for step in steps})


def _usable(
    state: dict[str, Any] | None, steps: int, snapshots: Collection[int]
) -> dict[str, Any] | None:
    """Return a state that these steps and snapshots can be reached from, else None."""
    if state is None or state["step"] > steps:
        return None
    passed = {step for step in snapshots if step <= state["step"]}
    return state if passed <= state["snapshots"].keys() else None


class _Guard:
    """Stops a training at the first loss or weight that is not finite."""

    def __init__(self, device: torch.device, resume: Resume) -> None:
        self._every = CUDA_CHECK_STEPS if device.type == "cuda" else 1
        self._resume = resume
        self._pending: list[tuple[int, list[str], Tensor]] = []

    def add(self, step: int, losses: dict[str, Tensor]) -> None:
        self._pending.append((step, list(losses), torch.stack(list(losses.values()))))
        if len(self._pending) >= self._every:
            self.check()

    def check(self, weights: dict[str, Tensor] | None = None) -> None:
        pending, self._pending = self._pending, []
        for step, names, values in pending:
            finite = torch.isfinite(values)
            if not finite.all():
                bad = [name for name, good in zip(names, finite.tolist(), strict=True) if not good]
                self._stop(f"at step {step} the loss {', '.join(bad)} is not finite")
        for name, tensor in (weights or {}).items():
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                self._stop(f"the weights of {name} are not finite")

    def _stop(self, what: str) -> None:
        raise UserError(
            f"training diverged: {what}; the last good state is kept in {self._resume.path}. Try a "
            "smaller learning rate, --config precision=fp32, or look at the run log for where the "
            "losses began to grow."
        )
