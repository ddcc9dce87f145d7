"""How scores are taken, read from ``config/protocol/<name>.yaml`` and known by its hash."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dlvae.stage.errors import UserError, nearest
from eval.metrics.ms_ssim.variant import VariantRule

BN_EVAL = ("recalibrated", "batch", "running")
CHECKPOINTS = ("final",)


@dataclass(frozen=True)
class SamplesRule:
    """Images per class: ``few`` up to ``few_classes`` classes, else ``many``."""

    few_classes: int
    few: int
    many: int


@dataclass(frozen=True)
class InceptionRule:
    """``splits``: parts of a sample set that are scored apart and averaged."""

    splits: int


@dataclass(frozen=True)
class JudgesRule:
    """``agreement``: below this share of images on which the members of an ensemble see one class,
    the mean over their pairs, a score is not to be believed; 0 for never."""

    agreement: float


@dataclass(frozen=True)
class IntervalsRule:
    """Intervals within one seed.

    Attributes:
        groups: groups of images that the jackknife leaves out in turn.
        draws: resamples of classes.
    """

    groups: int
    draws: int


@dataclass(frozen=True)
class Protocol:
    """The rules that every family of scores is taken by.

    What else a score depends on stands in its row by content hash: what was scored, the judges and
    the data; see :class:`eval.rows.ScoreRow`. Sizes of a single family are constants of its code,
    which the row's fingerprint tells.

    Attributes:
        id: name of the protocol.
        checkpoint: which weights are sampled.
        bn_eval: statistics of batch norms at sampling.
        samples: images per class.
        inception: Inception Score.
        intervals: how sure a score of one seed is.
        recheck_pairs: pairs that are scored again by independent code.
        ms_ssim: diversity variants by name.
        pairs: random pairs per class that diversity is taken from; 0, or no such key: all pairs.
        judges: when the judges disagree; no such key: never.
        hash: 12 hex digits of SHA-256 over all of the above; comments, the order of keys and the
            spelling of numbers do not matter, nor whether a default is written.
    """

    id: str
    checkpoint: str
    bn_eval: str
    samples: SamplesRule
    inception: InceptionRule
    intervals: IntervalsRule
    recheck_pairs: int
    ms_ssim: Mapping[str, VariantRule]
    pairs: int = 0
    judges: JudgesRule = JudgesRule(agreement=0.0)

    def __post_init__(self) -> None:
        _one_of("checkpoint", self.checkpoint, CHECKPOINTS)
        _one_of("bn_eval", self.bn_eval, BN_EVAL)
        counts = (self.samples.few, self.samples.many, self.inception.splits)
        if min(counts) < 1 or self.recheck_pairs < 0:
            raise UserError("samples and splits: expected at least 1; recheck_pairs: at least 0")
        if self.pairs < 0 or self.pairs == 1:
            raise UserError(f"pairs: expected at least 2, or 0 for all, found {self.pairs}")
        if not 0 <= self.judges.agreement <= 1:
            raise UserError(f"judges.agreement: expected 0 to 1, found {self.judges.agreement}")
        if self.intervals.groups < 3 or self.intervals.draws < 100:
            raise UserError("intervals: expected at least 3 groups and 100 draws")

    @property
    def hash(self) -> str:
        """Identity of the content."""
        text = json.dumps(_plain(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """``id:hash``, as in score rows."""
        return f"{self.id}:{self.hash}"

    def samples_per_class(self, classes: int) -> int:
        """Return the number of images per class of a data set with so many classes."""
        few = classes <= self.samples.few_classes
        return self.samples.few if few else self.samples.many


def load_protocol(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Protocol:
    """Read a protocol file and lay ``overrides`` (nested, by key) over it.

    Raises:
        UserError: the file is missing or malformed, a key is unknown or absent, or a value has the
            wrong type or range.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"expected a readable protocol file at {path}: {error}") from error
    try:
        return _read(Protocol, _merged(content, overrides) if overrides else content, "")
    except UserError as error:
        raise UserError(f"protocol {path}: {error}") from error


def _merged(base: Any, over: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def _read(kind: Any, value: Any, where: str) -> Any:
    """Return ``value`` as the type ``kind``: a dataclass, mapping, tuple or scalar."""
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is not None and issubclass(origin, Mapping):
        items = _expect(value, Mapping, "a section", where).items()
        return types.MappingProxyType(
            {str(key): _read(inside[1], item, f"{where}.{key}") for key, item in items}
        )
    if origin is tuple:
        items = _expect(value, list, "a list", where)
        return tuple(_read(inside[0], item, where) for item in items)
    if kind is float and type(value) is int:
        return float(value)
    # bool is an int to Python, not to a reader of the file.
    if type(value) is not kind:
        names = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
        raise UserError(f"{where}: expected {names[kind]}, found {value!r}")
    return value


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    given = _expect(value, Mapping, "a section", where)
    fields = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    for key in given:
        if key not in fields:
            valid = ", ".join(fields)
            hint = nearest(key, fields)
            raise UserError(f"unknown key '{prefix}{key}': expected one of {valid}.{hint}")
    optional = {field.name for field in dataclasses.fields(kind) if _has_default(field)}
    missing = [prefix + key for key in fields if key not in given and key not in optional]
    if missing:
        raise UserError(f"missing {', '.join(missing)}; a protocol is a complete file")
    read = {key: _read(of, given[key], prefix + key) for key, of in fields.items() if key in given}
    try:
        return kind(**read)
    except UserError as error:
        raise UserError(f"{where}: {error}" if where else str(error)) from error


def _expect(value: Any, kind: type, name: str, where: str) -> Any:
    if not isinstance(value, kind):
        raise UserError(f"{where or 'top level'}: expected {name}, found {value!r}")
    return value


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        # A default is left out: protocols from before there was such a key keep their hashes.
        items = [(field, getattr(value, field.name)) for field in dataclasses.fields(value)]
        return {
            field.name: _plain(item)
            for field, item in items
            if not (_has_default(field) and item == field.default)
        }
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _has_default(field: dataclasses.Field) -> bool:
    return field.default is not dataclasses.MISSING


def _one_of(key: str, value: str, valid: tuple[str, ...]) -> None:
    if value not in valid:
        hint = nearest(value, valid)
        raise UserError(f"{key}: expected one of {', '.join(valid)}, found '{value}'.{hint}")
