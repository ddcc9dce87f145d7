import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dlvae.photos.photo import Dropped
from dlvae.photos.reading import MAX_PIXELS, read_photo


def picture(width=40, height=30):
    """Dark above, light below, the left half red."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 2 :] = 220
    pixels[:, : width // 2, 0] = 220
    return Image.fromarray(pixels)


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("mode", "ending"),
    [("L", "jpg"), ("CMYK", "jpg"), ("P", "png"), ("P", "gif"), ("RGBA", "webp"), ("1", "tif")],
)
def test_other_modes_become_rgb(tmp_path, mode, ending):
    path = saved(tmp_path / f"x.{ending}", picture().convert(mode))
    pixels, sha256, kind = read_photo(path, tmp_path)
    assert pixels.shape == (30, 40, 3) and pixels.dtype == np.uint8 and len(sha256) == 64
    if mode != "1":
        assert pixels[25, 30].mean() > 150 > pixels[5, 30].mean()


def test_sixteen_bits_become_eight(tmp_path):
    grey = np.linspace(0, 65535, 30 * 40).reshape(30, 40).astype(np.uint16)
    pixels, _, _ = read_photo(saved(tmp_path / "x.png", Image.fromarray(grey)), tmp_path)
    assert pixels.max() == 255 and pixels.min() == 0


def test_a_photo_is_turned_as_the_camera_noted(tmp_path):
    upright = picture()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to the right to see it upright
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    pixels, _, _ = read_photo(saved(tmp_path / "x.jpg", stored, exif=exif, quality=95), tmp_path)
    assert pixels.shape == (30, 40, 3)
    assert np.abs(pixels.astype(int) - np.asarray(upright)).mean() < 8


def refused(path, root, reason, words=""):
    with pytest.raises(Dropped) as why:
        read_photo(path, root)
    assert why.value.reason == reason and words in why.value.detail
    return why.value.detail


def test_broken_files_are_dropped_with_the_cause(tmp_path):
    whole = saved(tmp_path / "x.jpg", picture(400, 300)).read_bytes()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole[: len(whole) // 2])
    assert "truncated" in refused(cut, tmp_path, "unreadable")
    text = tmp_path / "text.jpg"
    text.write_text("<html>404</html>")
    refused(text, tmp_path, "unreadable", "cannot identify image file")
    empty = tmp_path / "empty.png"
    empty.touch()
    refused(empty, tmp_path, "unreadable")
    floats = saved(tmp_path / "f.tif", Image.fromarray(np.zeros((9, 9), np.float32)))
    refused(floats, tmp_path, "unreadable", "mode 'F'")
    refused(tmp_path / "gone.jpg", tmp_path, "unreadable", "FileNotFoundError")


def test_a_file_that_may_not_be_read_is_dropped(tmp_path, monkeypatch):
    path = saved(tmp_path / "x.jpg", picture())

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", refuse)
    refused(path, tmp_path, "unreadable", "Permission denied")


def test_a_link_out_of_the_root_is_dropped_and_one_inside_followed(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    outside = saved(tmp_path / "x.jpg", picture())
    (root / "out.jpg").symlink_to(outside)
    refused(root / "out.jpg", root, "link")
    inside = saved(root / "y.jpg", picture())
    (root / "in.jpg").symlink_to(inside)
    assert read_photo(root / "in.jpg", root)[0].shape == (30, 40, 3)
    (root / "loop.jpg").symlink_to(root / "loop.jpg")
    refused(root / "loop.jpg", root, "unreadable")


def claiming(width, height):
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    data.seek(0, io.SEEK_END)
    data.write(chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    return data.getvalue()


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_not_decoded(tmp_path, side):
    assert side**2 > MAX_PIXELS
    path = tmp_path / "bomb.png"
    path.write_bytes(claiming(side, side))
    refused(path, tmp_path, "too_large", "pixels")


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("dlvae.photos.reading.MAX_BYTES", 100)
    refused(saved(tmp_path / "x.png", picture()), tmp_path, "too_large", "MB")
