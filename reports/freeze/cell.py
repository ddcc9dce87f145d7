"""One small training of stored results, to be made again: which one it is, and how it was made."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from dlvae.stage.artefact import sha256_file
from dlvae.stage.errors import UserError
from reports.freeze.stored import CONFIG, MANIFESTS, UNREADABLE, Stored

STAGES = ("data", "models", "samples")
PLAIN = "cvae"  # without a discriminator: the cheapest of models that see as many images
LIMIT_SECONDS = 600.0
"""Wall time, as stored, of the longest training that is made again."""


@dataclass(frozen=True)
class Cell:
    """A trained model of stored results.

    Attributes:
        name: ``<data set>/<model>/seed<seed>``, as in the names of artefacts.
        manifests: of its data set, its training and its sample set, by stage.
    """

    name: str
    manifests: dict[str, dict[str, Any]]

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.name.partition("/")[0]


def cell_named(stored: Stored, name: str) -> Cell:
    """Return a cell by its name.

    Raises:
        UserError: its manifests are not there, or cannot be read.
    """
    names = (name.partition("/")[0], name, name)
    try:
        found = {
            stage: stored.manifests(stage)[f"{stage}/{of}"]
            for stage, of in zip(STAGES, names, strict=True)
        }
    except UNREADABLE as error:
        raise UserError(
            f"expected the manifests of {name} in {stored.folder}, found {error!r}"
        ) from error
    return Cell(name, found)


def smallest_cell(stored: Stored, at_hand: Collection[str]) -> Cell:
    """Return the cheapest training on images: that which saw the fewest pixels, cVAE before others.

    Nothing is trained from a manifest that is not as it was frozen.

    Args:
        at_hand: data sets whose images are there.

    Raises:
        UserError: there is none, it takes too long, or the manifests are damaged.
    """
    for file in (CONFIG, *(f"{MANIFESTS}/{stage}.jsonl" for stage in STAGES)):
        path = stored.folder / file
        if not path.is_file() or sha256_file(path) != stored.index.get("files", {}).get(file):
            raise UserError(f"{path} is not as it was frozen")
    try:
        costs = dict(_costs(stored, at_hand))
    except UNREADABLE as error:
        raise UserError(
            f"expected readable manifests in {stored.folder}, found {error!r}"
        ) from error
    if not costs:
        raise UserError("the images of no stored data set are at hand (data_root)")
    cell = cell_named(stored, min(costs, key=lambda name: costs[name]))
    seconds = cell.manifests["models"]["wall_seconds"]
    if seconds > LIMIT_SECONDS:
        raise UserError(
            f"the cheapest training, {cell.name}, took {seconds:.0f} s, and none of more than "
            f"{LIMIT_SECONDS:.0f} s is made again"
        )
    return cell


def _costs(stored: Stored, at_hand: Collection[str]) -> Iterator[tuple[str, tuple]]:
    """Yield the trainings whose samples are scored, each with what it is ordered by."""
    sampled = stored.manifests("samples")
    for artefact, manifest in stored.manifests("models").items():
        name = artefact.removeprefix("models/")
        dataset, model, seed = name.split("/")
        if dataset in at_hand and f"samples/{name}" in sampled:
            side = stored.config["datasets"][dataset]["data"]["size"]
            order = (model != PLAIN, dataset, model, int(seed.removeprefix("seed")))
            yield name, (manifest["images_seen"] * side**2, *order)
