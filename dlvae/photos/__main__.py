"""Make aligned faces of a folder of photos.

Example:
    python -m dlvae.photos --root photos --out results/quick/aligned_faces --config '{}'

The configuration is the section `prepare_faces`. `--out` then holds train/ and test/ with a folder
of faces per identity, report.md, photos.csv, contact_sheet.png and manifest.json.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections import Counter
from pathlib import Path

from dlvae.data.croissant.facts import PHOTO_FORMATS
from dlvae.photos.aligned_faces import AlignedFaces, made_from, prepare_faces
from dlvae.photos.detectors.yunet_model import SHA256
from dlvae.photos.photo_report import write_report
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.artefact import sha256_file, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser


def run(
    root: str, out: Path, settings: PrepareFaces, resume: Path, model: Path | None, threads: int
) -> AlignedFaces:
    """Make the faces, then what is told of them.

    Raises:
        UserError: see `prepare_faces`; the detector yunet without a model.
    """
    started = time.time()
    if settings.detector == "haar":
        model = None
    elif model is None or not model.is_file():
        raise UserError(
            f"detector yunet: expected its model, found {'none' if model is None else model} given;"
            " fetch it with python -m dlvae.photos.detectors.yunet_model --out FILE, and give it "
            "with --model FILE"
        )
    depends = made_from(settings, model)
    found = prepare_faces(root, out, settings, resume, model, threads)
    page = write_report(found, out, root, settings, described(model))
    write_manifest(
        out / "manifest.json",
        inputs={"model": model} if model else {},
        config={"root": root, **settings.model_dump()},
        started=started,
        threads=threads,
        extra={
            **depends,
            PHOTO_FORMATS: dict(Counter(photo.format for photo in found.kept())),
            "outputs": {"photos.csv": sha256_file(out / "photos.csv")},
        },
    )
    shutil.rmtree(resume)
    print(page)
    return found


def described(model: Path | None) -> str:
    """Return what found the faces, in words."""
    import cv2

    if model is None:
        return f"the Haar cascades of OpenCV {cv2.__version__} (Viola-Jones)"
    found = sha256_file(model)
    whose = "the pinned file" if found == SHA256 else "a file of your own"
    return f"YuNet in OpenCV {cv2.__version__} ({whose}, SHA-256 {found[:12]})"


def main(args: argparse.Namespace) -> None:
    """Run the command line."""
    settings = PrepareFaces.read(args.config, "prepare_faces")
    resume = args.resume or args.out / ".resume"
    run(args.root, args.out, settings, resume, args.model, args.threads)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--root", required=True, help="photos, ROOT/<identity>/<photo>")
    parser.add_argument("--out", type=Path, required=True, help="folder of the faces")
    parser.add_argument("--resume", type=Path, help="folder of what is found on the way")
    parser.add_argument("--model", type=Path, help="file of YuNet, for the detector yunet")
    run_stage(main, parser)
