import io

import numpy as np
import pytest
from PIL import Image

from dlvae.data.images import decode, decode_all
from dlvae.stage.errors import UserError


def encode(image: Image.Image, kind="png", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decode(data, "here")[0])


RAMP = np.linspace(0, 255, 64).round().astype(np.uint8).reshape(8, 8)


def test_grey_becomes_three_equal_channels():
    np.testing.assert_array_equal(
        pixels(encode(Image.fromarray(RAMP))), RAMP[:, :, None].repeat(3, 2)
    )


def test_one_bit_is_black_and_white():
    array = pixels(encode(Image.fromarray(RAMP > 100)))
    np.testing.assert_array_equal(array[..., 0], np.where(RAMP > 100, 255, 0))


def test_sixteen_bit_grey_is_scaled_to_the_full_range():
    deep = RAMP.astype(np.uint16) * 257
    image, notes = decode(encode(Image.fromarray(deep)), "here")
    np.testing.assert_array_equal(np.asarray(image)[..., 1], RAMP)
    assert notes == ["converted from I;16"]


def test_palette_colours_are_looked_up():
    image = Image.fromarray(RAMP)
    image = Image.merge("RGB", [image, image, Image.new("L", (8, 8))]).quantize(16)
    np.testing.assert_array_equal(pixels(encode(image)), np.asarray(image.convert("RGB")))


def test_transparency_lies_over_white():
    layer = Image.new("RGBA", (8, 8), (200, 0, 0, 255))
    layer.putpixel((0, 0), (200, 0, 0, 0))
    layer.putpixel((1, 0), (200, 0, 0, 51))  # a fifth
    array = pixels(encode(layer))
    assert array[0, 0].tolist() == [255, 255, 255]
    assert array[0, 1].tolist() == [244, 204, 204]
    assert array[5, 5].tolist() == [200, 0, 0]


def test_transparent_palette_lies_over_white():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30])
    assert pixels(encode(image, transparency=0))[0, 0].tolist() == [255, 255, 255]


def test_cmyk_is_converted():
    image = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    array = pixels(encode(image, "jpeg", quality=95)).astype(int)
    assert (np.abs(array[4, 4] - [0, 255, 255]) < 12).all()


def test_the_camera_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    shown = pixels(encode(Image.fromarray(RAMP), exif=exif))
    np.testing.assert_array_equal(shown[..., 0], np.rot90(RAMP, -1))


def test_floating_point_images_are_refused_by_name():
    data = encode(Image.fromarray(RAMP.astype(np.float32)), "tiff")
    with pytest.raises(UserError, match="here: expected an RGB or grey .*found mode 'F'"):
        decode(data, "here")


@pytest.mark.parametrize("data", [b"", b"no image", encode(Image.fromarray(RAMP))[:-30]])
def test_broken_files_are_named(data, tmp_path):
    with pytest.raises(UserError, match="row 7: expected a readable image"):
        decode(data, "row 7")
    path = tmp_path / "broken.png"
    path.write_bytes(data)
    with pytest.raises(UserError, match="broken.png: expected a readable image"):
        decode_all([path], [str(path)], 8)


def test_resizing_is_antialiased():
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))  # one-pixel stripes, mean 127.5
    images, changes = decode_all([encode(Image.fromarray(stripes))], ["x"], 8)
    assert np.abs(images[0].astype(int) - 127).max() <= 12
    assert changes == {"converted from grey": 1, "reduced": 1}


def test_oblong_images_are_cropped_around_the_centre():
    array = np.zeros((8, 16, 3), np.uint8)
    array[:, 4:12] = 200
    images, changes = decode_all([array], ["x"], 8)
    assert (images == 200).all() and changes == {"cropped to a square": 1}


def test_exact_size_is_asked_for():
    with pytest.raises(UserError, match="a.png: expected an image of 8x8 pixels, found 16x8"):
        decode_all([np.zeros((8, 16, 3), np.uint8)], ["a.png"], 8, exact=True)
