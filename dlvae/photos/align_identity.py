"""The photos of one identity: each read, its face found, chosen, aligned and cut out.

What is found is kept in a file per identity, so that a killed preparation goes on with the next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dlvae.photos.alignment import cut_out, fit, share_outside, template
from dlvae.photos.detectors.detector import Box, Detector, Face, overlap
from dlvae.photos.photo import Dropped, Photo
from dlvae.photos.reading import read_photo
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.artefact import load_npz, save_npz
from dlvae.stage.errors import UserError

LEAST_OVERLAP = 0.2  # of a found face with the listed one, intersection over union


def align_identity(
    root: Path,
    name: str,
    paths: Sequence[Path],
    detect: Detector,
    settings: PrepareFaces,
    boxes: Mapping[str, Box],
) -> tuple[list[Photo], np.ndarray]:
    """Align the photos of an identity.

    Args:
        root: folder of photos.
        name: the identity.
        paths: its photos, below root.
        boxes: see `dlvae.photos.photo_tree.listed_boxes`.

    Returns:
        Every photo, in order; and faces uint8 (N, size, size, 3) of those that were not dropped.
    """
    photos, faces = [], []
    for path in paths:
        photo = Photo(path.relative_to(root).as_posix(), name)
        try:
            faces.append(_align(path, root, photo, detect, settings, boxes.get(photo.path)))
        except Dropped as why:
            photo.drop(why.reason, why.detail)
        photos.append(photo)
    shape = (len(faces), settings.size, settings.size, 3)
    return photos, np.array(faces, np.uint8).reshape(shape)


def _align(
    path: Path,
    root: Path,
    photo: Photo,
    detect: Detector,
    settings: PrepareFaces,
    listed: Box | None,
) -> np.ndarray:
    """Return the aligned face of one photo, and note in `photo` what was found on the way."""
    pixels, photo.sha256, photo.format = read_photo(path, root)
    photo.height, photo.width = pixels.shape[:2]
    found = detect(pixels)
    photo.faces = len(found)
    face = choose_face(found, pixels.shape, settings, listed)
    to_face = fit(face.points, template(settings.size, len(face.points)))
    photo.box, photo.score, photo.by = face.box, face.score, face.by
    photo.eyes = face.points[:2].ravel().tolist()
    photo.scale, photo.outside = to_face.scale, share_outside(pixels.shape, to_face, settings.size)
    if photo.scale > settings.max_enlargement:
        raise Dropped("too_small", f"{photo.scale:.2f} times")
    if photo.outside > settings.max_outside:
        raise Dropped("outside", f"{photo.outside:.0%}")
    return cut_out(pixels, to_face, settings.size)


def choose_face(
    found: Sequence[Face],
    shape: tuple[int, ...],
    settings: PrepareFaces,
    listed: Box | None = None,
) -> Face:
    """Return the face of a photo (H, W, ...) that is meant.

    That is the one that overlaps most with the listed box, and without one the largest, or that
    nearest to the middle of the photo.

    Raises:
        Dropped: there is none, none where it is listed, or a second one nearly as large.
    """
    if not found:
        raise Dropped("no_face")
    if listed is not None:
        overlaps = [overlap(face.box, listed) for face in found]
        if max(overlaps) < LEAST_OVERLAP:
            raise Dropped("no_face", f"of {len(found)} none is where the list says")
        return found[int(np.argmax(overlaps))]
    if settings.face == "largest":
        face = max(found, key=lambda each: each.area)
    else:
        middle = np.array([shape[1] / 2, shape[0] / 2])
        face = min(found, key=lambda each: float(np.linalg.norm(each.centre - middle)))
    others = [each.area / face.area for each in found if each is not face]
    if settings.second_face is not None and others and max(others) >= settings.second_face:
        raise Dropped("several_faces", f"{len(found)} faces, the second {max(others):.2f} as large")
    return face


def keep(path: Path, photos: Sequence[Photo], faces: np.ndarray, key: str) -> None:
    """Save what `align_identity` has found under a key that says what it was made from."""
    records = json.dumps([asdict(photo) for photo in photos])
    save_npz(path, faces=faces, records=np.array(records), key=np.array(key))


def kept(path: Path, key: str) -> tuple[list[Photo], np.ndarray] | None:
    """Return what was saved under this key, or None."""
    try:
        saved = load_npz(path)
        if str(saved["key"]) != key:
            return None
        records = [Photo(**record) for record in json.loads(str(saved["records"]))]
        return records, saved["faces"]
    except (UserError, KeyError, TypeError, ValueError):
        return None  # of another version, or cut short
