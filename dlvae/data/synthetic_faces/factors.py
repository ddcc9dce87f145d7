"""What a synthetic face is made of: factor names, ranges, and how identities and images are drawn.

A face is one row of float32 factors. Identity factors are a pure function of (seed, identity
index); variation factors (beard, make-up, ...) come from a few "looks" of that identity;
label-irrelevant factors are drawn per image from the same distribution for every identity.
"""

from __future__ import annotations

import numpy as np

from dlvae.stage.seeds import numpy_generator

# name: (lowest, highest). Angles in degrees, expression from frown (-1) to open smile (+1),
# tints are signed, everything else is a share in [0, 1].
_IDENTITY_RANGES = {
    "head_width": (0.0, 1.0),
    "head_height": (0.0, 1.0),
    "jaw_width": (0.0, 1.0),
    "chin_length": (0.0, 1.0),
    "cheek_fullness": (0.0, 1.0),
    "skin_tone": (0.0, 1.0),  # light to dark
    "skin_warmth": (0.0, 1.0),
    "hair_tone": (0.0, 1.0),  # black to blond
    "hair_redness": (0.0, 1.0),
    "hair_length": (0.0, 1.0),  # shaved to below the shoulders
    "hair_volume": (0.0, 1.0),
    "hair_curl": (0.0, 1.0),
    "hair_fringe": (0.0, 1.0),
    "hairline": (0.0, 1.0),  # low to receding
    "eye_colour": (0.0, 1.0),  # brown, green, blue
    "eye_size": (0.0, 1.0),
    "eye_spacing": (0.0, 1.0),
    "eye_tilt": (-1.0, 1.0),
    "brow_thickness": (0.0, 1.0),
    "brow_height": (0.0, 1.0),
    "brow_arch": (0.0, 1.0),
    "nose_width": (0.0, 1.0),
    "nose_length": (0.0, 1.0),
    "nose_height": (0.0, 1.0),
    "mouth_width": (0.0, 1.0),
    "lip_fullness": (0.0, 1.0),
    "ear_size": (0.0, 1.0),
}
_VARIATION_RANGES = {
    "beard": (0.0, 1.0),
    "make_up": (0.0, 1.0),
    "glasses": (0.0, 1.0),  # 0 none, then the weight of the frame
    "age_lines": (0.0, 1.0),
    "clothing_light": (0.0, 1.0),
    "clothing_warmth": (-1.0, 1.0),
}
_IRRELEVANT_RANGES = {
    "azimuth": (-35.0, 35.0),  # positive: the face turns to the viewer's right
    "elevation": (-20.0, 20.0),  # positive: the face looks up
    "expression": (-1.0, 1.0),
    "light_azimuth": (-60.0, 60.0),  # positive: the light stands on the viewer's right
    "light_elevation": (-5.0, 60.0),
    "light_strength": (0.0, 1.0),  # flat ambient light to one strong lamp
    "background_light": (0.0, 1.0),
    "background_warmth": (-1.0, 1.0),
    "background_tint": (-1.0, 1.0),  # magenta to green
    # The side that the fringe falls to. Training mirrors images, which moves it to the other side;
    # as a factor of the person it would make of every mirror image a picture of somebody else.
    "hair_part": (-1.0, 1.0),
}
RANGES = _IDENTITY_RANGES | _VARIATION_RANGES | _IRRELEVANT_RANGES

IDENTITY_FACTORS = tuple(_IDENTITY_RANGES)
VARIATION_FACTORS = tuple(_VARIATION_RANGES)
IRRELEVANT_FACTORS = tuple(_IRRELEVANT_RANGES)
FACTOR_NAMES = tuple(RANGES)
"""Column names of a factor matrix: identity, then variation, then label-irrelevant factors."""

LOOKS = 4
"""Number of looks (beard, make-up, glasses, age lines, clothes) that one identity has."""


def sample_identities(count: int, seed: int, first: int = 0) -> np.ndarray:
    """Identity factors float32 (count, len(IDENTITY_FACTORS)) of identities first, first+1, ...

    Row k is a pure function of (seed, first + k).
    """
    return np.stack([_identity(seed, first + k) for k in range(count)])


def sample_images(
    identities: np.ndarray, per_identity: int, seed: int, first: int = 0, split: str = "train"
) -> tuple[np.ndarray, np.ndarray]:
    """Factors float32 (N, F) and labels int64 (N,) of `per_identity` images of every identity.

    `identities` are rows of `sample_identities(..., first=first)`; N = identities x per_identity,
    identity by identity; labels count from 0 within this call. Another `split` gives other images
    of the same identities in the same looks. The first m images of an identity do not depend on
    `per_identity`.
    """
    rows = []
    for k, identity in enumerate(identities):
        generator = numpy_generator("synthetic_faces", "images", split, seed, first + k)
        draws = generator.random((per_identity, 1 + len(IRRELEVANT_FACTORS)))
        looks = _looks(seed, first + k)[(draws[:, 0] * LOOKS).astype(int)]
        irrelevant = _scale(draws[:, 1:], IRRELEVANT_FACTORS)
        rows.append(np.hstack([np.tile(identity, (per_identity, 1)), looks, irrelevant]))
    labels = np.repeat(np.arange(len(identities), dtype=np.int64), per_identity)
    return np.concatenate(rows).astype(np.float32), labels


def _identity(seed: int, index: int) -> np.ndarray:
    generator = numpy_generator("synthetic_faces", "identity", seed, index)
    draws = generator.random(len(IDENTITY_FACTORS))
    values = dict(zip(IDENTITY_FACTORS, _scale(draws, IDENTITY_FACTORS), strict=True))
    # Blond and red hair on dark skin, or blue eyes with it, would look like dyed hair and lenses.
    dark = values["skin_tone"]
    values["hair_tone"] *= 1.0 - 0.75 * dark
    values["hair_redness"] *= 1.0 - 0.6 * dark
    values["eye_colour"] *= 1.0 - 0.8 * dark
    return np.array(list(values.values()), dtype=np.float32)


def _looks(seed: int, index: int) -> np.ndarray:
    """Variation factors (LOOKS, len(VARIATION_FACTORS)) of one identity."""
    generator = numpy_generator("synthetic_faces", "looks", seed, index)
    leaning, age = generator.random(2)
    looks = _scale(generator.random((LOOKS, len(VARIATION_FACTORS))), VARIATION_FACTORS)
    beard, make_up, glasses, lines = looks.T[:4]
    # An identity grows beards or wears make-up, never both; half of the looks have neither.
    looks[:, 0] = np.clip(2.0 * beard - 1.0, 0.0, 1.0) * (leaning < 0.55)
    looks[:, 1] = np.clip(2.0 * make_up - 0.8, 0.0, 1.0) * (leaning >= 0.5)
    looks[:, 2] = np.where(glasses > 0.78, 0.4 + 0.6 * (glasses - 0.78) / 0.22, 0.0)
    looks[:, 3] = np.clip(0.7 * age + 0.3 * lines, 0.0, 1.0) ** 1.5
    return looks


def _scale(draws: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    low, high = np.array([RANGES[name] for name in names]).T
    return low + draws * (high - low)
