"""The table of data sets: the module of each, found by name.

A source's module holds `ROLES`: for each role of the data set (labelled, unlabelled) its keys and
the function that prepares it. Modules are imported when they are asked for, so that the code of
one data set is no part of another's fingerprint.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from dlvae.config.section import Section
from dlvae.data.dataset import Prepared
from dlvae.stage.errors import UserError, nearest

MODULES = {
    "three_moons": "dlvae.data.three_moons",
    "digits": "dlvae.data.digits",
    "synthetic_faces": "dlvae.data.synthetic_faces.source",
    "cifar10": "dlvae.data.cifar10",
    "faces": "dlvae.data.faces",
}
ROLES = ("labelled", "unlabelled")
PUBLISHABLE = ("three_moons", "digits", "synthetic_faces")
"""Data sets whose images, and pictures made of them, may be published: drawn here, or free."""


@dataclass(frozen=True)
class Role:
    """How one role of a data set is prepared.

    `prepare` is called with its `options`; if `local`, also with the `root`. So is `check`, which
    reads no image and says what is wrong before a run starts.
    """

    options: type[Section]
    prepare: Callable[..., Prepared]
    local: bool = False
    check: Callable[..., None] | None = None


def find_role(dataset: str | None, role: str) -> Role:
    """Return a role of a data set; the `UserError` for a wrong name lists the valid ones."""
    for kind, name, valid in (("data set", dataset, MODULES), ("role", role, ROLES)):
        if name not in valid:
            hint = nearest(str(name), valid)
            raise UserError(f"unknown {kind} '{name}'.{hint} Valid names: {', '.join(valid)}")
    if role not in (own := _roles(dataset)):
        having = ", ".join(name for name in MODULES if role in _roles(name))
        raise UserError(f"data set '{dataset}' has no {role} images; data sets that have: {having}")
    return own[role]


def _roles(dataset: str) -> dict[str, Role]:
    return importlib.import_module(MODULES[dataset]).ROLES
