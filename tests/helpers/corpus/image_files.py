"""Single image files of a user's own data: what is converted, and what is refused."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from corpus.bad_input import AS_IT_IS, CANARY, BadInput
from corpus.image_folders import bomb, pixels, png
from dlvae.data.images import decode_all

SIDE = 32


def decoded(payload: bytes | Path, **more: Any) -> tuple[np.ndarray, dict[str, int]]:
    """Decode one image as the preparation does."""
    return decode_all([payload], ["picture"], SIDE, **more)


def refused(name: str, said: str, content: Callable[[Path], bytes] | bytes) -> BadInput:
    """Return a case of a file that is refused."""

    def run(folder: Path) -> Any:
        path = folder / "picture.png"
        path.write_bytes(content if isinstance(content, bytes) else content(folder))
        return decoded(path)

    return BadInput(name, said, run)


def converted(
    name: str,
    said: str,
    image: Image.Image,
    shows: np.ndarray,
    within: float = 0.0,
    kind: str = "PNG",
    **more: Any,
) -> BadInput:
    """Return a case of a file that is taken; what was done to it is counted in the data's card.

    Args:
        shows: what it is then, numbers (SIDE, SIDE) or (SIDE, SIDE, 3) worked out by other means.
        within: mean distance to that, at most, of 255.
        more: how it is saved.
    """

    def run(folder: Path) -> str:
        images, changes = decoded(saved(image, kind, **more))
        assert images.shape == (1, SIDE, SIDE, 3) and images.dtype == np.uint8
        expected = shows if shows.ndim == 3 else shows[..., None]
        assert np.abs(images[0] - expected.astype(float)).mean() <= within
        return ", ".join(changes) or AS_IT_IS

    return BadInput(name, said, run, converted=True)


def saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    """Return the bytes of a file of another format."""
    found = io.BytesIO()
    image.save(found, kind, **more)
    return found.getvalue()


def with_text() -> bytes:
    """Return a PNG file with a compressed comment of 100 MB."""
    body = b"zTXtcomment\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    whole = png()
    return whole[:33] + chunk + whole[33:]


def postscript(folder: Path) -> bytes:
    """Return a PostScript file that makes the canary where an interpreter runs it."""
    text = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n({folder / CANARY}) (w) file\n"
    return f"{text}closefile\nshowpage\n".encode()


def smooth(side: int = SIDE) -> np.ndarray:
    """Return a picture that survives compression and another size, uint8 (side, side, 3)."""
    y, x = np.mgrid[:side, :side] * (255 / (side - 1))
    return np.stack([x, y, 255 - x], axis=2).round().astype(np.uint8)


def see_through(mode: str) -> Image.Image:
    """Return noise whose left half cannot be seen."""
    image = RGB.convert(mode)
    image.putalpha(Image.fromarray(np.where(LEFT, 0, 255).astype(np.uint8)))
    return image


RGB = Image.fromarray(pixels(0))
LUMA = pixels(0) @ [0.299, 0.587, 0.114]  # ITU-R BT.601
LEFT = np.broadcast_to(np.arange(SIDE) < SIDE // 2, (SIDE, SIDE))
BITS, PALETTE = RGB.convert("1"), RGB.convert("P")
COLOURS = np.reshape(PALETTE.getpalette(), (-1, 3))[np.asarray(PALETTE)]
GREY16 = pixels(0)[..., 0].astype(np.uint16) << 8
NEAREST, NEAREST48 = (((np.arange(SIDE) + 0.5) * side / SIDE).astype(int) for side in (24, 48))
ON_ITS_SIDE = Image.Exif()
ON_ITS_SIDE[0x0112] = 6  # to be turned by 90 degrees to the right
# A quarter turn to the right; the middle of the longer side; the nearest pixel of each place.
TURNED = np.rot90(smooth()[:24], -1)[4:28][NEAREST][:, NEAREST]
NEAREST_OF_THE_MIDDLE = smooth(64)[:48, 8:56][NEAREST48][:, NEAREST48]

IMAGES = [
    refused("a text file", "starts with b'hello", b"hello world"),
    refused("an empty file", "expected a readable image, found an empty file", b""),
    refused("half a file", "expected a readable image", png()[:600]),
    refused("a file with changed bytes", "expected a readable image",
            png()[:100] + bytes(400) + png()[500:]),
    refused("a header alone", "expected a readable image", png()[:33]),
    refused("numbers with fractions (TIFF, mode F)", "whose range is unknown",
            saved(Image.fromarray(pixels(0)[..., 0].astype(np.float32)), "TIFF")),
    refused("integers of 32 bits (TIFF, mode I)", "whose range is unknown",
            saved(Image.fromarray(pixels(0)[..., 0].astype(np.int32)), "TIFF")),
    refused("a PNG file that claims 900 million pixels", "expected an image of at most", bomb()),
    refused("a PNG file that claims 100 million pixels", "expected an image of at most",
            bomb(10_000, 10_000)),
    refused("a PNG file without pixels", "expected a readable image", bomb(0, 0)),
    refused("a comment of 100 MB in a PNG file", "expected a readable image", with_text()),
    refused("PostScript, a language of programs, under the name of an image",
            "expected a readable image", postscript),
    refused("a drawing (SVG)", "expected a readable image", b"<svg xmlns='http://x'></svg>"),
    refused("control characters in a file's name or content", r"\x1b[31m", b"\x1b[31mred\x07"),
    converted("RGB of 8 bits", AS_IT_IS, RGB, pixels(0)),
    converted("grey", "converted from grey", RGB.convert("L"), LUMA, 0.6),
    converted("1 bit", "converted from 1 bit", BITS, 255 * np.asarray(BITS, np.uint8)),
    converted("a palette", "converted from palette", PALETTE, COLOURS),
    converted("CMYK", "converted from CMYK", Image.fromarray(smooth()).convert("CMYK"), smooth(), 5,
              "JPEG"),
    converted("grey of 16 bits: 65535 becomes 255", "converted from I;16", Image.fromarray(GREY16),
              GREY16 / 257, 0.6),
    converted("transparency: over white", "converted from RGBA", see_through("RGBA"),
              np.where(LEFT[..., None], 255, pixels(0))),
    converted("grey with transparency: over white", "converted from grey with alpha",
              see_through("LA"), np.where(LEFT, 255, LUMA), 0.6),
    converted("an orientation that the camera noted: turned", "cropped to a square",
              Image.fromarray(smooth()[:24]), TURNED, 4, "JPEG", exif=ON_ITS_SIDE),
    converted("an image that is not square: cropped around its middle", "cropped to a square",
              Image.fromarray(smooth(64)[:48]), NEAREST_OF_THE_MIDDLE, 3),
    converted("a larger image: reduced", "reduced", Image.fromarray(pixels(0, 64)),
              pixels(0, 64).reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3)), 16),
    converted("a smaller image: enlarged", "enlarged", Image.fromarray(smooth(16)),
              smooth(16).repeat(2, 0).repeat(2, 1), 6),
    converted("several frames (GIF): the first", "converted from palette", PALETTE, COLOURS,
              kind="GIF", save_all=True, append_images=[Image.fromarray(smooth()).convert("P")]),
]  # fmt: skip
