"""One photo file to pixels, or the reason why not."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from dlvae.data.images import decode
from dlvae.photos.photo import Dropped
from dlvae.stage.errors import UserError

MAX_BYTES = 250_000_000
MAX_PIXELS = Image.MAX_IMAGE_PIXELS
"""What Pillow takes for a decompression bomb, 89 million: a tiny file can claim as many."""


def read_photo(path: Path, root: Path) -> tuple[np.ndarray, str, str]:
    """Return the upright pixels of a photo, uint8 RGB (H, W, 3), its file's SHA-256 and format.

    What is converted, see `dlvae.data.images`. Of several frames the first counts.

    Raises:
        Dropped: the file is a link out of `root`, too large, or cannot be read.
    """
    try:
        if not path.resolve(strict=True).is_relative_to(root):
            raise Dropped("link")
        if not path.is_file():
            raise Dropped("unreadable", "no regular file")
        if path.stat().st_size > MAX_BYTES:
            raise Dropped("too_large", f"{path.stat().st_size / 1e6:.0f} MB")
        payload = path.read_bytes()
        with Image.open(io.BytesIO(payload)) as header:  # reads no pixel
            (width, height), kind = header.size, header.format or "unknown"
        if width * height > MAX_PIXELS:
            raise Dropped("too_large", f"{width} x {height} pixels")
        image, _ = decode(payload, path.name)
    except Dropped:
        raise
    except Image.DecompressionBombError:
        raise Dropped("too_large", f"over {2 * MAX_PIXELS:,} pixels") from None
    except UserError as error:
        raise Dropped("unreadable", _cause(str(error))) from None
    except Exception as error:  # decoders and file systems fail in every way there is
        raise Dropped("unreadable", _cause(f"{type(error).__name__}: {error}")) from None
    return np.asarray(image), hashlib.sha256(payload).hexdigest(), kind


def _cause(message: str) -> str:
    """Return what a message of `decode` found, in one line."""
    cause = message.partition(", found ")[2].partition("; ")[0] or message
    return " ".join(cause.split())[:160]
