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
    name: str, said: str, image: Callable[[], Image.Image], kind: str = "PNG"
) -> BadInput:
    """Return a case of a file that is taken; what was done to it is counted in the data's card."""

    def run(folder: Path) -> str:
        found = io.BytesIO()
        image().save(found, kind)
        images, changes = decoded(found.getvalue())
        assert images.shape == (1, SIDE, SIDE, 3) and images.dtype == np.uint8
        return ", ".join(changes) or AS_IT_IS

    return BadInput(name, said, run, converted=True)


def saved(image: Image.Image, kind: str) -> bytes:
    """Return the bytes of a file of another format."""
    found = io.BytesIO()
    image.save(found, kind)
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


def rgb() -> Image.Image:
    """Return a plain image."""
    return Image.fromarray(pixels(0))


def turned() -> Image.Image:
    """Return an image of which the camera noted that it lies on its side."""
    image = Image.fromarray(pixels(0)[:24])
    image.getexif()[0x0112] = 6
    return image


GREY16 = Image.fromarray(pixels(0)[..., 0].astype(np.uint16) << 8)

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
    converted("RGB of 8 bits", AS_IT_IS, rgb),
    converted("grey", "converted from grey", lambda: rgb().convert("L")),
    converted("1 bit", "converted from 1 bit", lambda: rgb().convert("1")),
    converted("a palette", "converted from palette", lambda: rgb().convert("P")),
    converted("CMYK", "converted from CMYK", lambda: rgb().convert("CMYK"), "JPEG"),
    converted("grey of 16 bits: 65535 becomes 255", "converted from I;16", lambda: GREY16),
    converted("transparency: over white", "converted from RGBA", lambda: rgb().convert("RGBA")),
    converted("grey with transparency: over white", "converted from grey with alpha",
              lambda: rgb().convert("LA")),
    converted("an orientation that the camera noted: turned", "cropped to a square", turned,
              "JPEG"),
    converted("an image that is not square: cropped around its middle", "cropped to a square",
              lambda: Image.fromarray(pixels(0, 64)[:48])),
    converted("a larger image: reduced", "reduced", lambda: Image.fromarray(pixels(0, 64))),
    converted("a smaller image: enlarged", "enlarged", lambda: Image.fromarray(pixels(0, 16))),
    converted("several frames (GIF): the first", "converted from palette",
              lambda: rgb().convert("P"), "GIF"),
]  # fmt: skip
