"""A preset file becomes a complete, checked configuration.

Presets are complete files: nothing is inherited from one to another. What the command line sets
is laid over the preset, defaults come from the JSON schema, and every name is checked before any
job starts.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.exceptions import ValidationError

from dlvae.candidate import find_candidate
from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import check_entry_point, check_options, default_options, model_names

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
    return yaml.safe_load(files[name].read_text(encoding="utf-8"))


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid over it, mappings key by key."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def resolve(
    given: Mapping[str, Any], complete: bool, folder: Path, schema: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the configuration of a run: complete, with defaults, validated.

    Args:
        given: what the command line brought (``--configfile`` and ``--config``).
        complete: ``given`` includes a configuration file, which is then the whole preset;
            otherwise it is laid over the preset it names, or over the default one.
        folder: of the shipped presets and of ``protocol/``.
        schema: JSON schema with defaults.

    Raises:
        UserError: an unknown key, preset, model, data set, option or protocol, or a value of the
            wrong kind.
    """
    config = copy.deepcopy(dict(given))
    if not complete:
        config = merge(load_preset(str(config.get("preset", DEFAULT_PRESET)), folder), config)
    config = _completed(config, schema, schema)
    _check_schema(config, schema)
    _check_models(config)
    for name in [*config["models"], config["candidate"]]:
        if name is not None:
            check_entry_point(name)
    _check_ablations(config)
    for name, part in config["datasets"].items():
        _check_side(name, part)
    if config["three_moons"]:
        _check_snapshots(config["three_moons"]["train"])
    if faces := config["datasets"].get("synthetic_faces"):
        _check_identities(faces)
    config["options"] = {name: _typed_options(name, o) for name, o in config["options"].items()}
    for name, options in config["options"].items():
        check_options(name, options)
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


def _check_schema(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    errors = jsonschema.Draft202012Validator(schema).iter_errors(config)
    found = [line for error in errors for line in _explain(error)]
    if found:
        raise UserError("in the configuration: " + "; ".join(dict.fromkeys(found)))


def _explain(error: ValidationError) -> Iterator[str]:
    """Say what was expected, what was found and what was probably meant."""
    if error.context:
        # "null or a section": what is wrong with the section is what helps.
        inside = [e for e in error.context if e.validator != "type" or e.relative_path]
        for nested in inside or error.context:
            yield from _explain(nested)
        return
    where = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        valid = list(error.schema.get("properties", {}))
        for key in sorted(set(error.instance) - set(valid)):
            name = f"{where}.{key}" if where else key
            kind = "data set" if where == "datasets" else "key"
            yield f"unknown {kind} '{name}': expected one of {_list(valid)}.{nearest(key, valid)}"
    elif error.validator == "enum":
        valid = [json.dumps(v) if v is None else str(v) for v in error.validator_value]
        hint = nearest(error.instance, valid)
        yield f"{where}: expected one of {_list(valid)}, found {error.instance!r}.{hint}"
    elif error.validator == "type":
        yield f"{where}: expected {error.validator_value}, found {error.instance!r}"
    elif error.validator == "required":
        yield f"{where or 'top level'}: {error.message}; a preset is a complete file"
    else:
        yield f"{where}: {error.message}"


def _completed(
    value: Any, part: Mapping[str, Any], schema: Mapping[str, Any], fill: bool = True
) -> Any:
    """Return ``value`` with the defaults of its part of the schema at every depth, and typed.

    Sections under names of the user's choice are laid over others: they are typed and get no
    defaults (``fill`` is False).

    Snakemake hands the scalars inside ``--config key={...}`` over as strings; one that its part
    of the schema does not allow as a string is read as YAML.
    """
    if "$ref" in part:
        part = {**schema["$defs"][part["$ref"].removeprefix("#/$defs/")], **part}
        part.pop("$ref")
    if isinstance(value, str) and not _is_valid(value, part, schema):
        value = _scalar(value)
    if value == "null" and _is_valid(None, part, schema):
        return None
    if "anyOf" in part and value is not None:
        part = next(branch for branch in part["anyOf"] if branch.get("type") != "null")
        return _completed(value, part, schema, fill)
    if isinstance(value, list):
        return [_completed(item, part.get("items", {}), schema, fill) for item in value]
    if not isinstance(value, Mapping):
        return value
    filled = dict(value)
    known, named = part.get("properties", {}), part.get("additionalProperties")
    for key, below in known.items():
        if fill and key not in filled and "default" in below:
            filled[key] = copy.deepcopy(below["default"])
        if key in filled:
            filled[key] = _completed(filled[key], below, schema, fill)
    for key in filled.keys() - known.keys() if isinstance(named, Mapping) else ():
        filled[key] = _completed(filled[key], named, schema, fill=False)
    return filled


def _is_valid(value: Any, part: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    whole = {"$defs": schema["$defs"], **part}
    return jsonschema.Draft202012Validator(whole).is_valid(value)


def _scalar(text: str) -> Any:
    for read in (int, float):  # YAML takes 1e-3 for a word
        try:
            return read(text)
        except ValueError:
            pass
    return yaml.safe_load(text)


def _typed_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Read options that the command line handed over as strings; see :func:`_completed`."""
    defaults = default_options(name)
    return {
        key: _scalar(value)
        if isinstance(value, str) and not isinstance(defaults.get(key), str)
        else value
        for key, value in options.items()
    }


def _check_models(config: Mapping[str, Any]) -> None:
    known = model_names()
    sections = config["figures"].values()
    named = [*config["models"], *config["options"]]
    named += [model for section in sections for model in (section or {}).get("models", [])]
    named += (config["ablations"] or {}).get("beside", [])
    for name in named:
        if name not in known:
            raise UserError(
                f"unknown model '{name}': expected one of {_list(known)}.{nearest(name, known)}"
            )


def _check_ablations(config: Mapping[str, Any]) -> None:
    if not config["ablations"]:
        return
    dataset, datasets = config["ablations"]["dataset"], config["datasets"]
    if dataset not in datasets:
        raise UserError(
            f"ablations.dataset: expected a data set of the preset ({_list(datasets)}), found "
            f"'{dataset}'"
        )
    for model in ablation_models(config):
        name = model.removeprefix("ours_")
        # Models called *_semi are those of the semi-supervised stage.
        if model in model_names() or model.endswith("_semi"):
            raise UserError(
                f"ablations.methods.{name}: '{model}' is the name of another model; choose another "
                "name for the ablation"
            )


def _check_side(name: str, part: Mapping[str, Any]) -> None:
    # The image backbones are named by the side they are made for; asking them would import torch.
    backbone, size = part["network"]["backbone"], part["data"]["size"]
    if int(backbone.removeprefix("net")) != size:
        raise UserError(
            f"datasets.{name}: network.backbone '{backbone}' does not fit images of {size} px: "
            "expected net32 with data.size 32, or net64 with 64"
        )


def _check_snapshots(train: Mapping[str, Any]) -> None:
    """Refuse snapshots that no training would reach: Figure 2 would lack their columns."""
    late = [epoch for epoch in train["snapshot_epochs"] if epoch > train["epochs"]]
    if late:
        raise UserError(
            f"three_moons.train.snapshot_epochs: expected at most train.epochs, "
            f"{train['epochs']}, found {_list(map(str, late))}; leave them out or set "
            f"three_moons.train.epochs to {max(late)}"
        )


def _check_identities(part: Mapping[str, Any]) -> None:
    """Refuse unlabelled people who also occur with a label: Figure 6 shows unseen ones."""
    data, other = part["data"], part.get("unlabelled")
    if not other or data["seed"] != other["seed"]:
        return
    first, second = data["first_identity"], other["first_identity"]
    if first < second + other["identities"] and second < first + data["identities"]:
        raise UserError(
            f"datasets.synthetic_faces.unlabelled: identities {second} to "
            f"{second + other['identities'] - 1} overlap the labelled ones, {first} to "
            f"{first + data['identities'] - 1}; set first_identity to "
            f"{first + data['identities']} or more"
        )


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"
