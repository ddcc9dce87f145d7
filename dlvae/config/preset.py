"""A preset file becomes a complete, checked configuration.

Presets are complete files: nothing is inherited from one to another. What the command line sets
is laid over the preset, defaults come from :class:`dlvae.config.keys.PresetKeys`, and every name is
checked before any job starts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlvae.candidate import find_candidate
from dlvae.config.explain import listed
from dlvae.config.keys import PresetKeys
from dlvae.config.section import plain
from dlvae.config.yaml_files import read_yaml
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import check_entry_point, model_names, read_options

# The preset that runs when none is named, and its file.
DEFAULT_PRESET, DEFAULT_FILE = "quick", "config.yaml"


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: equal values, equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def preset_files(folder: Path) -> dict[str, Path]:
    """Return the shipped presets by name."""
    return {
        DEFAULT_PRESET if path.name == DEFAULT_FILE else path.stem: path
        for path in sorted(folder.glob("*.yaml"))
    }


def load_preset(name: str, folder: Path) -> dict[str, Any]:
    """Load a shipped preset; :class:`UserError` for an unknown name."""
    files = preset_files(folder)
    if name not in files:
        raise UserError(
            f"unknown preset '{name}': expected one of {', '.join(files)}.{nearest(name, files)} "
            "Your own preset is a complete file: --configfile FILE"
        )
    return read_yaml(files[name], "a preset")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid over it, mappings key by key."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def resolve(given: Mapping[str, Any], complete: bool, folder: Path) -> dict[str, Any]:
    """Return the configuration of a run: complete, with defaults, validated.

    Args:
        given: what the command line brought (``--configfile`` and ``--config``).
        complete: ``given`` includes a configuration file, which is then the whole preset;
            otherwise it is laid over the preset it names, or over the default one.
        folder: of the shipped presets and of ``protocol/``.

    Raises:
        UserError: an unknown key, preset, model, data set, option or protocol, or a value of the
            wrong kind.
    """
    if not complete:
        given = merge(load_preset(str(given.get("preset", DEFAULT_PRESET)), folder), given)
    try:
        config = plain(PresetKeys.read(given, words=True), given)
    except UserError as error:
        raise UserError(f"in the configuration: {error}") from None
    candidate = config["candidate"]  # the path of samples may have any letters
    for name in [*config["models"], *({candidate} & {*model_names()})]:
        check_entry_point(name)
    _check_ablations(config)
    _check_fitted(config)
    config["options"] = {
        name: read_options(name, options) for name, options in config["options"].items()
    }
    protocol_file(config, folder)
    find_candidate(config, ablation_models(config))
    return config


def protocol_file(config: Mapping[str, Any], folder: Path) -> Path:
    """Return the file that a configuration's ``protocol`` names; :class:`UserError` if none."""
    name = config["protocol"]
    shipped = {path.stem: path for path in sorted((folder / "protocol").glob("*.yaml"))}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        raise UserError(
            f"protocol '{name}' not found: expected one of {', '.join(shipped)} or the path of a "
            f"file.{nearest(name, shipped)}"
        )
    return path


def ablation_models(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what each ablation lays over the method, by name of its model: ``ours_<ablation>``."""
    methods = config["ablations"]["methods"] if config["ablations"] else {}
    return {f"ours_{name}": keys for name, keys in methods.items()}


def _check_ablations(config: Mapping[str, Any]) -> None:
    if not config["ablations"]:
        return
    dataset, datasets = config["ablations"]["dataset"], config["datasets"]
    if dataset not in datasets:
        raise UserError(
            f"ablations.dataset: expected a data set of the preset ({listed(datasets)}), found "
            f"'{dataset}'"
        )
    for model in ablation_models(config):
        name = model.removeprefix("ours_")
        # Models called *_semi are those of the semi-supervised stage, *_fitted have other priors.
        if model in model_names() or model.endswith(("_semi", "_fitted")):
            raise UserError(
                f"ablations.methods.{name}: '{model}' is the name of another model; choose another "
                "name for the ablation"
            )


def _check_fitted(config: Mapping[str, Any]) -> None:
    known = [*model_names(), *ablation_models(config)]
    for name in config["fitted"]:
        if name not in known:
            raise UserError(
                f"in the configuration: fitted: unknown model '{name}': expected one of "
                f"{listed(known)}.{nearest(name, known)} An ablation is called ours_<its name>"
            )
