"""What the entry point of an installed model has to look like, checked before any job.

The registry reads ``MODEL`` of the module that an entry point of ``dlvae.models`` names. One that
names another attribute would run another model than it says, so it is refused.
"""

from __future__ import annotations

from importlib import metadata

from dlvae.stage.errors import UserError
from dlvae.stage.registry import BASELINES, ENTRY_POINTS

ATTRIBUTE = "MODEL"


def check_entry_point(name: str) -> None:
    """Check the entry point of an installed model; any other model passes.

    Raises:
        UserError: a value that cannot be read, another attribute than ``MODEL``, or the name of
            ``ours`` or a baseline, which would be taken in its place.
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
