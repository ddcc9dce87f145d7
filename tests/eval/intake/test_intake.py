"""Sample sets from outside: what is taken, what is noted, what is refused."""

import io
import json
import re
import struct
import tracemalloc
import unicodedata
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from dlvae.data.dataset import Split, load_card, save_dataset
from dlvae.data.sample_sets import load_samples, save_samples
from dlvae.stage.artefact import sha256_file
from dlvae.stage.runtime import run_stage
from eval.intake import __main__ as intake
from eval.intake.candidate_files import MOST
from eval.intake.candidate_folders import MOST_BYTES
from eval.scored_images import evenly_per_class, sampled

CLASSES = ["cat", "dog", "caf\u00e9"]
EACH = 4  # images per class that the protocol asks for
SIZE = 16
PROTOCOL = "config/protocol/v2.yaml"
CARD = {"dataset": "x", "source": "made up", "licence": "none", "flip": True, "preparation": {}}


def pictures(count, seed=0, size=SIZE):
    draws = np.random.default_rng(seed)
    return draws.integers(0, 256, (count, size, size, 3)).astype(np.uint8)


def prepared(folder, classes):
    labels = np.arange(len(classes))
    split = Split(pictures(len(classes)), None, labels, np.array(classes))
    save_dataset(folder, {"train": split, "test": split}, CARD)


@pytest.fixture
def work(tmp_path):
    """A folder with a prepared data set."""
    prepared(tmp_path / "data", CLASSES)
    return tmp_path


@pytest.fixture
def refused(work, capsys):
    """Run the stage on something bad: the one line that says so."""

    def attempt(candidate):
        with pytest.raises(SystemExit) as stop:
            run(work, candidate)
        error = capsys.readouterr().err
        assert stop.value.code == 2 and error.count("\n") == 1 and error.startswith("error: ")
        assert not (work / "out.npz").exists() and not (work / "out.manifest.json").exists()
        return error

    return attempt


def run(work, candidate):
    """Run the stage in this process: images, labels and the manifest."""
    config = {"preset": "p", "dataset": "x", "protocol_overrides": {"samples": {"few": EACH}}}
    arguments = ["--candidate", candidate, "--data", work / "data", "--protocol", PROTOCOL]
    arguments += ["--config", json.dumps(config), "--out", work / "out.npz"]
    run_stage(intake.main, intake.command(), [str(part) for part in arguments])
    manifest = json.loads((work / "out.manifest.json").read_text())
    return *load_samples(work / "out.npz"), manifest


def found(manifest):
    """Findings by kind: severity and text."""
    return {each["kind"]: (each["severity"], each["text"]) for each in manifest["findings"]}


def enough(seed=0):
    """As many images of each class as the protocol asks for, and their labels."""
    return pictures(EACH * 3, seed), np.arange(EACH * 3) % 3


def npz(work, **arrays):
    path = work / "candidate.npz"
    images, labels = enough()
    np.savez(path, **{"images": images, "labels": labels} | arrays)
    return path


def write(folder, images, labels, names=CLASSES):
    """Write a folder of folders, the last image first."""
    for label, name in enumerate(names):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, image in reversed(list(enumerate(images[labels == label]))):
            Image.fromarray(image).save(folder / name / f"{number:03d}.png")
    return folder


@pytest.fixture
def folder(work):
    """A good folder of folders."""
    return write(work / "candidate", *enough())


# What is taken.


def test_a_file_of_the_right_number_is_taken_as_it_is(work):
    path = npz(work, labels=enough()[1].astype(np.uint8))
    images, labels, manifest = run(work, path)
    np.testing.assert_array_equal(images, enough()[0])
    np.testing.assert_array_equal(labels, enough()[1])
    assert labels.dtype == np.int64 and manifest["findings"] == []
    assert manifest["candidate"] == {"path": str(path), "sha256": sha256_file(path), "images": 12}
    assert set(manifest["inputs"]) == {"data", "protocol"} and manifest["precision"] is None
    scored = sampled(work / "out.npz", load_card(work / "data"))
    assert scored.precision == "unknown" and len(scored.images) == 12


def test_a_sample_set_of_ours_comes_back_byte_for_byte(work):
    save_samples(work / "ours.npz", *enough())
    run(work, work / "ours.npz")
    assert (work / "out.npz").read_bytes() == (work / "ours.npz").read_bytes()


def test_a_folder_is_the_same_set_by_label_and_name(work, folder):
    images, labels, manifest = run(work, folder)
    expected, known = enough()
    order = np.argsort(known, kind="stable")
    np.testing.assert_array_equal(images, expected[order])
    np.testing.assert_array_equal(labels, known[order])
    assert manifest["findings"] == [] and manifest["precision"] is None
    assert manifest["candidate"]["images"] == 12 and len(manifest["candidate"]["sha256"]) == 64


@pytest.mark.parametrize(
    "names",
    [
        ["0", "1", "2"],
        ["cat", "1", "002"],
        ["cat", "dog", unicodedata.normalize("NFD", CLASSES[2])],
    ],
)
def test_folders_are_named_by_class_or_number(work, names):
    _, labels, manifest = run(work, write(work / "candidate", *enough(), names))
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 2], EACH))
    assert manifest["findings"] == []


def test_a_class_of_this_name_goes_before_the_label_of_this_number(work):
    prepared(work / "data", ["2", "0", "1"])
    path = write(work / "candidate", *enough(), ["2", "0", "1"])
    images, labels, manifest = run(work, path)
    np.testing.assert_array_equal(images[:EACH], enough()[0][enough()[1] == 0])
    severity, text = found(manifest)["names_before_labels"]
    assert severity == "note" and "2 has label 0" in text and "1 has label 2" in text
    assert labels.tolist() == [0] * EACH + [1] * EACH + [2] * EACH


def test_where_names_are_the_numbers_nothing_is_said(work):
    prepared(work / "data", ["0", "1", "2"])
    _, _, manifest = run(work, write(work / "candidate", *enough(), ["0", "1", "2"]))
    assert manifest["findings"] == []


@pytest.mark.parametrize("kind", ["npz", "folder"])
def test_of_more_images_exactly_the_number_of_the_protocol_is_taken(work, kind):
    images = pictures(22)
    labels = np.array([0] * 8 + [1] * 8 + [2] * 6)
    path = npz(work, images=images, labels=labels) if kind == "npz" else work / "candidate"
    if kind == "folder":
        write(path, images, labels)
    taken, got, manifest = run(work, path)
    chosen = evenly_per_class(labels, EACH)
    np.testing.assert_array_equal(taken, images[chosen])
    np.testing.assert_array_equal(got, labels[chosen])
    assert list(found(manifest)) == ["left_out"] and manifest["candidate"]["images"] == 22
    severity, text = found(manifest)["left_out"]
    assert severity == "note" and "12 of 22 images" in text and "left out: 10." in text


def test_strongly_unbalanced_labels_are_a_warning(work):
    labels = np.array([0] * 9 + [1] * 4 + [2] * 5)
    _, _, manifest = run(work, npz(work, images=pictures(18), labels=labels))
    severity, text = found(manifest)["unbalanced"]
    assert severity == "warning" and "'cat' has 9 images, 'dog' 4" in text
    assert [each["severity"] for each in manifest["findings"]] == ["warning", "note"]


def test_repeated_and_constant_images_are_warnings(work, capsys):
    images, labels = enough()
    images[[3, 7]], images[5] = images[0], (9, 200, 30)
    _, _, manifest = run(work, npz(work, images=images))
    severity, text = found(manifest)["duplicates"]
    assert severity == "warning" and "equal to an earlier one: 2 of 12 (16.7 %)" in text
    severity, text = found(manifest)["constant_images"]
    assert (
        severity == "warning"
        and "one colour throughout: 1 of 12 (8.33 %)" in text
        and "image 5" in text
    )
    assert capsys.readouterr().out.count("warning: ") == 2


def test_other_arrays_are_noted_and_not_read(work):
    pickled = np.array([object()], dtype=object)
    _, _, manifest = run(work, npz(work, codes=np.zeros(3), extra=pickled))
    severity, text = found(manifest)["other_arrays"]
    assert severity == "note" and "not read: 2, e.g. codes, extra." in text


def test_only_the_scored_images_are_in_memory(work):
    many = pictures(6000, size=SIZE)
    path = npz(work, images=many, labels=np.arange(6000) % 3)
    tracemalloc.start()
    try:
        run(work, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < many.nbytes / 2


def test_the_same_command_gives_the_same_bytes(work, folder):
    run(work, folder)
    first = (work / "out.npz").read_bytes(), run(work, folder)[2]["candidate"]
    assert ((work / "out.npz").read_bytes(), run(work, folder)[2]["candidate"]) == first


def test_the_hash_of_a_folder_is_of_all_images(work, folder):
    Image.fromarray(pictures(1, 5)[0]).save(folder / "cat" / "1000.png")
    hashes = {run(work, folder)[2]["candidate"]["sha256"]}
    Image.fromarray(pictures(1, 6)[0]).save(folder / "cat" / "1000.png")  # left out
    hashes.add(run(work, folder)[2]["candidate"]["sha256"])
    (folder / "cat" / "1000.png").rename(folder / "cat" / "1001.png")
    hashes.add(run(work, folder)[2]["candidate"]["sha256"])
    assert len(hashes) == 3
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    assert run(work, folder)[2]["candidate"]["sha256"] in hashes


# Files of a folder.


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("L", ["grey_files"]),
        ("1", ["grey_files"]),
        ("P", ["palette_files"]),
        ("RGBA", ["opaque_alpha"]),
        ("LA", ["grey_files", "opaque_alpha"]),
    ],
)
def test_files_that_are_turned_into_rgb_are_noted(work, folder, mode, kinds):
    image = Image.fromarray(pictures(1, 9)[0]).convert(mode)
    image.save(folder / "cat" / "000.png")
    images, _, manifest = run(work, folder)
    np.testing.assert_array_equal(images[0], np.asarray(image.convert("RGB")))
    assert list(found(manifest)) == kinds
    for severity, text in found(manifest).values():
        assert severity == "note" and ": 1, e.g. cat/000.png." in text


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_files_with_loss_are_a_warning_whatever_they_are_called(work, folder, suffix):
    kind = "WEBP" if suffix == "webp" else "JPEG"
    for number in (1, 2):
        (folder / "dog" / f"00{number}.png").unlink()
        image = Image.fromarray(pictures(1, number)[0])
        image.save(folder / "dog" / f"00{number}.{suffix}", kind)
    images, _, manifest = run(work, folder)
    severity, text = found(manifest)["lossy_files"]
    assert severity == "warning" and f": 2, e.g. dog/001.{suffix}." in text
    assert "scores are those of compressed images" in text
    assert "sharpness, FID and d_intra. Save PNG" in text
    decoded = np.asarray(Image.open(folder / "dog" / f"001.{suffix}").convert("RGB"))
    np.testing.assert_array_equal(images[EACH + 1], decoded)


def test_webp_without_loss_is_no_warning(work, folder):
    (folder / "dog" / "001.png").unlink()
    image = pictures(1, 1)[0]
    Image.fromarray(image).save(folder / "dog" / "001.webp", lossless=True)
    images, _, manifest = run(work, folder)
    np.testing.assert_array_equal(images[EACH + 1], image)
    assert manifest["findings"] == []


def test_foreign_files_are_noted(work, folder):
    (folder / "notes.txt").write_text("how they were made")
    (folder / ".hidden").mkdir()
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    (folder / "cat" / "inner").mkdir()
    Image.fromarray(pictures(1)[0]).save(folder / "cat" / "a.gif")
    _, _, manifest = run(work, folder)
    severity, text = found(manifest)["foreign_files"]
    assert severity == "note" and ": 5, e.g. .hidden, cat/Thumbs.db, cat/a.gif." in text


def png_bytes(width, height, depth, rows, extra=b""):
    """A PNG of RGB values, written by hand."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
    return start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_alpha(least):
    alpha = np.full((SIZE, SIZE, 1), 255, np.uint8)
    alpha[3, 4] = least
    return Image.fromarray(np.concatenate([pictures(1)[0], alpha], axis=2))


def see_through_palette():
    image = Image.fromarray(pictures(1)[0]).convert("P")
    return saved(image, transparency=image.getpixel((0, 0)))


def frames():
    first, second = (Image.fromarray(image) for image in pictures(2))
    return saved(first, save_all=True, append_images=[second])


GREY16 = np.arange(SIZE * SIZE, dtype=np.uint16).reshape(SIZE, SIZE)
RGB16 = (b"\0" + b"\x12\x34" * 3 * SIZE) * SIZE


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (
            saved(Image.fromarray(pictures(1, size=32)[0])),
            "16 x 16.*found 32 x 32; resizing.*gener",
        ),
        (saved(with_alpha(254)), "opaque image, found transparent.*alpha 254 of 255.*convert"),
        (see_through_palette(), "opaque image, found transparent"),
        (saved(Image.fromarray(GREY16)), "8 bits per channel, found 16 bits; save it with"),
        (png_bytes(SIZE, SIZE, 16, RGB16), "8 bits per channel, found 16 bits"),
        (saved(Image.new("CMYK", (SIZE, SIZE)), "JPEG"), "found mode 'CMYK'"),
        (frames(), "expected one image, found 2 frames"),
        (saved(Image.new("L", (SIZE, SIZE)), "GIF"), "a file that starts with b'GIF87a"),
        (b"", "expected a PNG file.*write it again"),
        (b"no picture", "a file that starts with b'no pictu'"),
        (saved(Image.fromarray(pictures(1)[0]))[:-200], "readable image, found.*replace or remove"),
        (png_bytes(60_000, 60_000, 8, b""), "expected an image of at most 89478485 pixels"),
        (png_bytes(12_000, 12_000, 8, b""), "expected an image of at most 89478485 pixels"),
        (png_bytes(9_000, 9_000, 8, b""), "16 x 16 pixels.*found 9000 x 9000"),
        (b"\0" * (MOST_BYTES + 1), f"expected at most {MOST_BYTES} bytes, found {MOST_BYTES + 1}"),
    ],
)
def test_a_bad_file_is_refused_by_its_path(folder, refused, payload, words):
    (folder / "dog" / "002.png").write_bytes(payload)
    error = refused(folder)
    assert str(folder / "dog" / "002.png") in error and re.search(words, error)


def test_links_that_lead_out_are_refused(work, folder, refused):
    outside = work / "outside"
    outside.mkdir()
    (folder / "dog" / "001.png").rename(outside / "001.png")
    (folder / "dog" / "001.png").symlink_to(outside / "001.png")
    assert re.search(r"dog/001\.png: expected a file or folder inside .*outside", refused(folder))
    (folder / "dog" / "001.png").unlink()
    (folder / "dog").rename(outside / "dog")
    (folder / "dog").symlink_to(outside / "dog")
    assert re.search(r"candidate/dog: expected a file or folder inside", refused(folder))


def test_links_that_stay_inside_are_followed(work, folder):
    (folder / "dog" / "001.png").unlink()
    (folder / "dog" / "001.png").symlink_to("../cat/001.png")
    images, _, manifest = run(work, folder)
    np.testing.assert_array_equal(images[EACH + 1], images[1])
    assert list(found(manifest)) == ["duplicates"]


def test_a_small_set_handed_in_several_times_is_refused(work, refused):
    images, _ = enough()
    images[:8] = images[0]
    words = r"7 of 12 \(58\.3 %\): expected different images, for scores and their intervals"
    assert re.search(words, refused(npz(work, images=images)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dogs", r"dogs: expected the name of a class or a label from 0 to 2.*mean 'dog'\?"),
        ("3", "label from 0 to 2, found '3'"),
        ("-1", "found '-1'"),
        ("1", "one folder for each class, found '1' and 'dog' for class 'dog'"),
    ],
)
def test_folders_that_are_no_class_or_one_too_many_are_refused(folder, refused, name, words):
    (folder / name).mkdir()
    assert re.search(words, refused(folder))


def test_what_holds_no_images_is_refused(work, refused):
    assert "found nothing at" in refused(work / "nowhere")
    (work / "loose").mkdir()
    Image.fromarray(pictures(1)[0]).save(work / "loose" / "a.png")
    assert re.search("expected folders <label.*found none", refused(work / "loose"))
    (work / "empty" / "cat").mkdir(parents=True)
    assert re.search(
        "expected PNG files in its folders, found none.*empty", refused(work / "empty")
    )
    (work / "empty" / "cat" / "a.bmp").write_bytes(b"x")
    assert re.search("of a class: 1, e.g. cat/a.bmp. Save PNG", refused(work / "empty"))


def test_a_class_with_too_few_files_is_refused(folder, refused):
    (folder / "dog" / "001.png").unlink()
    assert "found fewer of 1 ('dog' 3)" in refused(folder)


# Files of arrays.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x / 127.5 - 1, y), r"dtype uint8.*found float64.*\(x \+ 1\) \* 127\.5"),
        (lambda x, y: (x.transpose(0, 3, 1, 2), y), r"transpose\(0, 2, 3, 1\)"),
        (lambda x, y: (x[0], y), "expected images of shape"),
        (lambda x, y: (x[:0], y[:0]), "N > 0"),
        (lambda x, y: (np.asfortranarray(x), y), "Fortran order; save numpy.ascontiguousarray"),
        (lambda x, y: (x[:, :8, :8], y), "16 x 16 pixels.*found 8 x 8; resizing here would change"),
        (lambda x, y: (x, y.astype(float)), r"integer labels.*float64.*astype\('int64'\)"),
        (lambda x, y: (x, np.eye(3, dtype=int)[y]), r"\(12, 3\).*labels.argmax\(axis=1\)"),
        (lambda x, y: (x, y[:-1]), r"12 integer labels, one per image, found.*\(11,\)"),
        (lambda x, y: (x, y + 1), "out of range: expected 0 .'cat'. to 2.*found 1 to 3; number"),
        (lambda x, y: (x, y.astype(np.uint64) + 2**63), "out of range: expected 0"),
        (lambda x, y: (x, y - 1), "out of range: expected >= 0, found -1"),
        (lambda x, y: (x, np.zeros_like(y)), r"found fewer of 2 \('dog' 0, 'café' 0\).*precision"),
        (lambda x, y: (x[1:], y[1:]), r"expected 4 images of each of 3.*fewer of 1 \('cat' 3\)"),
        (lambda x, y: (x.astype(object), y), "'images': found pickled Python objects"),
        (lambda x, y: (x, y.astype(object)), "'labels': found pickled Python objects"),
        (lambda x, y: (x, y.astype(str)), "expected 12 integer labels"),
    ],
)
def test_a_bad_array_is_refused_with_what_mends_it(work, refused, change, words):
    images, labels = change(*enough())
    error = refused(npz(work, images=images, labels=labels))
    assert "candidate.npz" in error and re.search(words, error)


def test_pickled_code_never_runs(work, refused):
    class Trap:
        def __reduce__(self):
            return (work / "ran").mkdir, ()

    trap = np.array([Trap()] * 12, dtype=object)
    for arrays in ({"images": trap}, {"labels": trap}):
        assert "never loaded" in refused(npz(work, **arrays))
    assert not (work / "ran").exists()


def test_a_broken_file_is_refused(work, refused):
    path = npz(work)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "expected a readable .npz of plain arrays" in refused(path)
    path.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    assert "Bad CRC-32" in refused(path)
    path.write_text("images")
    assert "File is not a zip file" in refused(path)
    np.save(work / "one.npy", enough()[0])
    assert "expected a readable .npz" in refused(work / "one.npy")
    np.savez(work / "other.npz", x=enough()[0], labels=enough()[1])
    assert "found ['labels', 'x'] without images" in refused(work / "other.npz")


@pytest.mark.parametrize(("count", "words"), [(13, "as many values"), (MOST + 1, "at most")])
def test_a_header_that_promises_more_than_there_is_is_refused(work, refused, count, words):
    images, labels = enough()
    path = work / "candidate.npz"
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("images.npy", "w") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, SIZE, SIZE, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            file.write(images.tobytes())
        with archive.open("labels.npy", "w") as file:
            np.lib.format.write_array(file, np.append(labels, 0))
    assert words in refused(path)


def test_a_refusal_of_many_classes_stays_short(work, refused):
    prepared(work / "data", [f"class {number}" for number in range(10)] + ["last", "least"])
    error = refused(npz(work))
    assert "fewer of 12" in error and "and 2 more" in error and "last" not in error


def test_a_data_set_without_classes_is_refused(work, refused):
    split = Split(pictures(3), None, np.full(3, -1), np.array([], dtype="U1"))
    save_dataset(work / "data", {"train": split}, CARD)
    assert "expected a data set with classes" in refused(npz(work))
