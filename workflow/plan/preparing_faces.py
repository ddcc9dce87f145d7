"""The target `prepare_faces`: a folder of photos, and the file of its detector."""

from __future__ import annotations

from pathlib import Path

from dlvae.config.preset import canonical
from dlvae.photos.detectors import yunet_model
from dlvae.stage.errors import UserError
from dlvae.stage.text_files import found_at
from workflow.plan import Plan
from workflow.plan.data_sets import stamp


class PhotoPlan(Plan):
    """What `prepare_faces` reads."""

    yunet_file = f"data/models/{yunet_model.NAME}"
    yunet_sha256 = yunet_model.SHA256

    def folder(self) -> str:
        """Return the folder of photos.

        Raises:
            UserError: it is missing.
        """
        root = self.config["photos"]
        if root is None:
            raise UserError(
                "prepare_faces needs a folder of photos, one folder for each person in it: "
                "--config photos=PATH"
            )
        if (found := found_at(root)) != "a folder":
            raise UserError(
                f"photos: expected a folder at {root}, found {found}: --config photos=PATH"
            )
        return root

    def stamp(self) -> str:
        """Return what the folder holds; see :func:`workflow.plan.data_sets.stamp`."""
        return stamp(self.folder())

    def model(self) -> list[str]:
        """Return the file of the detector, in a list that is empty where it needs none."""
        settings = self.config["prepare_faces"]
        if settings["detector"] == "haar":
            return []
        own = settings["yunet_model"]
        if own is not None and not Path(own).is_file():
            raise UserError(
                f"prepare_faces.yunet_model: expected a file at {own}, found none; leave the key "
                "out to download it"
            )
        return [own or self.yunet_file]

    def settings(self) -> str:
        """Return the slice of the rule; where the model lies does not matter."""
        return canonical(
            {k: v for k, v in self.config["prepare_faces"].items() if k != "yunet_model"}
        )
