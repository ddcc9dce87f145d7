"""What a job has to do, in numbers that its seconds grow with, by its output and configuration."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import read_json
from reports.freeze.stored import STORED
from workflow.plan import PLAIN
from workflow.plan.data_sets import DataSetPlan
from workflow.plan.trainings import MEMORY, TrainingPlan

# results/<preset>/<stage>/<data set>/<model, source or figure>/seed<k>[.<family>]...
PLACE = re.compile(
    r"^(?:fit_prior/)?[^/]+/(?P<dataset>[^/]+)/(?P<model>[^/]+)/seed(?P<seed>\d+)"
    r"(?:\.(?P<family>[a-z0-9_]+)\.csv)?"
)
JUDGE = re.compile(r"^evaluator/(?P<judge>[^/.]+)(?:/member\d+)?/")
TRAININGS = ("train", "train_longer", "train_semi", "fit_prior")
JUDGES = ("evaluator_member", "factors")
OF_IMAGES = ("sample", "features", "score", "near_duplicates")
# GFLOP of a training step of ours per image at width 1, as PyTorch counts its products; of points
# any number, for they are never compared with images.
GFLOP = {"toy": 1.0, "net32": 2.287, "net64": 56.12}
CLASSES = {"digits": 10, "cifar10": 10, "three_moons": 3}
IMAGES = {"digits": 1437, "cifar10": 50_000}
GUESSED_CLASSES, GUESSED_IMAGES = 500, 100  # of faces that are not prepared yet, and of each


@dataclass(frozen=True)
class Work:
    """What a job has to do.

    Attributes:
        rule: of the workflow.
        model: as its training is configured; empty where jobs of all models do the same.
        family: of scores, or empty.
        amount: steps, images, or 1. Seconds grow with it.
        shape: what else they depend on, as a text: equal shapes have been measured as they are.
        weight: seconds per unit of ``amount``, relative to another shape of the same rule.
        space: bytes of the outputs, relative to another job of the same rule.
    """

    rule: str
    model: str = ""
    family: str = ""
    amount: float = 1.0
    shape: str = ""
    weight: float = 1.0
    space: float = 1.0


def work_of(rule: str, output: str, config: Mapping[str, Any]) -> Work:
    """Return the work of a job.

    Args:
        output: one of its outputs, relative to the folder of the preset's results.
        config: resolved.
    """
    place = PLACE.match(output)
    if rule in TRAININGS and place:
        return _training(rule, place, config)
    if rule in JUDGES and (found := JUDGE.match(output)):
        return _judge(rule, found["judge"], config)
    if rule in OF_IMAGES and place:
        return _of_images(rule, place, config)
    return Work(rule)


def _training(rule: str, place: re.Match, config: Mapping[str, Any]) -> Work:
    dataset, name, plan = place["dataset"], place["model"], TrainingPlan(config)
    part, model = plan.section(dataset), plan.registered(name.removesuffix("_semi"))
    network, budget = part["network"], plan.budget(dataset)
    if rule == "train_semi":
        budget = part["semi_supervised"]
    elif rule == "fit_prior":
        budget = {**budget, "steps": train_images(dataset, config) / budget["batch_size"]}
    if "steps" not in budget:
        points = part["data"]["points"]
        budget = {**budget, "steps": math.ceil(budget["epochs"] * points / budget["batch_size"])}
    further = plan.curve_factor(place["seed"]) - 1 if rule == "train_longer" else 1
    backbone, width, batch = network["backbone"], network["width"], budget["batch_size"]
    size = GFLOP[backbone] * curve("width", width) * curve("batch", batch)
    weights = max(MEMORY[backbone][0], 1) * width**2
    shape = f"{backbone}, width {width:g}, batch {batch}"
    kind = "train" if rule == "train_longer" else rule
    return Work(kind, model, "", budget["steps"] * further, shape, size, weights)


def _judge(rule: str, judge: str, config: Mapping[str, Any]) -> Work:
    kind = PLAIN if judge.endswith(PLAIN) else ""
    dataset, plan = judge.removesuffix("_factors").removesuffix(PLAIN), DataSetPlan(config)
    recipe = plan.section(dataset)["factors"] if rule == "factors" else plan.recipe(dataset, kind)
    more = None if rule == "factors" else plan.more_images(dataset, kind)
    images = more * classes(dataset, config) if more else train_images(dataset, config)
    shape, pixels = (
        f"{_side(dataset, config)} px, width {recipe['width']:g}",
        _pixels(dataset, config),
    )
    amount, width = images * recipe["epochs"], recipe["width"]
    return Work(rule, "", "", amount, shape, pixels * width**2, width**2)


def _of_images(rule: str, place: re.Match, config: Mapping[str, Any]) -> Work:
    dataset, samples = place["dataset"], DataSetPlan(config).protocol.samples
    count = classes(dataset, config)
    images = count * (samples.few if count <= samples.few_classes else samples.many)
    shape, size = f"{_side(dataset, config)} px", _pixels(dataset, config)
    space = {"features": images, "score": 1.0}.get(rule, images * size)
    if rule == "features" and "evaluator" in DataSetPlan(config).section(dataset):
        width = DataSetPlan(config).recipe(dataset, "")["width"]
        shape, size = f"{shape}, width {width:g}", size * width**2
    return Work(
        rule, "", place["family"] or "", images, shape, size, space if rule != "score" else 1
    )


def classes(dataset: str, config: Mapping[str, Any]) -> int:
    """Return the number of classes: of the prepared data, else as configured, else a guess."""
    if found := _card(dataset, config).get("classes"):
        return found if isinstance(found, int) else len(found)
    known = DataSetPlan(config).section(dataset)["data"].get("identities")
    return known or CLASSES.get(dataset, GUESSED_CLASSES)


def train_images(dataset: str, config: Mapping[str, Any]) -> int:
    """Return the number of images, or points, that a training reads; a guess like the classes."""
    if found := _card(dataset, config).get("counts", {}).get("train"):
        return found
    data = DataSetPlan(config).section(dataset)["data"]
    each = data.get("images_per_identity") or GUESSED_IMAGES
    return data.get("points") or IMAGES.get(dataset) or each * classes(dataset, config)


def guessed(dataset: str, config: Mapping[str, Any]) -> bool:
    """Whether nobody knows yet how many classes and images a data set has."""
    known = dataset in CLASSES or DataSetPlan(config).section(dataset)["data"].get("identities")
    return not known and not _card(dataset, config)


def _card(dataset: str, config: Mapping[str, Any]) -> dict[str, Any]:
    path = Path(DataSetPlan(config).data(dataset), "card.json")
    return read_json(path) if path.is_file() else {}


def _side(dataset: str, config: Mapping[str, Any]) -> int:
    return 2 if dataset == "three_moons" else DataSetPlan(config).section(dataset)["data"]["size"]


def _pixels(dataset: str, config: Mapping[str, Any]) -> float:
    return (_side(dataset, config) / 32) ** 2


@cache
def _points(name: str) -> list[tuple[float, float]]:
    path = STORED / "benchmarks" / "scaling.csv"
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["curve"] == name]
    return sorted((math.log(float(row["size"])), math.log(float(row["seconds"]))) for row in rows)


def curve(name: str, size: float) -> float:
    """Return the seconds of a training step at a width or batch, by the stored scaling curve.

    Between measured points, and beyond them, along straight lines of logarithms.
    """
    points, at = _points(name), math.log(size)
    after = next((k for k, (x, _) in enumerate(points) if x >= at), len(points))
    (x0, y0), (x1, y1) = points[(k := min(max(after, 1), len(points) - 1)) - 1], points[k]
    return math.exp(y0 + (y1 - y0) * (at - x0) / (x1 - x0))
