"""The table of data sets: for each name and role, the preparation keys and the function.

`synthetic_faces` is rendered; its keys, in the preset's `datasets.synthetic_faces.data` section:

- `size` (32): side in pixels;
- `identities` (24), `first_identity` (0): the people, numbered from `first_identity`;
- `images_per_identity` (120), `test_images_per_identity` (20): renders of each;
- `seed` (0).

Its `unlabelled` section has the same keys but the test one; `first_identity` defaults to 100000
there, so that nobody in it occurs with a label. The other sources document their keys themselves.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from dlvae.data import cifar10, digits, faces, three_moons
from dlvae.data.dataset import Prepared
from dlvae.errors import UserError


@dataclass(frozen=True)
class Role:
    """How one role of a data set is prepared.

    `prepare` is called with an `options` object; if `local`, also with `root` and `threads`.
    """

    options: type
    prepare: Callable[..., Prepared]
    local: bool = False


@dataclass(frozen=True)
class SyntheticOptions:
    size: int = 32
    identities: int = 24
    images_per_identity: int = 120
    test_images_per_identity: int = 20
    seed: int = 0
    first_identity: int = 0


@dataclass(frozen=True)
class SyntheticUnlabelledOptions:
    size: int = 32
    identities: int = 10
    images_per_identity: int = 100
    seed: int = 0
    first_identity: int = 100_000


def _synthetic(options: SyntheticOptions, labelled: bool = True) -> Prepared:
    from dlvae.data.synthetic_faces.source import prepare

    section = "datasets.synthetic_faces." + ("data" if labelled else "unlabelled")
    for key, value in asdict(options).items():
        if value < 1 and key not in ("seed", "first_identity"):
            raise UserError(f"{section}.{key}: expected at least 1, found {value}")
    keys = {"test_images_per_identity": 0} | asdict(options)
    return Prepared(
        splits=prepare(**keys, labelled=labelled),
        card={"source": "rendered by dlvae.data.synthetic_faces", "licence": "MIT", "flip": True},
    )


def _synthetic_unlabelled(options: SyntheticUnlabelledOptions) -> Prepared:
    return _synthetic(options, labelled=False)


SOURCES: dict[str, dict[str, Role]] = {
    "three_moons": {"labelled": Role(three_moons.Options, three_moons.prepare)},
    "digits": {"labelled": Role(digits.Options, digits.prepare)},
    "synthetic_faces": {
        "labelled": Role(SyntheticOptions, _synthetic),
        "unlabelled": Role(SyntheticUnlabelledOptions, _synthetic_unlabelled),
    },
    "cifar10": {"labelled": Role(cifar10.Options, cifar10.prepare, local=True)},
    "faces": {
        "labelled": Role(faces.Options, faces.prepare, local=True),
        "unlabelled": Role(faces.UnlabelledOptions, faces.prepare_unlabelled, local=True),
    },
}
