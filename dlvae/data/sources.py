"""The table of data sets: the module of each, found by name.

A source's module documents its preparation keys and holds `ROLES`: for each role of the data set
(labelled, unlabelled) the keys and the function. Modules are imported when they are asked for, so
that the code of one data set is no part of another's fingerprint.
"""

import importlib

from dlvae.data.preparation import Role

MODULES = {
    "three_moons": "dlvae.data.three_moons",
    "digits": "dlvae.data.digits",
    "synthetic_faces": "dlvae.data.synthetic_faces.roles",
    "cifar10": "dlvae.data.cifar10",
    "faces": "dlvae.data.faces",
}


def roles(dataset: str) -> dict[str, Role]:
    """Return the roles of a data set of `MODULES`."""
    return importlib.import_module(MODULES[dataset]).ROLES
