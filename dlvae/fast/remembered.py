"""Texts that follow from the sources of the project, kept while these are the same.

They lie in the user's cache folder, one small file for each state of the sources that was read
last. Its name is a hash of every file that could count and of the Python that read them, so copies
of one state share it, and an edit makes another. It can be deleted at any time.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import platformdirs

from dlvae.stage.artefact import write_json

STATES = 20  # files that are kept, the newest


def cache_folder() -> Path:
    """Return the folder of the files: DIR/fingerprints in the user's cache folder."""
    return Path(platformdirs.user_cache_dir("dlvae", appauthor=False)) / "fingerprints"


class Remembered:
    """Texts by key for the sources in ``folders`` as they are now.

    A folder that cannot be written, or a file that cannot be read, costs time and nothing else.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = list(folders)
        self.state = sources_hash(self.folders)
        self.file = cache_folder() / f"{self.state}.json"
        self.texts: dict[str, str] = {}
        self.new = False
        with suppress(OSError, ValueError):
            found = json.loads(self.file.read_text(encoding="utf-8"))
            if isinstance(found, dict) and all(isinstance(text, str) for text in found.values()):
                self.texts = found

    def get(self, key: str, make: Callable[[], str]) -> str:
        """Return the text of ``key``, made where it is not known yet and saved at the end."""
        if key not in self.texts:
            if not self.new:
                atexit.register(self.save)
            self.new, self.texts[key] = True, make()
        return self.texts[key]

    def save(self) -> None:
        """Save the texts, unless a source changed while they were made."""
        with suppress(OSError):
            if sources_hash(self.folders) != self.state:
                return
            write_json(self.file, self.texts)
            states = sorted(self.file.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for old in states[:-STATES]:
                old.unlink(missing_ok=True)


def sources_hash(folders: Iterable[Path]) -> str:
    """Return a hash of Python's version, every module in ``folders`` and what lies beside modules.

    Beside means in their folders and in those around them, up to one of ``folders``.
    """
    digest = hashlib.sha256(sys.version.encode())
    for top in folders:
        holders = {
            folder
            for module in top.rglob("*.py")
            for folder in module.parents
            if folder.is_relative_to(top)
        }
        files = (path for folder in holders for path in folder.iterdir() if path.is_file())
        for path in sorted(files):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{top.name}/{path.relative_to(top).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:32]
