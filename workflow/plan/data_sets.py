"""Data sets and the judges trained on them: local folders, recipes, slices of the configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dlvae.config.preset import canonical
from dlvae.data.sources import find_role
from dlvae.stage.errors import UserError
from dlvae.stage.text_files import found_at
from workflow.plan import PLAIN, Plan, digest


class DataSetPlan(Plan):
    """Preparation of data sets, and training of judges: plain ones, of kind `PLAIN`, or robust."""

    def labelled(self, job: Any) -> str:
        """Return the slice of a data set."""
        own = self.section(job.dataset)["data"] | {"root": self.folder(job.dataset)}
        return self.slice(job, role="labelled", **own)

    def for_judges(self, job: Any) -> str:
        """Return the slice of more images to train judges on; its held-out ones are not read."""
        own = self.section(job.dataset)["data"] | {"root": None, "test_images_per_identity": 1}
        own["images_per_identity"] = self.more_images(job.dataset, "")
        return self.slice(job, role="labelled", **own)

    def unlabelled(self, job: Any) -> str:
        """Return the slice of a data set's unlabelled images."""
        part = self.section(job.dataset)
        own = part["unlabelled"] | {"root": self.unlabelled_folder(job.dataset)}
        return self.slice(job, role="unlabelled", size=part["data"]["size"], **own)

    def data_cards(self) -> list[str]:
        """Return the descriptions of all prepared data sets: those of tables, judges, unlabelled.

        Raises:
            UserError: a judge asks for more images of a data set that has none.
        """
        names = list(self.datasets)
        names += [f"{name}_judges" for name in self.image_sets if self.more_images(name, "")]
        unlabelled = [name for name in self.image_sets if not self.without_unlabelled(name)]
        names += [f"{name}_unlabelled" for name in unlabelled]
        return [f"{self.data(name)}/croissant.json" for name in names]

    def folder(self, dataset: str) -> str | None:
        """Return the local folder of a data set, None where it needs none.

        In order: datasets.<name>.data.root, data_root/<name>, data_root itself (where no second
        data set of the preset could mean it). CIFAR-10 is downloaded where data_root is shared and
        has no folder of it.

        Raises:
            UserError: it is missing.
        """
        shared, sets = self.config["data_root"], self.config["datasets"]
        local = [name for name, part in sets.items() if "root" in part["data"]]
        if dataset not in local:
            return None
        root, key = sets[dataset]["data"]["root"], f"datasets.{dataset}.data.root"
        if root is None and shared is not None:
            own, key = Path(shared, dataset), "data_root"
            if dataset == "cifar10" and len(local) > 1 and not own.is_dir():
                return _existing(shared, key) and None
            root = str(own) if own.is_dir() or len(local) > 1 else shared
        if root is None and dataset != "cifar10":
            raise UserError(
                f"data set '{dataset}' needs a folder of images: --config data_root=PATH"
            )
        return _existing(root, key)

    def unlabelled_folder(self, dataset: str) -> str | None:
        """Return the folder of a data set's unlabelled images, None where they are rendered."""
        root = self.config["unlabelled_root"] if dataset == "faces" else None
        return _existing(root, "unlabelled_root")

    def checked(self, dataset: str, role: str = "labelled") -> str:
        """Return the :func:`stamp` of a data set's local folder, empty where it needs none.

        Raises:
            UserError: what can be known without reading an image is wrong with it.
        """
        part = self.section(dataset)
        folder = self.unlabelled_folder if role == "unlabelled" else self.folder
        if (root := folder(dataset)) is None:
            return ""
        own = part["data"]
        if role == "unlabelled":
            own = part["unlabelled"] | {"size": own["size"]}
        found = find_role(dataset, role)
        found.check(found.options.read(own, f"datasets.{dataset}"), root)
        return stamp(root)

    # --- Judges --------------------------------------------------------------------------------

    def recipe(self, dataset: str, kind: str) -> dict[str, Any]:
        """Return the recipe of a judge: what both kinds share, and what this one has of its own."""
        part = self.section(dataset)["evaluator"]
        shared = {k: v for k, v in part.items() if k not in ("members", "robust", "plain")}
        return shared | part[_name(kind)]

    def member(self, job: Any) -> str:
        """Return the slice of one member of an ensemble."""
        own = self.recipe(job.dataset, job.kind) | {"kind": _name(job.kind)}
        own.pop("images_per_identity", None)
        return self.slice(job, member=int(job.member), **own)

    def members(self, job: Any, file: str = "") -> list[str]:
        """Return the folders of the members of an ensemble, in order, or a file in each."""
        count = self.section(job.dataset)["evaluator"]["members"]
        folders = [f"{self.judge(job.dataset, job.kind)}/member{k}" for k in range(count)]
        return [f"{folder}/{file}" if file else folder for folder in folders]

    def more_images(self, dataset: str, kind: str) -> int | None:
        """Return how many images of each class a judge learns from; None for the training images.

        Raises:
            UserError: the images are not rendered, so that there are no more.
        """
        more = self.recipe(dataset, kind).get("images_per_identity")
        if more and (kind == PLAIN or dataset != "synthetic_faces"):
            raise UserError(
                f"datasets.{dataset}.evaluator.{_name(kind)}.images_per_identity: only the robust "
                "evaluator of synthetic_faces has more images, which are rendered; remove it"
            )
        return more

    def judge_images(self, job: Any) -> str:
        """Return the prepared set that a judge learns from."""
        more = self.more_images(job.dataset, job.kind)
        return f"{self.data(job.dataset)}_judges" if more else self.data(job.dataset)

    def images_argument(self, job: Any) -> str:
        """Return the argument that names that set, where it is not the training images."""
        more = self.more_images(job.dataset, job.kind)
        return f"--images {self.judge_images(job)}" if more else ""

    def judge_memory(self, job: Any) -> int:
        """Estimate the memory of a judge, MiB, in training or in scoring; points have none."""
        part = self.section(job.dataset)
        if "evaluator" not in part:
            return 1200
        recipe = self.recipe(job.dataset, "")
        width, batch = recipe["width"], recipe["batch_size"]
        image = 40 * width * (part["data"]["size"] / 64) ** 2
        return round(1200 + 400 * width**2 + image * batch)


def stamp(root: str | None) -> str:
    """Return what a folder holds, cheaply: sizes of its files, names of the files further below.

    A param of the preparation: images that come or go prepare the data set anew. An image that
    changes under its old name is not noticed.
    """
    if root is None:
        return ""
    found: dict[str, Any] = {e.name: e.stat().st_size for e in Path(root).iterdir() if e.is_file()}
    for below, _, files in os.walk(root):
        if Path(below) != Path(root):
            found[os.path.relpath(below, root)] = sorted(files)
    return digest(canonical(found).encode())


def _existing(root: str | None, key: str) -> str | None:
    if root is not None and (found := found_at(root)) != "a folder":
        raise UserError(f"{key}: expected a folder at {root}, found {found}: --config {key}=PATH")
    return root


def _name(kind: str) -> str:
    return "plain" if kind == PLAIN else "robust"
