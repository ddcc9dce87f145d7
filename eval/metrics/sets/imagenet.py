"""FID and Inception Score on ImageNet's Inception, for those who have that network's weights.

The literature's numbers are of this network. It never saw the data set at hand, and our own
evaluator is the judge of Table 1; these stand beside it for comparison with other papers only.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
import torch_fidelity
from torch.utils.data import Dataset, Subset

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import device
from eval.metrics.measured import Measured

EXTRACTOR = "inception-v3-compat"
FEATURES = 2048


def as_data_set(images: np.ndarray) -> Dataset:
    """Return uint8 (N, H, W, 3) as torch-fidelity reads it: a uint8 (3, H, W) tensor each."""
    tensors = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return Subset(tensors, range(len(tensors)))


def imagenet_metrics(
    images: np.ndarray, train: np.ndarray, weights: Path, splits: int
) -> dict[str, Measured]:
    """Return FID to training images, where both sets are large enough, and the Inception Score.

    Args:
        images, train: uint8 (N, H, W, 3) and (M, H, W, 3).
        weights: file of the network's weights.
        splits: of the Inception Score.

    Raises:
        UserError: the weights are not those of the network.
    """
    n, fewest = len(images), min(len(images), len(train))
    enough = fewest > FEATURES
    with tempfile.TemporaryDirectory() as folder:
        found = torch_fidelity.calculate_metrics(
            input1=as_data_set(images),
            input2=as_data_set(train) if enough else None,
            isc=True,
            isc_splits=splits,
            fid=enough,
            feature_extractor=EXTRACTOR,
            feature_extractor_weights_path=str(_checked(weights, Path(folder) / "weights.pth")),
            cuda=device().type == "cuda",
            cache=False,
            save_cpu_ram=True,
            verbose=False,
        )
    note = f"n/a (n = {fewest}, needs {FEATURES + 1} images of each set)"
    fid = found.get(torch_fidelity.KEY_METRIC_FID)
    return {
        "imagenet_inception_score": Measured(found[torch_fidelity.KEY_METRIC_ISC_MEAN], n),
        "imagenet_fid": Measured(fid, n, note="" if enough else note),
    }


def _checked(weights: Path, copy: Path) -> Path:
    """Return a copy of a weights file that holds tensors and nothing else.

    torch-fidelity reads its file in a way that runs code; what it is given was written here.
    """
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        tensors = {str(name): tensor for name, tensor in state.items()}
        if not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
            raise ValueError("not a dictionary of tensors")
        if tensors["fc.weight"].shape != (1008, FEATURES):
            raise ValueError(f"fc.weight has the shape {tuple(tensors['fc.weight'].shape)}")
    except Exception as error:
        raise UserError(
            f"{weights}: expected the weights of torch-fidelity's {EXTRACTOR}, "
            f"weights-inception-2015-12-05-6726825d.pth of its releases, found: {error}"
        ) from error
    torch.save(tensors, copy)
    return copy
