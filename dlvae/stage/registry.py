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
import math
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dlvae.stage.artefact import atomic, read_json, sha256_file, write_json
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.seeds import derive_seed

if TYPE_CHECKING:
    import torch

    from dlvae.base import GenerativeModel
    from dlvae.settings import Method, Task

BASELINES = Path(__file__).resolve().parents[2] / "baselines"
ENTRY_POINTS, ATTRIBUTE = "dlvae.models", "MODEL"
WEIGHTS, DEFINITION = "weights.safetensors", "model.json"
SNAPSHOTS = "snapshots.safetensors"  # weights on the way, as "<step>/<name>"

Snapshots = dict[int, "dict[str, torch.Tensor]"]
"""Weights by the number of finished steps."""


def model_names() -> list[str]:
    """Return every known model: ours, baselines in order of name, then installed packages."""
    folders = sorted(path.parent.name for path in BASELINES.glob("*/model.py"))
    installed = sorted(point.name for point in metadata.entry_points(group=ENTRY_POINTS))
    return list(dict.fromkeys(["ours", *folders, *installed]))


def module_name(name: str) -> str:
    """Return the module that holds a model; :class:`UserError` for an unknown name."""
    if name == "ours":
        return "dlvae.method.algorithm1"
    if (BASELINES / name / "model.py").is_file():
        return f"baselines.{name}.model"
    for point in metadata.entry_points(group=ENTRY_POINTS, name=name):
        return point.module
    known = model_names()
    raise UserError(
        f"unknown model '{name}': expected one of {', '.join(known)}.{nearest(name, known)} "
        f"A new baseline is a folder baselines/{name}/ with a model.py."
    )


def default_options(name: str) -> dict[str, Any]:
    """Return a model's own options with their defaults, from its ``default.yaml``."""
    module = module_name(name)
    path = BASELINES / name / "default.yaml"
    if not module.startswith("baselines.") or not path.is_file():
        return {}
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def check_entry_point(name: str) -> None:
    """Check the entry point of an installed model; any other model passes.

    Raises:
        UserError: a value that cannot be read, another attribute than ``MODEL``, which would run
            another model than it says, or the name of ``ours`` or a baseline, which would be taken
            in its place.
    """
    taken = name == "ours" or (BASELINES / name / "model.py").is_file()
    for point in metadata.entry_points(group=ENTRY_POINTS, name=name):
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


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Check the options of ``ours`` or a baseline against its ``default.yaml``.

    An option is of the type of its default; one whose default is null is a size that the preset
    gives otherwise: an integer of at least 1, or null. A baseline with an ``options.py`` (free of
    torch) also refuses there, in ``Config``, what lies out of its range. An installed package has
    no ``default.yaml`` and checks its own options when it is built.

    Raises:
        UserError: an unknown option, a value of another type, or one that ``Config`` refuses.
    """
    module = module_name(name)
    if name != "ours" and not module.startswith("baselines."):
        return
    defaults, where = default_options(name), f"options.{name}"
    for key, value in options.items():
        if key not in defaults:
            raise UserError(
                f"unknown option '{where}.{key}': expected one of "
                f"{', '.join(defaults) or '(none)'}.{nearest(key, defaults)}"
            )
        if expected := _mismatch(value, defaults[key]):
            raise UserError(f"{where}.{key}: expected {expected}, found {value!r}")
    if options and (BASELINES / name / "options.py").is_file():
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


def build_seeded(
    name: str, task: Task, method: Method, options: dict[str, Any], *seed_parts: str | int
) -> GenerativeModel:
    """Build a model whose initial weights depend on ``seed_parts`` alone."""
    import torch

    model_class = importlib.import_module(module_name(name)).MODEL
    known = [field.name for field in dataclasses.fields(model_class.Config)]
    for key in options:
        if key not in known:
            raise UserError(
                f"unknown option '{key}' of model '{name}': expected one of "
                f"{', '.join(known) or '(none)'}.{nearest(key, known)}"
            )
    config = model_class.Config(**{**default_options(name), **options})
    # torch's initialisers read the global generator; it is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(*seed_parts))
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
    options = dataclasses.asdict(model.config)
    definition = {"model": name, "options": options, "section": section}
    task = dataclasses.asdict(model.task)
    if model.task.fast:  # as in every definition that does not say
        del task["fast"]
    definition |= {"task": task}
    definition |= {"method": dataclasses.asdict(model.method)}
    write_json(folder / DEFINITION, definition)


def load_model(folder: str | Path, device: torch.device | str | None = None) -> GenerativeModel:
    """Load a saved model in evaluation mode, on ``device`` (CUDA where available by default)."""
    from dlvae.settings import Method, Task
    from dlvae.stage.runtime import device as default_device

    folder = Path(folder)
    definition = read_json(folder / DEFINITION)
    task, method = Task(**definition["task"]), Method(**definition["method"])
    model = build_seeded(definition["model"], task, method, definition["options"])
    model.load_state_dict(load_weights(folder / WEIGHTS))
    return model.to(default_device() if device is None else device).eval()


def save_weights(path: str | Path, tensors: dict[str, torch.Tensor]) -> None:
    """Save tensors as safetensors, atomically."""
    from safetensors.torch import save_file

    with atomic(path) as temporary:
        # clone: safetensors refuses tensors that share storage (fused optimisers make views)
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, temporary)


def load_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Load safetensors; :class:`UserError` names the path when they cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"expected a readable safetensors file at {path}: {error}") from error


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
        found.setdefault(int(step), {})[name] = tensor
    return dict(sorted(found.items()))
