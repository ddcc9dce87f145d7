"""How a check says what is wrong."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

SHOWN = 4  # names in a list of what is wrong


class Broken(AssertionError):
    """A promise that a model does not keep, in words that need no traceback."""


def require(holds: bool, contract: str, found: str, look: str) -> None:
    """Fail in words unless `holds`: what the contract says, what the model did, where to look."""
    if not holds:
        raise Broken(
            f"\n  the contract: {contract}\n  this model:   {found}\n  look at:      {look}"
        )


def some(names: Iterable[str]) -> str:
    """Return the first few of `names`, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def differences(first: Any, second: Any, where: str = "") -> Iterator[str]:
    """Yield the dotted paths at which two nested states differ in a byte."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in [*first, *(second.keys() - first.keys())]:
            path = f"{where}.{key}" if where else str(key)
            if key in first and key in second:
                yield from differences(first[key], second[key], path)
            else:
                yield path
    elif isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        if len(first) != len(second):
            yield where
        else:
            for index, pair in enumerate(zip(first, second, strict=True)):
                yield from differences(*pair, f"{where}.{index}")
    elif isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        if first.dtype != second.dtype or first.shape != second.shape:
            yield where
        elif not torch.equal(_bytes(first), _bytes(second)):
            yield where
    elif isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        if not np.array_equal(first, second):
            yield where
    elif type(first) is not type(second) or first != second:
        yield where


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the bytes of a tensor, in which a NaN is like itself."""
    return tensor.detach().contiguous().flatten().view(torch.uint8)


def same(first: Any, second: Any) -> bool:
    """Return whether two nested states hold the same bytes."""
    return not any(True for _ in differences(first, second))
