"""``claims.yaml`` read and checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import model_names
from reports.claims.claim_metrics import FAMILY, REAL
from reports.claims.claim_rules import (
    CONDITIONS,
    OPERATORS,
    TWO_SIDED,
    Claim,
    ClaimTest,
    Excuse,
    Preconditions,
    Rules,
    Side,
)

PATH = Path(__file__).resolve().parents[1] / "claims.yaml"


def load_rules(path: str | Path = PATH) -> Rules:
    """Read and check the rules.

    Raises:
        UserError: the file is missing or malformed, or names a key, kind, metric, model or
            operator that there is not; it says which is nearest.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"expected readable rules at {path}: {error}") from error
    try:
        return _rules(content)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _rules(content: Any) -> Rules:
    given = _section(Rules, content, "top level")
    kinds = given["data_sets"]
    if not isinstance(kinds, Mapping) or not all(_texts(names) for names in kinds.values()):
        raise UserError(f"data_sets: expected a list of names by kind, found {kinds!r}")
    if not _texts(given["ablations"]) and given["ablations"] != []:
        raise UserError(f"ablations: expected a list of names, found {given['ablations']!r}")
    known = [REAL, *model_names(), *given["ablations"]]
    claims = [_claim(part, kinds, known) for part in _list(given["claims"], "claims")]
    ids = [claim.id for claim in claims]
    if twice := [name for name in ids if ids.count(name) > 1]:
        raise UserError(f"expected an id of its own for every claim, found '{twice[0]}' twice")
    data_sets = {kind: tuple(names) for kind, names in kinds.items()}
    before = _preconditions(given["preconditions"])
    return Rules(data_sets, tuple(given["ablations"]), before, tuple(claims))


def _preconditions(content: Any) -> Preconditions:
    given = _section(Preconditions, content, "preconditions")
    for key, value in given.items():
        if _number(value, f"preconditions: {key}") <= 0:
            raise UserError(f"preconditions: {key}: expected a number above 0, found {value}")
    return Preconditions(**{key: float(value) for key, value in given.items()})


def _claim(content: Any, kinds: Mapping, models: Sequence[str]) -> Claim:
    name = content.get("id", "without id") if isinstance(content, Mapping) else "claim"
    given = _section(Claim, content, f"claim '{name}'")
    where = f"claim '{name}'"
    for key in ("id", "where", "statement", "open"):
        _is(str, given[key], f"{where}: {key}")
    data = _kinds(given["data"], where, kinds)
    _is(bool, given.get("synthetic_only", False), f"{where}: synthetic_only")
    tests = [_test(part, where, kinds, models) for part in _list(given["tests"], f"{where}: tests")]
    beside = [_side(part, f"{where}: beside", models) for part in given.get("beside", [])]
    if not tests or not all(isinstance(side, Side) for side in beside):
        raise UserError(f"{where}: expected a test or more, and metrics beside them")
    _headline(tests, where)
    parts = {"data": data, "tests": tuple(tests), "beside": tuple(beside)}
    parts["excused"] = _excused(given, where, models)
    if "recognised" in given:
        parts["recognised"] = _side(given["recognised"], f"{where}: recognised", models)
        if not isinstance(parts["recognised"], Side):
            raise UserError(f"{where}: recognised: expected a metric, found a number")
    return Claim(**given | parts)


def _headline(tests: Sequence[ClaimTest], where: str) -> None:
    """Check that one test says what the claim says first, wherever it is tested."""
    names = [test.name for test in tests if test.headline]
    if len(names) != 1:
        raise UserError(
            f"{where}: expected one test with headline: true, found {', '.join(names) or 'none'}"
        )
    if any(test.headline and test.data for test in tests):
        raise UserError(f"{where}: expected a headline test without data, made wherever others are")


def _excused(given: Mapping, where: str, models: Sequence[str]) -> tuple[Excuse, ...]:
    """Read which models need not meet a precondition, and why."""
    where = f"{where}: excused"
    found = []
    for content in _list(given.get("excused", []), where):
        excuse = _section(Excuse, content, where)
        for key, known in (("models", models), ("of", CONDITIONS)):
            if not _texts(excuse[key]):
                raise UserError(f"{where}: {key}: expected a list of names, found {excuse[key]!r}")
            for name in excuse[key]:
                _known(name, known, f"{where}: {key}")
        _is(str, excuse["reason"], f"{where}: reason")
        found.append(Excuse(tuple(excuse["models"]), tuple(excuse["of"]), excuse["reason"]))
    return tuple(found)


def _kinds(given: Any, where: str, kinds: Mapping) -> tuple[str, ...]:
    if not _texts(given):
        raise UserError(f"{where}: data: expected a list of kinds, found {given!r}")
    for kind in given:
        _known(kind, kinds, f"{where}: data")
    return tuple(given)


def _test(content: Any, where: str, kinds: Mapping, models: Sequence[str]) -> ClaimTest:
    given = _section(ClaimTest, content, f"{where}: test")
    _is(str, given["name"], f"{where}: name")
    where = f"{where}, '{given['name']}'"
    _known(given["op"], OPERATORS, f"{where}: op")
    for key in ("headline", "beyond_noise"):
        _is(bool, given.get(key, False), f"{where}: {key}")
    _margin(given, where)
    parts = {key: _side(given[key], f"{where}: {key}", models) for key in ("left", "right")}
    parts["excused"] = _excused(given, where, models)
    if "data" in given:
        parts["data"] = _kinds(given["data"], where, kinds)
    test = ClaimTest(**given | parts)
    if not test.sides:
        raise UserError(f"{where}: expected a metric on one side at least, found two numbers")
    return test


def _margin(given: Mapping, where: str) -> None:
    """Check that there is a margin with ``within``, and with no other operator."""
    if ("margin" in given) != (given["op"] == TWO_SIDED):
        only = f"with the operator '{TWO_SIDED}', and only there"
        raise UserError(f"{where}: expected a margin {only}")
    if "margin" in given and _number(given["margin"], f"{where}: margin") <= 0:
        raise UserError(f"{where}: margin: expected a number above 0, found {given['margin']}")


def _side(content: Any, where: str, models: Sequence[str]) -> Side | float:
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        return _number(content, where)
    given = _section(Side, content, where)
    _known(given["metric"], FAMILY, f"{where}: metric")
    _known(given["model"], models, f"{where}: model")
    names = [key for key in ("away_from", "times", "plus") if key in given]
    numbers = {key: _number(given[key], f"{where}: {key}") for key in names}
    if numbers.get("times", 1) <= 0:
        raise UserError(f"{where}: times: expected a number above 0, found {given['times']}")
    return Side(**given | numbers)


def _section(kind: type, content: Any, where: str) -> dict[str, Any]:
    """Check that a section has the fields of a dataclass as its keys."""
    fields = {f.name: f.default is dataclasses.MISSING for f in dataclasses.fields(kind)}
    if not isinstance(content, Mapping):
        raise UserError(f"{where}: expected a section with {', '.join(fields)}, found {content!r}")
    for key in content:
        _known(key, fields, f"{where}: key")
    missing = [key for key, required in fields.items() if required and key not in content]
    if missing:
        raise UserError(f"{where}: expected the keys {', '.join(fields)}, missing {missing[0]}")
    return dict(content)


def _known(value: Any, valid: Any, where: str) -> None:
    if not isinstance(value, str) or value not in valid:
        shown = f"one of {', '.join(valid)}" if len(valid) < 12 else "a known name"
        raise UserError(f"{where}: expected {shown}, found '{value}'.{nearest(value, valid)}")


def _is(kind: type, value: Any, where: str) -> None:
    if not isinstance(value, kind) or value == "":
        expected = {str: "a text", bool: "true or false"}[kind]
        raise UserError(f"{where}: expected {expected}, found {value!r}")


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UserError(f"{where}: expected a finite number, found {value!r}")
    return float(value)


def _list(value: Any, where: str) -> list:
    if not isinstance(value, list):
        raise UserError(f"{where}: expected a list, found {value!r}")
    return value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)
