"""Models: new ones by name, installed ones, and the files of trained ones."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch

from baselines import __main__ as baselines
from corpus.bad_input import BadInput, Exploit
from corpus.command_lines import configured
from dlvae.config.method_keys import Method
from dlvae.stage.registry import build_seeded, load_model, load_snapshots, save_model
from dlvae.stage.runtime import run_stage
from dlvae.task import Task
from installed import install

TASK = Task("image", "net32", 32, 3, 0.05, 4, 6, 8, 40)


def new(name: str, said: str, called: str) -> BadInput:
    """Return a case of `python -m baselines new NAME`."""

    def run(folder: Path) -> None:
        run_stage(baselines.main, baselines.command(), ["new", called])

    return BadInput(name, said, run)


def installed(name: str, said: str, target: str, model: str = "theirs") -> BadInput:
    """Return a case of an installed package whose entry point is `target`."""

    def run(folder: Path) -> None:
        install(folder, {model: target}, {"theirs/__init__.py": ""})
        with mock.patch.object(sys, "path", [str(folder), *sys.path]):
            configured(f"models=[{model}]")

    return BadInput(name, said, run)


def tampered(
    name: str, said: str, change: Callable[[Path], Any], load: Callable = load_model
) -> BadInput:
    """Return a case of a trained model whose folder `change` changes."""

    def run(folder: Path) -> None:
        model = build_seeded("cvae", TASK, Method(), {}, 0)
        save_model(folder / "model", "cvae", model, {"preset": "p"})
        change(folder / "model")
        load(folder / "model")

    return BadInput(name, said, run)


def definition(**changes: Any) -> Callable[[Path], None]:
    """Return what changes entries of model.json; one that is None is left out."""

    def change(folder: Path) -> None:
        path = folder / "model.json"
        found = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({k: v for k, v in found.items() if v is not None}))

    return change


def weights(make: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Return what changes the bytes of the weights."""

    def change(folder: Path) -> None:
        path = folder / "weights.safetensors"
        path.write_bytes(make(path.read_bytes()))

    return change


def pickled(folder: Path) -> None:
    """Put a pickle of torch in the place of the weights."""
    torch.save({"a": Exploit(folder.parent)}, folder / "weights.safetensors")


def other_names(folder: Path) -> None:
    """Put weights of another network in the place of the model's."""
    model = build_seeded("cgan", TASK, Method(), {}, 0)
    save_model(folder.parent / "other", "cgan", model, {})
    (folder.parent / "other" / "weights.safetensors").rename(folder / "weights.safetensors")


def foreign_options(folder: Path) -> None:
    """Build a model whose options are no section."""
    module = SimpleNamespace(MODEL=type("Theirs", (), {"Config": dict}))
    with mock.patch.dict(sys.modules, {"baselines.cvae.model": module}):
        build_seeded("cvae", TASK, Method(), {}, 0)


MODELS = [
    new("a name with a capital", "python -m baselines new my_model", "My Model"),
    new("a name that is a path", "expected a Python identifier", "../mine"),
    new("a word of Python for a name", "expected a Python identifier", "class"),
    new("a name that is taken", "'cvae' is there already", "cvae"),
    new("a name with a meaning of its own", "has a meaning of its own", "real"),
    new("a name of control characters", "expected a Python identifier", "\x1b[31m"),
    new("a name of 100,000 letters", "of at most 64 lower-case letters", "a" * 100_000),
    installed("an entry point that names another attribute", "expected <module>:MODEL",
              "theirs:Other"),
    installed("an entry point that cannot be read", "expected <module>:MODEL", "no target"),
    installed("an entry point with the name of a model here", "a model of this name here",
              "theirs:MODEL", "cvae"),
    BadInput("a model whose options are no section", "expected Theirs.Config", foreign_options),
    tampered("no model.json", "found nothing", lambda folder: (folder / "model.json").unlink()),
    tampered("a model.json that is no JSON", "expected a readable JSON file",
             lambda folder: (folder / "model.json").write_text("{")),
    tampered("a model.json that is a list", "expected a JSON object, found a list",
             lambda folder: (folder / "model.json").write_text("[]")),
    tampered("10,000 brackets in model.json", "expected a readable JSON file",
             lambda folder: (folder / "model.json").write_text("[" * 10_000)),
    tampered("a binary model.json", "expected a readable JSON file",
             lambda folder: (folder / "model.json").write_bytes(bytes(range(256)))),
    tampered("a definition without a task", "expected the entry 'task'", definition(task=None)),
    tampered("a definition with another task", "expected the entries", definition(task={"a": 1})),
    tampered("a definition of an unknown model", "unknown model 'nothing'",
             definition(model="nothing")),
    tampered("a definition that names a module of Python", "unknown model 'os'",
             definition(model="os")),
    tampered("a method with an unknown key", "unknown key 'method.x'", definition(method={"x": 1})),
    tampered("options of another type", "options.cvae.d_z", definition(options={"d_z": "x"})),
    tampered("no weights", "expected a readable safetensors file",
             lambda folder: (folder / "weights.safetensors").unlink()),
    tampered("half of the weights", "expected a readable safetensors file",
             weights(lambda whole: whole[: len(whole) // 2])),
    tampered("weights that are a text", "expected a readable safetensors file",
             weights(lambda whole: b"hello")),
    tampered("weights that are a pickle", "expected a readable safetensors file", pickled),
    tampered("weights with a header of 2^60 bytes", "expected a readable safetensors file",
             weights(lambda whole: (1 << 60).to_bytes(8, "little") + whole[8:])),
    tampered("weights of another model", "expected the weights of the model", other_names),
    tampered("weights of NaN", "expected finite weights", weights(
        lambda whole: whole[:-400] + b"\x00\x00\xc0\x7f" * 100)),
    tampered("no snapshots", "expected a readable safetensors file", lambda folder: None,
             load_snapshots),
    tampered("snapshots without their steps", "expected weights by step", lambda folder: (
        folder / "weights.safetensors").rename(folder / "snapshots.safetensors"), load_snapshots),
]  # fmt: skip
