"""Progress of long work: one rate-limited line for people, one JSON line for programs."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TextIO

SECONDS = 5.0  # least time between two entries; the last step is always logged


class RunLog:
    """Log of one training, to a terminal line and to a JSON-lines file.

    Args:
        path: JSON-lines file.
        total: steps of the whole training.
        label: what is trained, first word of the line.
    """

    def __init__(self, path: str | Path, total: int, label: str) -> None:
        self._path, self._total, self._label = Path(path), total, label
        self._file: TextIO | None = None
        self.entries = ""  # the file's lines so far, what a state keeps of it
        self._last: tuple[float, int, int] | None = None  # time, step, images at the last entry

    def begin(self, resumed: int | None = None, entries: str = "") -> None:
        """Begin the file anew, before the first entry.

        Args:
            resumed: finished steps of the state that is continued; None to start anew.
            entries: those up to that state, which the file begins with. What it says itself may
                be missing, since Snakemake removes the logs of a job before it runs it again, or
                go beyond the state.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self._path, "w", encoding="utf-8")  # noqa: SIM115 (closed by close)
        self._write(entries)
        if resumed is not None:
            said = f"{self._label}: resumed at step {resumed} of {self._total}"
            print(said, file=sys.stderr, flush=True)

    def due(self, step: int) -> bool:
        """Tell whether an entry after ``step`` finished steps would be written now.

        Asking first spares the caller the cost of bringing losses to the CPU.
        """
        if self._last is None or step >= self._total:
            return True
        return time.monotonic() - self._last[0] >= SECONDS

    def log(self, step: int, images: int, scalars: dict[str, float]) -> None:
        """Write an entry: finished steps, images seen, losses of the last step."""
        now = time.monotonic()
        rate, eta = None, None
        if self._last is not None and now > self._last[0]:
            before, step_before, images_before = self._last
            rate = (images - images_before) / (now - before)
            per_step = (now - before) / max(step - step_before, 1)
            eta = timedelta(seconds=int(per_step * (self._total - step)))
        self._last = (now, step, images)
        entry = {"time": round(time.time(), 3), "step": step, "total": self._total}
        entry |= {"images": images, "images_per_second": rate and round(rate, 2)}
        entry |= {name: float(f"{value:.6g}") for name, value in scalars.items()}
        self._write(json.dumps(entry) + "\n")
        parts = [f"{self._label}: step {step}/{self._total}"]
        parts += [f"{rate:.0f} images/s", f"ETA {eta}"] if rate is not None else []
        parts += [f"{name} {value:.4g}" for name, value in scalars.items()]
        print("  ".join(parts), file=sys.stderr, flush=True)

    def _write(self, entries: str) -> None:
        self.entries += entries
        self._file.write(entries)
        self._file.flush()

    def close(self) -> None:
        """Close the JSON-lines file."""
        if self._file:
            self._file.close()
