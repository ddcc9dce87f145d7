"""The file of YuNet: fetched once from OpenCV's model zoo, held against its SHA-256.

Usage: python -m dlvae.photos.detectors.yunet_model --out FILE

The pinned version is of May 2026, the weights of March 2023 exported for pictures of any size; MIT
licence, Shiqi Yu. It runs in OpenCV 4.8 and later, which reads ONNX as data and runs no code of it.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from dlvae.photos.downloads import NotFetched, fetch
from dlvae.stage.artefact import atomic
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser

NAME = "face_detection_yunet_2026may.onnx"
COMMIT = "47534e27c9851bb1128ccc0102f1145e27f23f98"
# GitHub hands Git LFS files out here; elsewhere it gives the pointer to one.
URL = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/"
    f"{COMMIT}/models/face_detection_yunet/{NAME}"
)
SHA256 = "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"
BYTES = 229_738


def download(out: str | Path, url: str = URL, sha256: str = SHA256) -> None:
    """Fetch the model to a file, which appears only whole and with the right content.

    Raises:
        UserError: no network, or another content.
    """
    hint = (
        f"fetch {NAME} of OpenCV's model zoo by other means and give its path: --config "
        "prepare_faces='{detector: yunet, yunet_model: PATH}', or detect with haar"
    )
    try:
        content = fetch(url, limit=2 * BYTES)
    except NotFetched as error:
        raise UserError(f"{url}: expected the model of YuNet, found {error}; {hint}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UserError(
            f"{url}: expected a file with the SHA-256 {sha256}, found {found} ({len(content)} "
            f"bytes), which was not kept; {hint}"
        )
    with atomic(out) as path:
        path.write_bytes(content)


def main(args: argparse.Namespace) -> None:
    """Run the command line."""
    download(args.out)
    print(f"YuNet ({SHA256[:12]}) in {args.out}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    run_stage(main, parser)
