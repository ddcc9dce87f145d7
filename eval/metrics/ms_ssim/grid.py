"""The variants that the study of Table 2's scale compares: pixel ranges times scales and windows.

A setting is called ``<range>:<structure>``. Every variant here clamps negative factors.
"""

from __future__ import annotations

from typing import Any

from eval.metrics.ms_ssim.variant import SizeRule, VariantRule

CLASSES, PER_CLASS = 20, 40
"""Classes and images per class that are scored, at most; pairs of different images need no more."""

PAIRS = 100
"""Random pairs of a sample set whose MS-SSIM is compared with squared errors."""

RANGES: dict[str, tuple[tuple[float, float], float]] = {
    "right": ((0, 255), 255),  # also [0, 1] with L = 1
    "signed": ((-1, 1), 2),
    "signed_mismatched": ((-1, 1), 255),
    "unit_mismatched": ((0, 1), 255),
}
"""What uint8 0 and 255 are mapped to, and L of the constants.

``signed`` differs from ``right`` in the luminance term alone: contrasts do not know where black
is, but means in [-1, 1] have signs, and two of them that differ make the term negative.
"""

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003


def _size(window: int, scales: int) -> SizeRule:
    return SizeRule(window=window, scales=scales)


def _structure(scales: int, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"sizes": dict.fromkeys(("32", "64"), _size(11, scales))}
    fields |= {"window_rule": "shrinking", "sigma_rule": "proportional", "renormalise": True}
    return fields | changes


STRUCTURES: dict[str, dict[str, Any]] = {
    # pytorch-msssim at sizes that it refuses: the variant `standard` of the protocol.
    "three_fixed": _structure(
        3,
        sizes={"32": _size(7, 3), "64": _size(11, 3)},
        window_rule="fixed",
        sigma_rule="fixed",
    ),
    "three_shrinking": _structure(3),
    "two_truncated": _structure(2, renormalise=False),
    # msssim.py of TensorFlow 1's model garden, widely copied; its default is L = 255.
    "five_shrinking": _structure(5, renormalise=False),
    # compare_gan of 2018: the window shrinks, sigma does not.
    "five_fixed_sigma": _structure(5, renormalise=False, sigma_rule="fixed"),
    # SSIM without scales.
    "single": _structure(1),
}
"""Scales, windows and weights, as fields of :class:`eval.metrics.ms_ssim.variant.VariantRule`."""


def settings() -> dict[str, VariantRule]:
    """Return the rule of every setting, by name."""
    shared = {"k1": 0.01, "k2": 0.03, "sigma": 1.5, "weights": _WEIGHTS, "clamp": True}
    shared |= {"reference": "literal"}  # knows even windows
    return {
        f"{name}:{structure}": VariantRule(
            pixel_range=pixels, data_range=data_range, **shared, **fields
        )
        for name, (pixels, data_range) in RANGES.items()
        for structure, fields in STRUCTURES.items()
    }
