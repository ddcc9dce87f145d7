"""The variants that the study of Table 2's scale compares: pixel ranges times scales and windows.

A setting is called ``<range>:<structure>``. Every variant here clamps negative factors.
"""

from __future__ import annotations

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

STRUCTURES: dict[str, tuple[int, tuple[int, int], str, str, bool]] = {
    # pytorch-msssim at sizes that it refuses: the variant `standard` of the protocol.
    "three_fixed": (3, (7, 11), "fixed", "fixed", True),
    "three_shrinking": (3, (11, 11), "shrinking", "proportional", True),
    "two_truncated": (2, (11, 11), "shrinking", "proportional", False),
    # msssim.py of TensorFlow 1's model garden, widely copied; its default is L = 255.
    "five_shrinking": (5, (11, 11), "shrinking", "proportional", False),
    # compare_gan of 2018: the window shrinks, sigma does not.
    "five_fixed_sigma": (5, (11, 11), "shrinking", "fixed", False),
    # SSIM without scales.
    "single": (1, (11, 11), "shrinking", "proportional", True),
}
"""Scales, windows at 32 and 64 pixels, and ``window_rule``, ``sigma_rule`` and ``renormalise`` of
:class:`eval.metrics.ms_ssim.variant.VariantRule`."""


def settings() -> dict[str, VariantRule]:
    """Return the rule of every setting, by name."""
    found = {}
    for name, (pixels, data_range) in RANGES.items():
        for structure, (scales, windows, window_rule, sigma_rule, whole) in STRUCTURES.items():
            found[f"{name}:{structure}"] = VariantRule(
                pixel_range=pixels,
                data_range=data_range,
                k1=0.01,
                k2=0.03,
                sigma=1.5,
                window_rule=window_rule,
                sigma_rule=sigma_rule,
                weights=(0.0448, 0.2856, 0.3001, 0.2363, 0.1333),  # Wang et al. 2003
                renormalise=whole,
                clamp=True,
                reference="literal",  # knows even windows
                sizes={
                    side: SizeRule(window=window, scales=scales)
                    for side, window in zip(("32", "64"), windows, strict=True)
                },
            )
    return found
