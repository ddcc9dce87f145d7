"""A section of a configuration: keys, defaults, ranges and meanings in one pydantic model.

Sections are strict: an unknown key, a value of another type or one out of its range is a
:class:`UserError` that says where, what was expected, what was found and what was probably meant.
The meaning of a key is the docstring below it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    create_model,
    field_validator,
)

from dlvae.config.explain import explain
from dlvae.config.largest import MOST, MOST_THREADS
from dlvae.config.yaml_files import parse_yaml
from dlvae.stage.errors import UserError


def _as_written(value: Any, check: Any) -> Any:
    check(value)
    return value


def _each_once(values: list[Any]) -> list[Any]:
    if any(value in values[:index] for index, value in enumerate(values)):
        raise ValueError(f"expected each value once, found {values!r}")
    return values


def number(**bounds: float) -> Any:
    """Return the type of a finite number within ``bounds`` (gt, ge, lt, le of pydantic).

    Without an upper one it is at most `MOST`.

    An integer stays one: what is written in a preset is what its slices and hashes hold.
    """
    if not {"lt", "le"} & bounds.keys():
        bounds["le"] = MOST
    return Annotated[float, Field(**bounds), WrapValidator(_as_written)]


Item = TypeVar("Item")
Natural = Annotated[int, Field(ge=0, le=MOST)]
Count = Annotated[int, Field(ge=1, le=MOST)]
Side = Annotated[int, Field(ge=8, le=1024)]  # of an image, pixels
Width = number(gt=0, le=64)  # multiplier of hidden widths
Rate = number(gt=0, le=100)  # of learning: beyond, steps overflow
Dimensions = Annotated[int, Field(ge=1, le=100_000)]
Threads = Annotated[int, Field(ge=1, le=MOST_THREADS)]
Positive, NotNegative, Fraction = number(gt=0), number(ge=0), number(gt=0, lt=1)
Distinct = Annotated[list[Item], AfterValidator(_each_once)]
SomeDistinct = Annotated[list[Item], Field(min_length=1), AfterValidator(_each_once)]
Several = Annotated[tuple[Item, ...], Field(strict=False)]  # a list, kept as a tuple


class Section(BaseModel):
    """Base of every section of a configuration, and of a model's own options."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    whole: ClassVar[str] = ""  # why no key may be missing

    @classmethod
    def read(cls, values: Any, where: str = "", words: bool = False) -> Self:
        """Return the section with these ``values``; keys left out take their defaults.

        Args:
            where: address of the section, for messages ("options.cvae").
            words: read strings as YAML where a key takes no string: Snakemake hands the scalars
                inside ``--config key={...}`` over as strings.

        Raises:
            UserError: a key is unknown or missing, or a value of the wrong kind.
        """
        try:
            return cls.model_validate(values, context={"words": words})
        except ValidationError as error:
            schema = cls.model_json_schema()
            found = [explain(each, schema, values, where) for each in error.errors()]
            if any(each["type"] == "missing" for each in error.errors()):
                found += [cls.whole] if cls.whole else []
            raise UserError("; ".join(dict.fromkeys(found))) from None

    @field_validator("*", mode="wrap")
    @classmethod
    def _read_words(cls, value: Any, check: Any, info: ValidationInfo) -> Any:
        if not (info.context or {}).get("words"):
            return check(value)
        if value == "null":
            with suppress(ValidationError):
                return check(None)
        try:
            return check(value)
        except ValidationError as first:
            try:
                return check(read_words(value))
            except ValidationError as second:
                # What is wrong in a section of its own was read as words there.
                raise first if isinstance(value, Mapping) else second from None


class Options(Section):
    """Base of the own options of a model; itself those of a model without any."""

    model_config = ConfigDict(json_schema_extra={"noun": "option"})


class Overlay(Section):
    """What is laid over another section: of keys without a default only what is given counts."""


def overlay(name: str, section: type[Section], *keys: str) -> type[Overlay]:
    """Return the overlay ``name`` with these keys of a section, or with all of them."""
    fields = {key: section.model_fields[key] for key in keys or section.model_fields}
    optional: dict[str, Any] = {
        key: (field.rebuild_annotation(), Field(default=None, description=field.description))
        for key, field in fields.items()
    }
    return create_model(name, __base__=Overlay, __module__=section.__module__, **optional)


def plain(value: Any, given: Any = None) -> Any:
    """Return a section as plain mappings: keys that were ``given`` first, in their order."""
    if not isinstance(value, Section | dict):
        return copy.deepcopy(value)
    values, given = dict(value), given if isinstance(given, Mapping) else {}
    if isinstance(value, Overlay):
        values = {k: v for k, v in values.items() if v is not None or k in value.model_fields_set}
    order = dict.fromkeys([*(key for key in given if key in values), *values])
    return {key: plain(values[key], given.get(key)) for key in order}


def read_words(value: Any) -> Any:
    """Return ``value`` with every string in it read as a scalar of YAML."""
    if isinstance(value, Mapping):
        return {key: read_words(item) for key, item in value.items()}
    if isinstance(value, list):
        return [read_words(item) for item in value]
    if not isinstance(value, str):
        return value
    for read in (int, float):  # YAML takes 1e-3 for a word
        with suppress(ValueError):
            return read(value)
    try:
        return parse_yaml(value)
    except ValueError:
        return value
