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

MODULES = {
    "three_moons": "dlvae.data.three_moons",
    "digits": "dlvae.data.digits",
    "synthetic_faces": "dlvae.data.synthetic_faces.source",
    "cifar10": "dlvae.data.cifar10",
    "faces": "dlvae.data.faces",
}


@dataclass(frozen=True)
class Role:
    """How one role of a data set is prepared.

    `prepare` is called with its `options`; if `local`, also with `root` and `threads`.
    """

    options: type[Section]
    prepare: Callable[..., Prepared]
    local: bool = False


def roles(dataset: str) -> dict[str, Role]:
    """Return the roles of a data set of `MODULES`."""
    return importlib.import_module(MODULES[dataset]).ROLES
