"""The set of aligned faces: identities aligned, repeats dropped, some faces held out, written."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dlvae.photos.align_identity import align_identity, keep, kept
from dlvae.photos.detectors.detector import make_detector
from dlvae.photos.photo import Photo, grouped
from dlvae.photos.photo_tree import PhotoTree, find_photos, listed_boxes
from dlvae.photos.same_picture import drop_repeats, drop_shared, signatures
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.artefact import sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.fingerprint import fingerprint

SPLITS = ("train", "test")
PROGRESS_SECONDS = 10.0
# Keys that choose among the faces; another choice aligns nothing again.
NOT_OF_ONE_PHOTO = {"yunet_model", "same_person", "two_people", "test_fraction", "min_train_faces"}


@dataclass(frozen=True)
class AlignedFaces:
    """What `prepare_faces` has made: every photo's fate, and what of the root was not read."""

    photos: list[Photo]
    remarks: list[str]

    def kept(self, split: str | None = None) -> list[Photo]:
        """Return the photos in the set, or in one split of it."""
        return [photo for photo in self.photos if photo.split in ([split] if split else SPLITS)]


class FacesByIdentity:
    """What `align_identity` found of each identity, in files: faces need not fit into memory.

    Args:
        folder: made if needed; files of an earlier run with the same photos and settings are used.
        made_from: what the faces depend on beside the photos.
    """

    def __init__(self, folder: Path, made_from: dict) -> None:
        self._folder, self._made_from = folder, json.dumps(made_from, sort_keys=True)

    def align(
        self, tree: PhotoTree, settings: PrepareFaces, model: Path | None, threads: int
    ) -> list[Photo]:
        """Align every identity that is not there yet; return all photos, by identity."""
        boxes, local = listed_boxes(tree.root), threading.local()
        # In this thread first: a model that cannot be read stops here.
        local.detect = make_detector(settings.detector, model, settings.min_score)

        def work(name: str) -> list[Photo]:
            paths = tree.photos[name]
            path, key = self._file(name), self._key(paths, tree.root)
            if found := kept(path, key):
                return found[0]
            if not hasattr(local, "detect"):
                local.detect = make_detector(settings.detector, model, settings.min_score)
            photos, faces = align_identity(tree.root, name, paths, local.detect, settings, boxes)
            keep(path, photos, faces, key)
            return photos

        pool = ThreadPoolExecutor(max(threads, 1))
        try:
            found = list(_told(pool.map(work, tree.photos), tree))
        finally:
            pool.shutdown(cancel_futures=True)
        return [photo for photos in found for photo in photos]

    def faces(self, name: str) -> np.ndarray:
        """Return the aligned faces of an identity, uint8 (N, size, size, 3)."""
        with np.load(self._file(name), allow_pickle=False) as saved:
            return saved["faces"]

    def _file(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npz"

    def _key(self, paths: Sequence[Path], root: Path) -> str:
        """Identity of what is asked: settings, code, and names, sizes and times of the photos."""
        stats = []
        for path in paths:
            try:
                stat = path.stat()
                stats.append([path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns])
            except OSError as error:
                stats.append([path.relative_to(root).as_posix(), error.errno])
        boxes = [sha256_file(path) for path in sorted(root.glob("faces.csv"))]
        text = json.dumps([self._made_from, boxes, stats])
        return hashlib.sha256(text.encode()).hexdigest()


def _told(results: Iterator[list[Photo]], tree: PhotoTree) -> Iterator[list[Photo]]:
    """Pass results on, with a line on progress now and then."""
    total, started, shown, seen = sum(map(len, tree.photos.values())), time.monotonic(), 0.0, 0
    for count, photos in enumerate(results, 1):
        seen += len(photos)
        now = time.monotonic()
        if now - shown > PROGRESS_SECONDS or count == len(tree.photos):
            shown, rate = now, seen / max(now - started, 1e-9)
            print(
                f"faces: photo {seen}/{total}  identity {count}/{len(tree.photos)}  "
                f"{rate:.0f} photos/s  ETA {int((total - seen) / rate)} s",
                file=sys.stderr,
                flush=True,
            )
        yield photos


def prepare_faces(
    root: str | Path,
    out: str | Path,
    settings: PrepareFaces,
    resume: str | Path,
    model: Path | None = None,
    threads: int = 1,
) -> AlignedFaces:
    """Make a set of aligned faces of a folder of photos.

    Args:
        root: ROOT/<identity>/<photo>.
        out: folder of the faces, `{train,test}/<identity>/*.png`; those of an earlier run go.
        settings: the section `prepare_faces`.
        resume: folder of what an interrupted run has found; the caller removes it at the end.
        model: file of YuNet, where that is the detector.
        threads: identities aligned at a time; the result does not depend on it.

    Raises:
        UserError: no photos, fewer than two identities with enough faces, a model that is none.
    """
    tree = find_photos(root)
    store = FacesByIdentity(Path(resume), made_from(settings, model))
    photos = store.align(tree, settings, model, threads)
    select(photos, store, settings)
    found = AlignedFaces(photos, tree.remarks)
    if len(grouped(found.kept())) < 2:
        raise UserError(_too_few(tree.root, found, settings))
    _write(found, store, Path(out))
    return found


def made_from(settings: PrepareFaces, model: Path | None) -> dict:
    """Return what aligned faces depend on beside the photos."""
    import cv2

    return {
        "settings": settings.model_dump(exclude=NOT_OF_ONE_PHOTO),
        "model": sha256_file(model) if model else None,
        "opencv": cv2.__version__,
        "code": fingerprint("dlvae.photos.align_identity"),
    }


def select(photos: Sequence[Photo], store: FacesByIdentity, settings: PrepareFaces) -> None:
    """Drop pictures that occur twice and identities of too few; part the rest into splits."""
    by_identity = grouped(photos)
    once, vectors = [], []
    for name, own in by_identity.items():
        alive, found = [photo for photo in own if photo.open], signatures(store.faces(name))
        drop_repeats(alive, found, settings.same_person)
        once += [photo for photo in alive if photo.open]
        vectors.append(found[[photo.open for photo in alive]])
    drop_shared(once, np.concatenate(vectors), settings.two_people)
    for own in by_identity.values():
        hold_out([photo for photo in own if photo.open], settings)


def hold_out(photos: Sequence[Photo], settings: PrepareFaces) -> None:
    """Give each photo of one identity its split: those of the lowest hashes are held out."""
    held = max(1, round(settings.test_fraction * len(photos)))
    if len(photos) - held < settings.min_train_faces:
        for photo in photos:
            photo.drop("few", f"{len(photos)} of the {settings.min_train_faces + 1} or more needed")
        return
    for rank, photo in enumerate(sorted(photos, key=lambda photo: (photo.sha256, photo.path))):
        photo.split = "test" if rank < held else "train"


def _write(found: AlignedFaces, store: FacesByIdentity, out: Path) -> None:
    new = out / ".new"
    shutil.rmtree(new, ignore_errors=True)
    for name, photos in grouped(found.photos).items():
        # There is a face for every photo that gave one, whatever became of it afterwards.
        gave = [photo for photo in photos if photo.aligned]
        for photo, face in zip(gave, store.faces(name), strict=True):
            if photo.split:
                path = new / photo.split / name / photo.face
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(face).save(path)
    for split in SPLITS:
        shutil.rmtree(out / split, ignore_errors=True)
        (new / split).rename(out / split)
    new.rmdir()


def _too_few(root: Path, found: AlignedFaces, settings: PrepareFaces) -> str:
    many = len(grouped(found.kept()))
    reasons = Counter(photo.reason for photo in found.photos if photo.reason)
    text = (
        f"{root}: expected two identities or more with {settings.min_train_faces + 1} faces each, "
        f"found {many} of {len(grouped(found.photos))}"
    )
    if reasons:
        counts = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        first = next(p for p in found.photos if p.reason == reasons.most_common(1)[0][0])
        text += f" (photos dropped: {counts}; e.g. {first.path}: {first.detail or first.reason})"
    return text + (
        "; add photos, or lower prepare_faces.min_train_faces and, for the training, "
        "datasets.faces.data.min_images_per_class"
    )
