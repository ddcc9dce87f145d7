"""One image file of a sample set from outside: what it holds is taken as it is, or refused."""

from __future__ import annotations

import numpy as np
from PIL import Image

from dlvae.data.images import decode, open_header, unreadable
from dlvae.stage.errors import UserError
from eval.intake.findings import NOTE, WARNING

FORMATS, SUFFIXES = ("PNG", "JPEG", "WEBP"), (".png", ".jpg", ".jpeg", ".webp")
MODES = ("RGB", "L", "1", "P", "RGBA", "LA")
PNG_DEPTH = 24  # offset of the bits per channel in the header of a PNG

KINDS = {
    "lossy_files": (
        WARNING,
        "Images from files with loss (JPEG, WebP): {count}, e.g. {example}. The scores are those "
        "of compressed images; compression with loss moves sharpness, FID and d_intra. Save PNG.",
    ),
    "grey_files": (
        NOTE,
        "Grey images: {count}, e.g. {example}. Their values were repeated for red, green and blue.",
    ),
    "palette_files": (
        NOTE,
        "Images with a palette: {count}, e.g. {example}. They were turned into RGB.",
    ),
    "opaque_alpha": (
        NOTE,
        "Images with an alpha channel that is opaque throughout: {count}, e.g. {example}. It was "
        "dropped.",
    ),
}
"""What is noted of files: severity and text, with a count and an example."""


def read_picture(payload: bytes, where: str, size: int) -> tuple[np.ndarray, list[str]]:
    """Decode the bytes of an image file.

    Returns:
        uint8 (size, size, 3), and the `KINDS` that the file is of.

    Raises:
        UserError: a broken file, another size, 16 bits per channel, transparency, several frames.
    """
    # The header first: an image of a wrong size is never decoded, however large.
    try:
        image = open_header(payload, where, FORMATS)
        frames = getattr(image, "n_frames", 1)
    except UserError:
        raise
    except Exception as error:  # decoders fail on broken files in every way there is
        raise UserError(
            f"{where}: expected a PNG file of {size} x {size} pixels, found "
            f"{unreadable(error, payload)}; write it again"
        ) from error
    with image:
        if image.size != (size, size):
            raise UserError(wrong_size(where, *image.size, size))
        deep = image.format == "PNG" and payload[PNG_DEPTH] == 16
        if deep or image.mode not in MODES:
            found = "16 bits" if deep else f"mode '{image.mode}'"
            raise UserError(
                f"{where}: expected RGB with 8 bits per channel, found {found}; save it with "
                "PIL.Image.fromarray(image.astype('uint8')).save(path), values 0 to 255"
            )
        if frames > 1:
            raise UserError(
                f"{where}: expected one image, found {frames} frames; save each as a file"
            )
        pixels = np.asarray(decode(payload, where)[0])
        return pixels, _kinds(image, payload, where)


def _kinds(image: Image.Image, payload: bytes, where: str) -> list[str]:
    lossless = image.format == "PNG" or (image.format == "WEBP" and payload[12:16] == b"VP8L")
    kinds = [] if lossless else ["lossy_files"]
    kinds += ["grey_files"] if image.mode in ("L", "1", "LA") else []
    kinds += ["palette_files"] if image.mode == "P" else []
    if image.has_transparency_data:
        least, _ = image.convert("RGBA").getchannel("A").getextrema()
        if least < 255:
            raise UserError(
                f"{where}: expected an opaque image, found transparent pixels (alpha {least} of "
                "255), whose colour depends on what lies behind; save RGB, e.g. "
                "image.convert('RGB')"
            )
        kinds.append("opaque_alpha")
    return kinds


def wrong_size(where: str, width: int, height: int, size: int) -> str:
    """Return the message that refuses images of another size than the data set's."""
    return (
        f"{where}: expected images of {size} x {size} pixels, as the data set has, found "
        f"{width} x {height}; resizing here would change the scores: generate {size} x {size}, or "
        "resize in the generator's own code, and say so where you report the scores"
    )
