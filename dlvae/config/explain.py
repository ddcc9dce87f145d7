"""What a configuration may hold and what is wrong with one, in words, from a JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dlvae.config.largest import MOST
from dlvae.stage.errors import nearest

BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
KINDS = {"string": "text", "boolean": "true or false", "object": "a section"}
KINDS |= {"integer": "an integer", "number": "a number", "null": "null"}


def describe(part: Mapping[str, Any], most: bool = False) -> str:
    """Say which values a part of a JSON schema takes: "an integer of at least 1, or null".

    Args:
        most: say the bound `MOST` too.
    """
    if "anyOf" in part:
        return ", or ".join(describe(branch, most) for branch in part["anyOf"])
    if "enum" in part:
        return f"one of {listed(part['enum'])}"
    if "const" in part:
        return str(part["const"])
    if part.get("type") == "array":
        least, most = part.get("minItems"), part.get("maxItems")
        count = f" of {least}" if least == most and least else " of at least one" if least else ""
        return f"a list{count}, each {describe(_items(part))}"
    kind = "a section" if "$ref" in part else KINDS.get(part.get("type"), "any value")
    said = {key: part[key] for key in BOUNDS if key in part and (most or part[key] != MOST)}
    bounds = [f"{BOUNDS[key]} {bound:.12g}" for key, bound in said.items()]
    return " ".join([kind, " and ".join(bounds)]).rstrip()


def explain(
    error: Mapping[str, Any], schema: Mapping[str, Any], values: Any, where: str = ""
) -> str:
    """Say of one error what was expected, what was found and what was probably meant.

    Args:
        error: of :meth:`pydantic.ValidationError.errors`.
        schema: JSON schema of what was read.
        values: what was read.
        where: its address, for messages.
    """
    path, around, part = [where] if where else [], schema, schema
    for key in error["loc"]:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            if error["type"] != "missing":
                continue  # which branch of "a number or a section" was tried
        around, part = part, _inside(part, key, schema)
        # An item of a list that has a name is known by it.
        own = values if isinstance(key, int) and isinstance(values, Mapping) else {}
        path.append(str(own.get("id") or own.get("name") or key))
    name, found = ".".join(path), error["input"]
    if error["type"] in ("extra_forbidden", "invalid_key"):
        around = _section(around, schema)
        valid, noun = around["properties"], around.get("noun", "key")
        return f"unknown {noun} '{name}': expected one of {listed(valid)}.{nearest(key, valid)}"
    if error["type"] == "missing":
        return f"missing key '{name}': expected {describe(part)}"
    if error["type"] == "value_error":
        return f"{name}: {error['ctx']['error']}".removeprefix(": ")
    choices = [str(c) for branch in part.get("anyOf", [part]) for c in branch.get("enum", ())]
    hint = nearest(found, choices)
    expected = describe(part, most=error["type"].startswith("less_than"))
    return f"{name or 'top level'}: expected {expected}, found {found!r}{hint and '.'}{hint}"


def listed(names: Iterable[Any]) -> str:
    """Return names with commas between them."""
    return ", ".join(n if isinstance(n, str) else json.dumps(n) for n in names) or "(none)"


def _section(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the section or list that a part of a schema is, if it is not something else."""
    for branch in part.get("anyOf", ()):
        if "$ref" in branch or branch.get("type") in ("object", "array"):
            return _section(branch, schema)
    return schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def _inside(part: Mapping[str, Any], key: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    part = _section(part, schema)
    others = part.get("additionalProperties") or _items(part)
    return part.get("properties", {}).get(key, others)


def _items(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return part.get("items") or next(iter(part.get("prefixItems", ())), {})
