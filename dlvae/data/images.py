"""Image files to uint8 arrays: decoding, conversion to RGB, resizing.

Converted, because nothing is lost or guessed: grey, palette, 1 bit, CMYK and YCbCr to RGB;
16-bit grey, 0..65535 to 0..255; transparency over white, as a viewer shows it; the orientation
that a camera noted is applied. Refused, with the path: floating point and 32-bit integer images,
whose range nobody states, files that do not decode or claim more pixels than any image has, and
formats that are programs (PostScript).
"""

import io
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dlvae.stage.errors import UserError

# An image file as bytes, its path, or decoded pixels uint8 (H, W, 3).
Payload = bytes | Path | np.ndarray

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")  # as Pillow calls them
MOST_PIXELS = Image.MAX_IMAGE_PIXELS
"""What Pillow takes for a decompression bomb, 89 million: a tiny file can claim as many."""

PROGRESS_SECONDS = 5.0
CONVERTIBLE = ("1", "L", "P", "CMYK", "YCbCr")
MODES = {"L": "grey", "1": "1 bit", "P": "palette", "LA": "grey with alpha"}  # else by their names


def read_bytes(payload: Payload) -> bytes:
    """The bytes of a payload, for hashing and decoding."""
    if isinstance(payload, np.ndarray):
        return payload.tobytes()
    return payload.read_bytes() if isinstance(payload, Path) else payload


def decode_all(
    payloads: Sequence[Payload], where: Sequence[str], size: int, exact: bool = False
) -> tuple[np.ndarray, dict[str, int]]:
    """Decode images to one array, in the order given.

    Args:
        payloads: the images.
        where: how to name each one in a message (a path, or a parquet file and row).
        size: side in pixels.
        exact: refuse images of another size instead of cropping and resizing them.

    Returns:
        images uint8 (N, size, size, 3), and how many were converted, by reason.

    Raises:
        UserError: the first image that is corrupt, of no safe mode or of the wrong size.
    """
    images = np.empty((len(payloads), size, size, 3), np.uint8)
    changes: Counter[str] = Counter()
    shown = time.monotonic()
    for index, (payload, name) in enumerate(zip(payloads, where, strict=True)):
        image, notes = decode(payload, name)
        if exact and image.size != (size, size):
            raise UserError(
                f"{name}: expected an image of {size}x{size} pixels, found "
                f"{image.width}x{image.height}; resize or remove it"
            )
        images[index], resizing = fit_square(image, size)
        changes.update(notes + resizing)
        if time.monotonic() - shown > PROGRESS_SECONDS:
            shown = time.monotonic()
            print(f"images decoded: {index + 1}/{len(images)}", file=sys.stderr, flush=True)
    return images, dict(sorted(changes.items()))


def decode(payload: Payload, where: str) -> tuple[Image.Image, list[str]]:
    """Decode one image to RGB; also returns what was converted ("from grey", ...)."""
    if isinstance(payload, np.ndarray):
        return Image.fromarray(payload), []
    content = b""
    try:
        content = read_bytes(payload)
        with open_header(content, where) as image:
            name = MODES.get(image.mode, image.mode)
            image.load()
            # Orientation first: converting drops the note that carries it.
            rgb = _to_rgb(ImageOps.exif_transpose(image), where)
            return rgb, [] if name == "RGB" else [f"converted from {name}"]
    except UserError:
        raise
    except Exception as error:  # decoders fail on broken files in every way there is
        raise UserError(
            f"{where}: expected a readable image, found {unreadable(error, content)}; replace or "
            "remove it"
        ) from error


def open_header(content: bytes, where: str, formats: Sequence[str] = FORMATS) -> Image.Image:
    """Open an image file without decoding it.

    Raises:
        UserError: it claims more than `MOST_PIXELS`.
        Exception: what the decoders raise on a broken file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(content), formats=formats)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise UserError(
                f"{where}: expected an image of at most {MOST_PIXELS} pixels, found more by its "
                "header; replace or remove it"
            ) from None
    return image


def unreadable(error: Exception, content: bytes) -> str:
    """Say what a file is that does not decode."""
    if isinstance(error, UnidentifiedImageError):
        return f"a file that starts with {content[:8]!r}" if content else "an empty file"
    return str(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}")


def fit_square(image: Image.Image, size: int) -> tuple[Image.Image, list[str]]:
    """Crop the longer side around the centre, then resize with an antialiased Lanczos filter."""
    notes, side = [], min(image.size)
    if image.width != image.height:
        notes.append("cropped to a square")
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    if image.width != size:
        notes.append("reduced" if image.width > size else "enlarged")
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return image, notes


def _to_rgb(image: Image.Image, where: str) -> Image.Image:
    if image.mode.startswith("I;16"):
        # 65535 / 255 = 257, so white stays white.
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if image.mode == "RGB":
        return image
    if image.mode not in CONVERTIBLE:
        raise UserError(
            f"{where}: expected an RGB or grey image of 8 or 16 bit, found mode '{image.mode}', "
            "whose range is unknown; convert it to an 8-bit PNG"
        )
    return image.convert("RGB")
