"""Own options of a baseline, checked before any job and without torch."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

from dlvae.stage import registry
from dlvae.stage.errors import UserError, nearest


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Check the options of ``ours`` or a baseline against its ``default.yaml``.

    An option is of the type of its default; one whose default is null is a size that the preset
    gives otherwise: an integer of at least 1, or null. A baseline with an ``options.py`` (free of
    torch) also refuses there, in ``Config``, what lies out of its range. An installed package has
    no ``default.yaml`` and checks its own options when it is built.

    Raises:
        UserError: an unknown option, a value of another type, or one that ``Config`` refuses.
    """
    module = registry.module_name(name)
    if name != "ours" and not module.startswith("baselines."):
        return
    defaults, where = registry.default_options(name), f"options.{name}"
    for key, value in options.items():
        if key not in defaults:
            raise UserError(
                f"unknown option '{where}.{key}': expected one of "
                f"{', '.join(defaults) or '(none)'}.{nearest(key, defaults)}"
            )
        if expected := _mismatch(value, defaults[key]):
            raise UserError(f"{where}.{key}: expected {expected}, found {value!r}")
    if options and (registry.BASELINES / name / "options.py").is_file():
        config = importlib.import_module(f"baselines.{name}.options").Config
        try:
            config(**{**defaults, **options})
        except UserError as error:
            raise UserError(f"{where}.{error}") from None


def _mismatch(value: Any, default: Any) -> str | None:
    """Return what was expected where ``value`` does not fit ``default``, None where it does."""
    # bool is an int to Python, and an int will do where a float is asked for.
    integer = isinstance(value, int) and not isinstance(value, bool)
    if default is None:
        fits = value is None or (integer and value >= 1)
        return None if fits else "an integer of at least 1, or null"
    if isinstance(default, float):
        fits = integer or (isinstance(value, float) and math.isfinite(value))
        return None if fits else "a finite number"
    return None if type(value) is type(default) else type(default).__name__
