"""Models by name, and their files.

A model is ours, a folder of ``baselines/``, or of a package that the user installed.

Nothing here lists a baseline. A name resolves to a module whose ``MODEL`` is a
:class:`dlvae.base.GenerativeModel`: ``ours`` is :mod:`dlvae.method.algorithm1`, a folder of
``baselines/`` is ``baselines.<name>.model``, and any other name is an entry point of the group
``dlvae.models``. Finding names and checking options needs no torch; only building does.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlvae.config.method_keys import Method
from dlvae.config.section import Options, read_words
from dlvae.stage.artefact import read_json, sha256_file, write_json
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.runtime import device
from dlvae.stage.seeds import seeded_globally
from dlvae.stage.weights import load_state, load_weights, save_weights
from dlvae.task import Task

if TYPE_CHECKING:
    import torch

    from dlvae.base import GenerativeModel

BASELINES = Path(__file__).resolve().parents[2] / "baselines"
ENTRY_POINTS, ATTRIBUTE = "dlvae.models", "MODEL"
WEIGHTS, DEFINITION = "weights.safetensors", "model.json"
SNAPSHOTS = "snapshots.safetensors"  # weights on the way, as "<step>/<name>"

Snapshots = dict[int, "dict[str, torch.Tensor]"]
"""Weights by the number of finished steps."""


def model_names() -> list[str]:
    """Return every known model: ours, baselines in order of name, then installed packages."""
    folders = sorted(path.parent.name for path in BASELINES.glob("*/model.py"))
    installed = sorted(point.name for point in installed_models())
    return list(dict.fromkeys(["ours", *folders, *installed]))


def installed_models() -> metadata.EntryPoints:
    """Return the entry points of installed packages that offer models.

    Python reads the metadata of every package for each such question, which claims and tables ask
    thousands of times; here once, until a package is installed or the path changes.
    """
    folders = [Path(place) for place in sys.path]
    return _read_entry_points(
        tuple((str(f), f.stat().st_mtime_ns if f.exists() else 0) for f in folders)
    )


@lru_cache(maxsize=8)
def _read_entry_points(path: tuple[tuple[str, int], ...]) -> metadata.EntryPoints:
    return metadata.entry_points(group=ENTRY_POINTS)


def module_name(name: str) -> str:
    """Return the module that holds a model; :class:`UserError` for an unknown name."""
    if name == "ours":
        return "dlvae.method.algorithm1"
    if (BASELINES / name / "model.py").is_file():
        return f"baselines.{name}.model"
    for point in installed_models().select(name=name):
        return point.module
    known = model_names()
    raise UserError(
        f"unknown model '{name}': expected one of {', '.join(known)}.{nearest(name, known)} "
        f"A new baseline is a folder baselines/{name}/ with a model.py."
    )


def options_section(name: str) -> type[Options] | None:
    """Return the section of a model's own options, from ``options.py`` of its folder.

    None of an installed package, whose options are checked when it is built: what it imports
    nobody knows.
    """
    if not module_name(name).startswith("baselines."):
        return Options if name == "ours" else None
    if not (BASELINES / name / "options.py").is_file():
        return Options
    return importlib.import_module(f"baselines.{name}.options").Config


def default_options(name: str) -> dict[str, Any]:
    """Return a model's own options with their defaults; none of an installed package."""
    section = options_section(name)
    return section().model_dump() if section else {}


def read_options(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a configuration sets, checked; some come as words.

    Raises:
        UserError: an unknown option, or a value of another type or out of its range.
    """
    if (section := options_section(name)) is None:
        return read_words(options)
    values = section.read(options, f"options.{name}", words=True).model_dump()
    return {key: values[key] for key in options}


def check_entry_point(name: str) -> None:
    """Check the name of a model, and the entry point of an installed one.

    Raises:
        UserError: a name that is no plain word, which paths, patterns and tables could take for
            something else; a value that cannot be read, another attribute than ``MODEL``, which
            would run another model than it says, or the name of ``ours`` or a baseline, which would
            be taken in its place.
    """
    if re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name) is None:
        raise UserError(
            f"model {name!r}: expected a name of letters, digits, '_' and '-' that begins with a "
            "letter or digit; rename its folder in baselines/, or its entry point in the package's "
            "pyproject.toml"
        )
    taken = name == "ours" or (BASELINES / name / "model.py").is_file()
    for point in installed_models().select(name=name):
        package = point.dist.name if point.dist else "an installed package"
        if taken:
            raise UserError(
                f"entry point '{name}' of {package}: there is a model of this name here, which "
                "would be taken in its place; rename it in the package's pyproject.toml"
            )
        match = point.pattern.match(point.value)
        if match is None or match["attr"] != ATTRIBUTE:
            raise UserError(
                f"entry point '{name}' of {package}: expected <module>:{ATTRIBUTE}, found "
                f"{point.value}; mend it in the package's pyproject.toml and install it again. "
                f"A second model of one package is a module of its own that ends with {ATTRIBUTE}"
            )


def build_seeded(
    name: str, task: Task, method: Method, options: dict[str, Any], *seed_parts: str | int
) -> GenerativeModel:
    """Build a model whose initial weights depend on ``seed_parts`` alone."""
    model_class = importlib.import_module(module_name(name)).MODEL
    if not issubclass(model_class.Config, Options):
        raise UserError(
            f"model '{name}': expected {model_class.__name__}.Config to be a "
            f"dlvae.config.section.Options, found {model_class.Config}; see the template that "
            "python -m baselines new starts from"
        )
    config = model_class.Config.read(options, f"options.{name}")
    with seeded_globally(*seed_parts):
        return model_class(task, method, config)


def save_model(
    folder: str | Path, name: str, model: GenerativeModel, section: dict[str, Any]
) -> None:
    """Save weights (safetensors) and the definition to rebuild the model from.

    Both files depend on the model alone, so that equal trainings give equal bytes. ``section``
    (preset, data set, seed, stage ...) is recorded in the definition.
    """
    folder = Path(folder)
    save_weights(folder / WEIGHTS, model.state_dict())
    definition = {"model": name, "options": model.config.model_dump(), "section": section}
    task = dataclasses.asdict(model.task)
    if model.task.fast:  # as in every definition that does not say
        del task["fast"]
    definition |= {"task": task, "method": model.method.model_dump()}
    write_json(folder / DEFINITION, definition)


def load_model(folder: str | Path) -> GenerativeModel:
    """Load a saved model in evaluation mode, on :func:`dlvae.stage.runtime.device`."""
    folder = Path(folder)
    definition = _definition(folder / DEFINITION)
    task, method = Task(**definition["task"]), Method.read(definition["method"], "method")
    model = build_seeded(definition["model"], task, method, definition["options"])
    load_state(model, folder / WEIGHTS)
    return model.to(device()).eval()


def _definition(path: Path) -> dict[str, Any]:
    found, whole = read_json(path), {"model": str, "task": dict, "method": dict, "options": dict}
    for key, kind in whole.items():
        if not isinstance(found.get(key), kind):
            raise UserError(
                f"{path}: expected the entry '{key}' of a trained model, found {found.get(key)!r}; "
                "train it again"
            )
    fields = {field.name for field in dataclasses.fields(Task)}
    if not fields - {"fast"} <= found["task"].keys() <= fields:
        raise UserError(
            f"{path}: expected the entries {', '.join(sorted(fields))} of 'task', found "
            f"{', '.join(sorted(found['task']))}; train it again"
        )
    return found


def weights_hash(folder: str | Path) -> str:
    """Return the SHA-256 of a saved model's weights file."""
    return sha256_file(Path(folder) / WEIGHTS)


def save_snapshots(folder: Path, snapshots: Snapshots) -> None:
    """Save weights that a training left on its way, in one file beside the last ones."""
    states = snapshots.items()
    flat = {f"{step}/{name}": tensor for step, state in states for name, tensor in state.items()}
    save_weights(folder / SNAPSHOTS, flat)


def load_snapshots(folder: Path) -> Snapshots:
    """Load what :func:`save_snapshots` saved, in the order of the steps."""
    found: Snapshots = {}
    for key, tensor in load_weights(folder / SNAPSHOTS).items():
        step, _, name = key.partition("/")
        if not step.isdecimal():
            raise UserError(
                f"{folder / SNAPSHOTS}: expected weights by step, as <step>/<name>, found '{key}'; "
                "train the model again"
            )
        found.setdefault(int(step), {})[name] = tensor
    return dict(sorted(found.items()))
