"""How a data set is prepared: its roles, and a configuration section as a checked dataclass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_args, get_type_hints

from dlvae.data.dataset import Prepared
from dlvae.stage.errors import UserError, nearest

OptionsType = TypeVar("OptionsType")


@dataclass(frozen=True)
class Role:
    """How one role of a data set is prepared.

    `prepare` is called with an `options` object; if `local`, also with `root` and `threads`.
    """

    options: type
    prepare: Callable[..., Prepared]
    local: bool = False


def build_options(cls: type[OptionsType], values: Mapping[str, Any], where: str) -> OptionsType:
    """Build the dataclass `cls` from `values`; keys left out take its defaults.

    Args:
        cls: a dataclass whose fields are int, float, bool, str or one of them or None.
        values: the section.
        where: its address in the preset, for messages ("datasets.faces.data").

    Raises:
        UserError: an unknown key (with the nearest valid one), a value of another type, or a
            negative number.
    """
    valid = {field.name for field in fields(cls)}
    types = get_type_hints(cls)
    for key, value in values.items():
        if key not in valid:
            raise UserError(
                f"{where}: unknown key '{key}'.{nearest(key, valid)} Valid keys: "
                f"{', '.join(sorted(valid))}"
            )
        allowed = get_args(types[key]) or (types[key],)
        # bool is an int to Python, and an int will do where a float is asked for.
        number = isinstance(value, int) and not isinstance(value, bool)
        if type(value) not in allowed and not (number and float in allowed):
            names = " or ".join("null" if t is type(None) else t.__name__ for t in allowed)
            raise UserError(f"{where}.{key}: expected {names}, found {value!r}")
        if isinstance(value, (int, float)) and value < 0:
            raise UserError(f"{where}.{key}: expected a value of at least 0, found {value!r}")
    return cls(**values)
