"""`synthetic_faces` as a data set: its keys and how they become splits.

Keys, in the preset's `datasets.synthetic_faces.data` section:

- `size` (32): side in pixels;
- `identities` (24), `first_identity` (0): the people, numbered from `first_identity`;
- `images_per_identity` (120), `test_images_per_identity` (20): renders of each;
- `seed` (0).

Its `unlabelled` section has the same keys but the test one; `first_identity` defaults to 100000
there, so that nobody in it occurs with a label.
"""

from dataclasses import asdict, dataclass

from dlvae.data.dataset import Prepared
from dlvae.data.preparation import Role
from dlvae.data.synthetic_faces.source import prepare
from dlvae.stage.errors import UserError


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


ROLES = {
    "labelled": Role(SyntheticOptions, _synthetic),
    "unlabelled": Role(SyntheticUnlabelledOptions, _synthetic_unlabelled),
}
