"""Resumable state of a long stage, outside its outputs.

Snakemake deletes the outputs of a failed or killed job, so what a training continues from lives
in a folder of its own, named by everything its bytes depend on: another configuration, data set
or code never continues from a stranger's state.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from dlvae.stage.artefact import atomic


class Resume:
    """The folder of one resumable stage.

    Args:
        root: folder of all resume folders of a preset.
        key_parts: JSON-able values that a step depends on (configuration, data hash, code
            fingerprint, precision, threads), but not how many of them there will be.
    """

    def __init__(self, root: str | Path, key_parts: list[Any]) -> None:
        text = json.dumps(key_parts, sort_keys=True, separators=(",", ":"))
        self.folder = Path(root) / hashlib.sha256(text.encode()).hexdigest()[:20]
        self.path = self.folder / "state.pt"

    @property
    def exists(self) -> bool:
        """Whether there is a state to continue from."""
        return self.path.is_file()

    def load(self) -> dict[str, Any] | None:
        """Return the last saved state on the CPU, or None. Code in the file is never run."""
        if not self.exists:
            return None
        return torch.load(self.path, map_location="cpu", weights_only=True)

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved state atomically: a kill leaves the old state or the new one."""
        with atomic(self.path) as temporary:
            torch.save(state, temporary)

    def clear(self) -> None:
        """Remove the folder, temporary files of killed runs included."""
        shutil.rmtree(self.folder, ignore_errors=True)
