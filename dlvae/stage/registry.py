"""Models by name: ours, the folders of ``baselines/``, and packages the user installed.

Nothing here lists a baseline. A name resolves to a module whose ``MODEL`` is a
:class:`dlvae.base.GenerativeModel`: ``ours`` is :mod:`dlvae.method.networks`, a folder of
``baselines/`` is ``baselines.<name>.model``, and any other name is an entry point of the group
``dlvae.models``. Finding names needs no torch; only building does.
"""

from __future__ import annotations

import dataclasses
import importlib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dlvae.stage.artefact import atomic, read_json, sha256_file, write_json
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.seeds import derive_seed

if TYPE_CHECKING:
    import torch

    from dlvae.base import GenerativeModel, Method, Task

BASELINES = Path(__file__).resolve().parents[2] / "baselines"
ENTRY_POINTS = "dlvae.models"
WEIGHTS, DEFINITION = "weights.safetensors", "model.json"
SNAPSHOTS = "snapshots.safetensors"  # weights on the way, as "<step>/<name>"


def model_names() -> list[str]:
    """Return every known model: ours, baselines in order of name, then installed packages."""
    folders = sorted(path.parent.name for path in BASELINES.glob("*/model.py"))
    installed = sorted(point.name for point in metadata.entry_points(group=ENTRY_POINTS))
    return list(dict.fromkeys(["ours", *folders, *installed]))


def module_name(name: str) -> str:
    """Return the module that holds a model; :class:`UserError` for an unknown name."""
    if name == "ours":
        return "dlvae.method.networks"
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


def build(name: str, task: Task, method: Method, options: dict[str, Any]) -> GenerativeModel:
    """Build a model; its initial weights are whatever the global generator gives.

    Use :func:`build_seeded` for weights that depend on a seed alone.
    """
    model_class = importlib.import_module(module_name(name)).MODEL
    known = [field.name for field in dataclasses.fields(model_class.Config)]
    for key in options:
        if key not in known:
            raise UserError(
                f"unknown option '{key}' of model '{name}': expected one of "
                f"{', '.join(known) or '(none)'}.{nearest(key, known)}"
            )
    config = model_class.Config(**{**default_options(name), **options})
    return model_class(task, method, config)


def build_seeded(
    name: str, task: Task, method: Method, options: dict[str, Any], *seed_parts: str | int
) -> GenerativeModel:
    """Build a model whose initial weights depend on ``seed_parts`` alone."""
    import torch

    # torch's initialisers read the global generator; it is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(*seed_parts))
        return build(name, task, method, options)


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
    definition |= {"task": dataclasses.asdict(model.task)}
    definition |= {"method": dataclasses.asdict(model.method)}
    write_json(folder / DEFINITION, definition)


def load_model(folder: str | Path, device: torch.device | str | None = None) -> GenerativeModel:
    """Load a saved model in evaluation mode, on ``device`` (CUDA where available by default)."""
    from dlvae.base import Method, Task
    from dlvae.stage.runtime import device as default_device

    folder = Path(folder)
    definition = read_json(folder / DEFINITION)
    task, method = Task(**definition["task"]), Method(**definition["method"])
    model = build(definition["model"], task, method, definition["options"])
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
