"""YAML from outside: plain data, bounded before anything of it is made, every key once.

A text is first read as a stream of events, which takes no more memory than the text, whatever its
aliases stand for; only what is found to be harmless is made into mappings and lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dlvae.stage.errors import UserError
from dlvae.stage.text_files import parse_json, read_text

MOST_BYTES, MOST_VALUES, DEEPEST = 1_000_000, 20_000, 40
"""Of a text; of what it stands for, aliases replaced; levels inside each other. The largest preset
has a few hundred values."""

TEMPLATE = "__use_yte__"  # Snakemake takes a file with this key for a template that runs Python
PLAIN_TAGS = {
    f"tag:yaml.org,2002:{n}" for n in ("str", "int", "float", "bool", "null", "seq", "map")
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class MalformedYaml(ValueError):
    """A text that is no YAML."""


def read_yaml(path: str | Path, what: str) -> dict[str, Any]:
    """Read a file of keys with values; of one that ends with ``.json``, JSON.

    Args:
        what: it is, for messages: "a readable protocol file".

    Raises:
        UserError: it cannot be read, is no such file, or is one that could do harm.
    """
    text, is_json = read_text(path, what, MOST_BYTES), Path(path).suffix == ".json"
    try:
        found = parse_json(text) if is_json else parse_yaml(text)
    except ValueError as error:
        raise UserError(f"expected {what} at {path}: {error}") from error
    if not isinstance(found, dict):
        kind = "nothing" if found is None else "a list" if isinstance(found, list) else "text"
        raise UserError(f"expected {what} at {path}: expected keys with values, found {kind}")
    if TEMPLATE in found:
        raise UserError(
            f"{path}: found '{TEMPLATE}', which makes Snakemake run Python that the file holds: "
            "write the values themselves"
        )
    return found


def parse_yaml(text: str) -> Any:
    """Return what a YAML text holds.

    Raises:
        ValueError: it is none, or :func:`check_yaml` refuses it.
    """
    check_yaml(text)
    return yaml.load(text, Loader=LOADER)  # a safe loader  # nosec B506


def check_yaml(text: str) -> None:
    """Refuse a YAML text that is malformed, or more than plain values.

    Raises:
        MalformedYaml: it is no YAML.
        ValueError: a key twice, a tag, aliases that stand for very much or for themselves, too many
            levels or values, several documents.
    """
    check = _Check()
    try:
        for event in yaml.parse(text, Loader=LOADER):
            check.add(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MalformedYaml(f"line {line}: {error.problem}; mend this line") from None
    except yaml.reader.ReaderError as error:
        found = error.character if isinstance(error.character, int) else ord(error.character)
        raise MalformedYaml(f"expected text, found the control character {found:#x}") from None


@dataclass
class _Open:
    """A collection that is being read: how many values it stands for, and its keys by line."""

    anchor: str | None
    is_mapping: bool
    values: int = 1
    children: int = 0
    keys: dict[str, int] = field(default_factory=dict)


class _Check:
    def __init__(self) -> None:
        self.open: list[_Open] = []
        self.known: dict[str, int] = {}  # what anchors stand for, in values
        self.documents = 0

    def add(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise ValueError(f"line {_line(event)}: expected one document, found another")
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = self.open.pop()
            if closed.anchor:
                self.known[closed.anchor] = closed.values
            self._count(event, closed.values)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _node(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in PLAIN_TAGS:
            raise ValueError(
                f"line {_line(event)}: expected plain values, found the tag '{tag}'; leave it out"
            )
        if self.open:
            self._key(event)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self.open) >= DEEPEST:
                raise ValueError(f"line {_line(event)}: expected at most {DEEPEST} levels")
            self.open.append(_Open(event.anchor, isinstance(event, yaml.MappingStartEvent)))
            return
        size = 1
        if isinstance(event, yaml.AliasEvent):
            if any(part.anchor == event.anchor for part in self.open):
                raise ValueError(f"line {_line(event)}: '*{event.anchor}' stands inside itself")
            size = self.known.get(event.anchor, 1)
        elif event.anchor:
            self.known[event.anchor] = 1
        self._count(event, size)

    def _key(self, event: yaml.NodeEvent) -> None:
        inside = self.open[-1]
        inside.children += 1
        if not inside.is_mapping or inside.children % 2 == 0:
            return
        if not isinstance(event, yaml.ScalarEvent) or event.value == "<<":
            return
        if (before := inside.keys.get(event.value)) is not None:
            raise ValueError(
                f"'{event.value}' stands twice, in lines {before} and {_line(event)}; leave one out"
            )
        inside.keys[event.value] = _line(event)

    def _count(self, event: yaml.Event, size: int) -> None:
        if not self.open:
            return
        self.open[-1].values += size
        if sum(part.values for part in self.open) > MOST_VALUES:
            through = " by its aliases" if self.known else ""
            raise ValueError(
                f"line {_line(event)}: expected at most {MOST_VALUES} values, found more{through}"
            )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1
