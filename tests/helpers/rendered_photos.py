"""Photographs of people who do not exist: rendered faces, larger pictures around them."""

from pathlib import Path

import numpy as np
from PIL import Image

from dlvae.data.synthetic_faces.factors import FACTOR_NAMES, sample_identities, sample_images
from dlvae.data.synthetic_faces.render import render


def portraits(person, count, size=160):
    """Pictures uint8 (count, size, size, 3) of one rendered person, near to frontal."""
    people = sample_identities(1, 0, person)
    factors, _ = sample_images(people, count, 0, person)
    for name, least, most in (("azimuth", -0.15, 0.15), ("elevation", -0.1, 0.1)):
        column = FACTOR_NAMES.index(name)
        factors[:, column] = np.clip(factors[:, column], least, most)
    return render(factors, size)


def photo(face, width=320, height=240, corner=(90, 40), seed=0):
    """A photo of soft stains with a face in it."""
    stains = np.random.default_rng(seed).integers(60, 190, (6, 8, 3), np.uint8)
    picture = Image.fromarray(stains).resize((width, height), Image.Resampling.BICUBIC)
    picture.paste(Image.fromarray(face), corner)
    return picture


def write_people(root: Path, counts: dict[str, int]) -> Path:
    """Write so many photos of each rendered person, as JPEG."""
    for person, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index, face in enumerate(portraits(person, count)):
            seed = 100 * person + index
            photo(face, seed=seed).save(root / name / f"{index:02d}.jpg", quality=92)
    return root
