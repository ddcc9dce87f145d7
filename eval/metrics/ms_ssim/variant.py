"""What an MS-SSIM computes: windows, scales, weights and ranges, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dlvae.config.section import Count, Section, Several
from dlvae.stage.errors import UserError

# Floats, whole or not, so that the spelling of a number does not change a protocol's hash.
Above0 = Annotated[float, Field(gt=0)]


def _low_high(pixel_range: tuple[float, float]) -> tuple[float, float]:
    if pixel_range[0] >= pixel_range[1]:
        raise ValueError(f"expected [low, high], found {list(pixel_range)}")
    return pixel_range


@dataclass(frozen=True)
class Scale:
    """One scale of a variant.

    Attributes:
        side: of the images at this scale, pixels.
        window: side of the Gaussian window, pixels; at most ``side``.
        sigma: standard deviation of the window, pixels.
        weight: exponent of this scale's factor.
    """

    side: int
    window: int
    sigma: float
    weight: float


@dataclass(frozen=True)
class Variant:
    """An MS-SSIM for square images of one size.

    Attributes:
        scales: finest first; each has half the side of the one before (2 x 2 means).
        pixel_range: what uint8 0 and 255 are mapped to before comparing.
        data_range: L of the constants C1 = (k1 L)^2 and C2 = (k2 L)^2.
        clamp: set negative factors to 0; without, a pair that has one is NaN.
    """

    scales: tuple[Scale, ...]
    pixel_range: tuple[float, float]
    data_range: float
    k1: float
    k2: float
    clamp: bool

    @property
    def size(self) -> int:
        """Side of the images, pixels."""
        return self.scales[0].side

    @property
    def c1(self) -> float:
        """Constant of the luminance term."""
        return (self.k1 * self.data_range) ** 2

    @property
    def c2(self) -> float:
        """Constant of the contrast-structure term."""
        return (self.k2 * self.data_range) ** 2


class SizeRule(Section):
    """Window at the finest scale, and number of scales, for one image size."""

    window: Count
    scales: Count


class VariantRule(Section):
    """A variant for every image size that has an entry in ``sizes``.

    Attributes:
        window_rule: ``fixed`` keeps the window at every scale; ``shrinking`` cuts it down to the
            image where that is smaller.
        sigma_rule: ``fixed`` keeps sigma; ``proportional`` scales it with the window.
        weights: exponents, finest first; the first ``scales`` of them are used.
        renormalise: divide the used exponents by their sum.
        reference: independent code that tests compare with: ``pytorch_msssim`` or ``literal``.
        sizes: :class:`SizeRule` by image side in pixels, as text.

    The other attributes are those of :class:`Variant`.
    """

    pixel_range: Annotated[tuple[float, float], Field(strict=False), AfterValidator(_low_high)]
    data_range: Above0
    k1: float
    k2: float
    sigma: Above0
    window_rule: Literal["fixed", "shrinking"]
    sigma_rule: Literal["fixed", "proportional"]
    weights: Annotated[Several[Above0], Field(min_length=1)]
    renormalise: bool
    clamp: bool
    reference: Literal["pytorch_msssim", "literal"]
    sizes: dict[str, SizeRule]

    def at(self, size: int) -> Variant:
        """Return the variant for images of ``size`` x ``size`` pixels.

        Raises:
            UserError: no entry for this size, or a window that exceeds an image.
        """
        rule = self.sizes.get(str(size))
        if rule is None:
            raise UserError(
                f"no MS-SSIM is defined for {size} x {size} pixels: expected one of "
                f"{', '.join(self.sizes)}; add the size under 'sizes' in a protocol of your own"
            )
        if rule.scales > len(self.weights):
            raise UserError(
                f"{size} px: expected 1 to {len(self.weights)} scales (one per weight), found "
                f"{rule.scales}"
            )
        weights = self.weights[: rule.scales]
        total = sum(weights) if self.renormalise else 1.0
        scales, side = [], size
        for weight in weights:
            if scales and side % 2:
                raise UserError(
                    f"{size} px with {rule.scales} scales: the side {side} cannot be halved; use "
                    "fewer scales"
                )
            side = side // 2 if scales else side
            window = min(rule.window, side) if self.window_rule == "shrinking" else rule.window
            if window > side:
                raise UserError(
                    f"window {window} exceeds the image of {side} x {side} pixels at one of "
                    f"{rule.scales} scales; use a smaller window, fewer scales or the shrinking "
                    "rule"
                )
            share = window / rule.window if self.sigma_rule == "proportional" else 1.0
            scales.append(Scale(side, window, self.sigma * share, weight / total))
        ranges = self.pixel_range, self.data_range
        return Variant(tuple(scales), *ranges, self.k1, self.k2, self.clamp)
