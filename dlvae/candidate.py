"""The candidate of the target ``compare``: a model to train, or samples from outside."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlvae.stage.errors import UserError, nearest
from dlvae.stage.registry import model_names
from dlvae.stage.text_files import found_at

# Sources of images that are no model; files of samples under such a name would overwrite theirs.
REAL = ("real", "real_train", "real_test")


@dataclass(frozen=True)
class Candidate:
    """What is set beside the stored results.

    Attributes:
        name: in files and score rows.
        samples: file or folder of images from outside; None for a model that is trained here.
        datasets: image sets that it is compared on, in the order of the configuration.
        seeds: of its trainings; 0 for samples from outside.
    """

    name: str
    samples: Path | None
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]


def find_candidate(config: Mapping[str, Any], others: Mapping[str, Any]) -> Candidate | None:
    """Return who ``candidate`` and ``dataset`` of a configuration mean; None without a candidate.

    Args:
        config: resolved configuration.
        others: names of further models of the configuration, see
            :func:`dlvae.config.preset.ablation_models`.

    Raises:
        UserError: a data set that the preset has not, a candidate that is neither a model nor a
            path, samples without a data set where there are several, or under a model's name.
    """
    datasets, wanted, given = list(config["datasets"]), config["dataset"], config["candidate"]
    if wanted is not None and wanted not in datasets:
        raise UserError(
            f"dataset: unknown data set '{wanted}': expected an image set of preset "
            f"'{config['preset']}', one of {', '.join(datasets)}.{nearest(wanted, datasets)}"
        )
    if given is None:
        return None
    chosen = tuple(datasets if wanted is None else [wanted])
    models = [*model_names(), *others]
    if given in models:
        return Candidate(given, None, chosen, tuple(config["seeds"]))
    path = Path(given).expanduser()
    if found_at(path) in ("nothing", "a link to nothing"):
        raise UserError(
            f"candidate: '{given}' is neither a model nor a file or folder of samples: "
            f"expected one of {', '.join(models)} or a path.{nearest(given, models)}"
        )
    if len(chosen) > 1:
        raise UserError(
            f"candidate: samples imitate one data set, and preset '{config['preset']}' has "
            f"{', '.join(datasets)}: name it with --config candidate={given} "
            f"dataset={chosen[0]}"
        )
    return Candidate(_name(path, models), path, chosen, (0,))


def _name(path: Path, models: list[str]) -> str:
    """Return the name of samples: that of their file or folder, in letters that paths can have."""
    whole = Path(os.path.abspath(path))  # of "." too
    stem = whole.name if path.is_dir() else whole.stem
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")
    if not name:
        raise UserError(
            f"candidate: '{path}' leaves no name for its results: rename the file or folder with "
            "letters or digits"
        )
    if name in (*models, *REAL):
        hint = f"; or, for the model itself, --config candidate={name}" if name in models else ""
        raise UserError(
            f"candidate: samples at '{path}' would be called '{name}', which is the name of "
            f"{'a model' if name in models else 'the real images'}: rename the file or folder{hint}"
        )
    return name
