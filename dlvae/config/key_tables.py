"""Write the tables of keys in config/README.md: python -m dlvae.config.key_tables."""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlvae.config.data_keys import DataSetKeys, ThreeMoons
from dlvae.config.explain import describe
from dlvae.config.judges import EvaluatorKeys, Factors
from dlvae.config.keys import Ablations, Figures, PresetKeys
from dlvae.config.method_keys import Method
from dlvae.config.section import Overlay, Section
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.artefact import write_text

README = Path(__file__).resolve().parents[2] / "config" / "README.md"
HEAD = ("key", "values", "default", "meaning")


def section_in(annotation: Any) -> type[Section] | None:
    """Return the section that a type such as ``Train`` or ``Train | None`` is."""
    for kind in (annotation, *typing.get_args(annotation)[:1]):
        if inspect.isclass(kind) and issubclass(kind, Section):
            return kind
    return None


# Name of a table: the sections that it shows, by name.
TABLES: dict[str, dict[str, type[Section]]] = {
    "preset": {"": PresetKeys},
    "method": {"": Method},
    "datasets": {k: section_in(field.annotation) for k, field in DataSetKeys.model_fields.items()},
    "judges": {"evaluator": EvaluatorKeys, "factors": Factors},
    "three_moons": {"": ThreeMoons},
    "figures": {"": Figures},
    "ablations": {"": Ablations},
    "prepare_faces": {"": PrepareFaces},
}
SHOWN_APART = {DataSetKeys, *(kind for kinds in TABLES.values() for kind in kinds.values())}


def with_tables(text: str) -> str:
    """Return a text with the table after every mark ``<!-- table: name -->``, up to its end."""
    return re.sub(
        r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{table(TABLES[found[2]])}{found[3]}",
        text,
        flags=re.DOTALL,
    )


def table(kinds: Mapping[str, type[Section]]) -> str:
    """Return the table of some sections; what is alike in several stands in one row."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for name, kind in kinds.items():
        for key, values, default, meaning in rows(kind):
            found.setdefault((key, values, meaning), {})[name] = default
    several = len(kinds) > 1
    lines = [[*HEAD[:1], *(["of"] if several else []), *HEAD[1:]]]
    lines += [["---"] * len(lines[0])]
    tops = [key.partition(".")[0] for key, *_ in found]
    for (key, values, meaning), defaults in sorted(
        found.items(), key=lambda row: tops.index(row[0][0].partition(".")[0])
    ):
        of = "all" if len(defaults) == len(kinds) else ", ".join(f"`{name}`" for name in defaults)
        alike = len(set(defaults.values())) == 1
        default = defaults[next(iter(defaults))] if alike else "; ".join(defaults.values())
        lines.append([f"`{key}`", *([of] if several else []), values, default, meaning])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rows(kind: type[Section], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield key, values, default and meaning of every key of a section and of those inside it."""
    parts = kind.model_json_schema()["properties"]
    for key, field in kind.model_fields.items():
        inner = section_in(field.annotation)
        expanded = inner and inner not in SHOWN_APART
        if not expanded or field.default is None and not issubclass(kind, Overlay):
            default = _default(field, kind)
            yield prefix + key, describe(parts[key]), default, _meaning(kind, key)
        if expanded:
            # What is laid over this section has its keys, explained where they are.
            known = kind.model_fields if issubclass(inner, Overlay) else ()
            inside = f"{prefix}{key}."
            for row in rows(inner, inside):
                if row[0].removeprefix(inside).partition(".")[0] not in known:
                    yield row


def _default(field: Any, kind: type[Section]) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, Section):
        return "{}"
    if field.default is None and issubclass(kind, Overlay):
        return ""
    return f"`{json.dumps(field.default)}`".replace('"', "")


def _meaning(kind: type[Section], key: str) -> str:
    """Return the docstring of a key, of the first class that has one."""
    classes = [base for base in kind.__mro__ if issubclass(base, Section)]
    texts = (base.model_fields[key].description for base in classes if key in base.model_fields)
    return " ".join(next(filter(None, texts), "").split())


if __name__ == "__main__":
    write_text(README, with_tables(README.read_text(encoding="utf-8")))
