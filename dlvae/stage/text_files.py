"""Text files from outside: what stands at a path, text of a bounded size, plain JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dlvae.stage.errors import UserError

MOST_BYTES = 1 << 30
"""Of a text file; a larger one is no artefact of a run."""


def found_at(path: str | Path) -> str:
    """Say what stands at a path: "nothing", "a link to nothing", "a folder", "a file" ..."""
    path = Path(path)
    try:
        if path.is_dir():
            return "a folder"
        if path.is_file():
            return "a file"
        if path.exists():
            return "no regular file"
        return "a link to nothing" if path.is_symlink() else "nothing"
    except (OSError, RuntimeError) as error:  # a link that leads to itself, a name too long
        return getattr(error, "strerror", None) or "a link that leads to itself"


def read_text(path: str | Path, what: str, most: int = MOST_BYTES) -> str:
    """Read a UTF-8 text.

    Args:
        what: it is, for messages: "a readable JSON file".
        most: bytes that are read.

    Raises:
        UserError: no regular file, one that may not be read or is too large, no UTF-8.
    """
    found = found_at(path)
    if found != "a file":
        raise UserError(f"expected {what} at {path}, found {found}; correct the path or make it")
    try:
        if (size := Path(path).stat().st_size) > most:
            raise UserError(f"{path}: expected {what} of at most {most} bytes, found {size}")
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"expected {what} at {path}, found: {error.strerror}; make it readable for this user"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"expected {what} at {path}: expected UTF-8 text, found bytes that are none at "
            f"position {error.start}; save it as UTF-8"
        ) from error


def parse_json(text: str, finite: bool = False) -> Any:
    """Parse JSON in which no key stands twice.

    Args:
        finite: refuse NaN and infinity, which are not JSON but often written.

    Raises:
        ValueError: it is none, or too deep.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"'{key}' stands twice; leave one of them out")
            found[key] = value
        return found

    def refuse(name: str) -> float:
        raise ValueError(f"expected finite numbers, found {name}")

    try:
        more = {"parse_constant": refuse} if finite else {}
        return json.loads(text, object_pairs_hook=once, **more)
    except RecursionError:
        raise ValueError("expected a few levels of brackets, found too many") from None
