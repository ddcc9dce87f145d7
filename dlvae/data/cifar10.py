"""CIFAR-10: the 50,000 training images of 32x32, and the 10,000 test images.

Without a root, torchvision downloads the original files to `data/cifar10` once. A root may hold
torchvision's own files (`cifar-10-batches-py/`), class folders or parquet (`dlvae.data.local`);
class folders must have the standard names, parquet labels the standard order.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from dlvae.data.dataset import Prepared
from dlvae.data.listing import Listing
from dlvae.data.local import LocalData, check_listed, check_root, choose, decode, list_root
from dlvae.data.sources import Role
from dlvae.stage.errors import UserError

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
DOWNLOAD_FOLDER = Path("data/cifar10")
TORCHVISION_FOLDER = "cifar-10-batches-py"


class Cifar10Data(LocalData):
    """The section `datasets.cifar10.data`."""

    size: Literal[32] = 32
    """side of an image in pixels; images are not resized"""


def prepare(options: Cifar10Data, root: str | Path | None) -> Prepared:
    """Read CIFAR-10 from `root` (the configuration's `data_root`), or download it.

    Returns:
        Splits "train" and "test", images uint8 (N, 32, 32, 3), labels in the standard order.

    Raises:
        UserError: no such folder, no network, damaged files, an image of another size.
    """
    listings, layout = _list(root)
    card = {
        "source": f"CIFAR-10 (Krizhevsky 2009), {layout}",
        "licence": "no formal licence",
        "flip": True,
    }
    chosen = choose(listings, options, "datasets.cifar10.data")
    return decode(chosen, options.size, card, exact=True)


def check(options: Cifar10Data, root: str | Path) -> None:
    """Check a folder without reading an image; torchvision's own files have checksums.

    Raises:
        UserError: see :func:`prepare`.
    """
    root = _parent(check_root(root, "data_root", "cifar10"))
    if not (root / TORCHVISION_FOLDER).is_dir():
        train = list_root(root, CLASSES, contents=False)[0]["train"]
        check_listed(train, options, "datasets.cifar10.data")


def _parent(root: Path) -> Path:
    return root.parent if root.name == TORCHVISION_FOLDER else root


def _list(root: str | Path | None) -> tuple[dict[str, Listing], str]:
    if root is None:
        return _list_torchvision(DOWNLOAD_FOLDER, download=True), "torchvision download"
    root = _parent(check_root(root, "data_root", "cifar10"))
    if (root / TORCHVISION_FOLDER).is_dir():
        return _list_torchvision(root, download=False), "torchvision files"
    listings, layout = list_root(root, CLASSES)
    return listings, f"local folder ({layout})"


def _list_torchvision(root: Path, download: bool) -> dict[str, Listing]:
    """List both splits of torchvision's files.

    The files are pickles; torchvision unpickles them only when their checksums are those of the
    published ones, so nothing unknown is executed.
    """
    from torchvision.datasets import CIFAR10  # slow to import, and only needed here

    listings = {}
    for name in ("train", "test"):
        try:
            data = CIFAR10(root, train=name == "train", download=download)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"CIFAR-10: expected the published files in {root / TORCHVISION_FOLDER}, found "
                f"them missing or damaged ({error}); remove that folder and run again with a "
                "network, or give a local copy with --config data_root=PATH"
            ) from error
        listings[name] = Listing(
            payloads=list(data.data),
            where=[f"{root / TORCHVISION_FOLDER} {name} image {i}" for i in range(len(data.data))],
            labels=np.array(data.targets, np.int64),
            classes=list(CLASSES),
        )
    return listings


ROLES = {"labelled": Role(Cifar10Data, prepare, local=True, check=check)}
