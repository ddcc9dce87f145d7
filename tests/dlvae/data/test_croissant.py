"""Data cards: what they say of a prepared set is true, and mlcroissant reads them."""

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlvae.data.croissant.about import about
from dlvae.data.croissant.document import CONFORMS, write_croissant
from dlvae.data.croissant.facts import PHOTO_FORMATS
from dlvae.data.dataset import load_split
from dlvae.data.sources import MODULES
from dlvae.prepare import prepare
from dlvae.stage.artefact import save_npz
from dlvae.stage.errors import UserError

POINTS = {"dataset": "three_moons", "points": 30, "test_points": 9}
RENDERED = {"dataset": "synthetic_faces", "size": 16, "identities": 2}
RENDERED |= {"images_per_identity": 5, "test_images_per_identity": 2}
OTHERS = {"dataset": "synthetic_faces", "size": 16, "role": "unlabelled"}
OTHERS |= {"identities": 2, "images_per_identity": 5}


def soft(seed, size=32):
    """A soft picture, uint8 (size, size, 3), which JPEG changes little; seeds give others."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC))


def encoded(seed, kind, size=32):
    """The bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(soft(seed, size)).save(buffer, kind)
    return buffer.getvalue()


def ten_classes(root, kind="png", suffix="png"):
    """CIFAR-10's class folders with two training images and one test image of each class."""
    from dlvae.data.cifar10 import CLASSES

    for split, count in (("train", 2), ("test", 1)):
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                data = encoded([label, index, split == "test"], kind)
                (root / split / name / f"{index}.{suffix}").write_bytes(data)
    return {"dataset": "cifar10", "min_images_per_class": 1, "root": str(root)}


def photographs(root, parquet_file):
    """A parquet file of 24 JPEG crops of two people."""
    images = {row: encoded(row, "jpeg", 16) for row in range(24)}
    parquet_file(root / "train.parquet", [0, 1] * 12, images=images)
    (root / "classes.csv").write_text("label,identity\n0,Ada\n1,Bea\n", "utf-8")
    return {"dataset": "faces", "size": 16, "root": str(root)}


@pytest.fixture
def describe(tmp_path):
    """Prepare and describe: describe(configuration) is the document; the folder is `out`."""

    def both(config, out="out"):
        prepare(config, tmp_path / out)
        return write_croissant(tmp_path / out)

    return both


@pytest.fixture
def every(tmp_path, parquet_file):
    """One small configuration of every data set and role."""
    faces = photographs(tmp_path / "photos", parquet_file)
    return {
        "three_moons": POINTS,
        "digits": {"dataset": "digits"},
        "synthetic_faces": RENDERED,
        "synthetic_faces_unlabelled": OTHERS,
        "cifar10": ten_classes(tmp_path / "ten"),
        "faces": faces,
        "faces_unlabelled": faces | {"role": "unlabelled"},
    }


def records(document, name):
    """One record set of a document."""
    (found,) = (each for each in document["recordSet"] if each["@id"] == name)
    return found


def limits(document):
    return " ".join(document["rai:dataLimitations"])


@pytest.mark.slow  # mlcroissant comes with the extra "dev", as what else the slow tests need
def test_mlcroissant_reads_every_card(every, describe, tmp_path):
    from mlcroissant import Dataset

    for name, config in every.items():
        document = describe(config, name)
        read = Dataset(jsonld=str(tmp_path / name / "croissant.json"))
        issues = read.metadata.ctx.issues
        # Nobody published what is generated here, or lies in a folder of the user's.
        unknown = {"datePublished", "citeAs"} - set(document)
        assert not issues.errors and len(issues.warnings) == len(unknown)
        assert all(any(word in each for word in unknown) for each in issues.warnings)
        assert read.metadata.name == document["name"] == name
        stated = {each["@id"]: each["sha256"] for each in document["distribution"]}
        assert {each.id: each.sha256 for each in read.metadata.file_objects} == stated
        assert {each.id for each in read.metadata.record_sets} == {
            each["@id"] for each in document["recordSet"]
        }
        if config.get("role") != "unlabelled":
            rows = [dict(row) for row in read.records("classes")]
            assert len(rows) == len(load_split(tmp_path / name, "train").classes)


def test_every_data_set_is_described():
    for name in MODULES:
        known = about(name)
        assert known.uses and known.limits and known.creators


def test_files_are_known_by_size_and_hash(describe, tmp_path):
    document = describe(POINTS)
    assert document["conformsTo"] == CONFORMS
    listed = {each["contentUrl"]: each for each in document["distribution"]}
    assert set(listed) == {"train.npz", "test.npz", "card.json"}
    for name, file in listed.items():
        content = (tmp_path / "out" / name).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["contentSize"] == f"{len(content)} B"


def test_classes_have_their_counts_and_splits_theirs(describe, tmp_path):
    document = describe({"dataset": "digits"})
    rows = records(document, "classes")["data"]
    train = load_split(tmp_path / "out", "train")
    assert [row["classes/train"] for row in rows] == np.bincount(train.labels).tolist()
    assert [row["classes/name"] for row in rows] == list("0123456789")
    found = {row["splits/name"]: row["splits/count"] for row in records(document, "splits")["data"]}
    assert found["train"] == len(train) and found["train"] + found["test"] == 1797


def test_records_are_rows_of_the_arrays(describe, tmp_path):
    document = describe(RENDERED)
    fields = {each["@id"]: each for each in records(document, "train")["field"]}
    for name, array in load_split(tmp_path / "out", "train").arrays().items():
        if name in ("classes", "factor_names"):
            continue
        field = fields[f"train/{name}"]
        shape = ",".join(map(str, array.shape[1:]))
        assert field.get("arrayShape", "") == shape and field.get("isArray", False) == bool(shape)
        assert field["source"]["extract"] == {"column": name}
    names = [row["factors/name"] for row in records(document, "factors")["data"]]
    assert names == load_split(tmp_path / "out", "train").factor_names.tolist()
    assert "numpy.load(path, allow_pickle=False)" in document["description"]


def test_describing_again_gives_the_same_bytes_and_changes_nothing_else(describe, tmp_path):
    describe(RENDERED)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    write_croissant(tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert str(tmp_path) not in before["croissant.json"].decode()


@pytest.mark.parametrize(("kind", "copy"), [("jpeg", True), ("png", False)])
def test_a_jpeg_copy_of_cifar10_is_known_by_its_files(describe, tmp_path, kind, copy):
    # Neither the folder nor the ending of a file says what is in it.
    document = describe(ten_classes(tmp_path / "lossless-not-jpeg", kind, suffix="png"))
    assert ("A JPEG copy: 30 of 30 source files" in limits(document)) == copy
    assert document["rai:dataCollectionRawData"].endswith(f"of 30 {kind.upper()} files.")


def test_crops_of_photos_say_how_the_photos_were_stored(describe, tmp_path):
    options = ten_classes(tmp_path / "ten", "png")
    (tmp_path / "ten" / "manifest.json").write_text(
        json.dumps({PHOTO_FORMATS: {"JPEG": 28, "WEBP": 2}})
    )
    assert "Cut out of photos, 28 of 30 of them JPEG" in limits(describe(options))


def test_a_source_that_is_gone_is_said_to_be(tmp_path):
    prepare(ten_classes(tmp_path / "ten", "jpeg"), tmp_path / "out")
    (tmp_path / "ten").rename(tmp_path / "elsewhere")
    document = write_croissant(tmp_path / "out")
    assert "not at hand" in limits(document) and "JPEG copy" not in limits(document)


def test_what_was_generated_came_from_no_files(describe):
    document = describe({"dataset": "digits"})
    assert "JPEG" not in limits(document) and "not at hand" not in limits(document)
    assert document["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert "alpaydin1998optical" in document["citeAs"]


def test_photographs_of_people_come_with_a_warning(describe, tmp_path, parquet_file):
    document = describe(photographs(tmp_path / "photos", parquet_file))
    assert document["description"].startswith("WARNING: photographs of real, identifiable people")
    assert document["license"]["name"] == "unknown"
    assert "Not for recognising" in document["usageInfo"]["text"]
    assert "Not for recognising" in limits(document)
    assert "biometric" in " ".join(document["rai:personalSensitiveInformation"])
    assert {each["name"] for each in document["prov:wasDerivedFrom"][1:]} == {
        "train.parquet", "classes.csv",
    }  # fmt: skip


def test_rendered_faces_say_that_they_are(describe):
    for config in (RENDERED, OTHERS):
        document = describe(config, config.get("role", "labelled"))
        assert "Nobody is shown" in document["description"]
        assert "rendered" in " ".join(document["rai:personalSensitiveInformation"])


def test_unlabelled_sets_say_how_many_people_they_show(describe):
    document = describe(OTHERS)
    assert "8 in `train`, 2 in `heldout`, of 2 people" in document["description"]
    assert not [each for each in document["recordSet"] if each["@id"] == "classes"]
    assert "rai:dataAnnotationProtocol" not in document


def test_repeated_images_are_counted(describe, tmp_path):
    config = ten_classes(tmp_path / "ten")
    first = (tmp_path / "ten/train/cat/0.png").read_bytes()
    (tmp_path / "ten/train/cat/9.png").write_bytes(first)
    (tmp_path / "ten/test/cat/0.png").write_bytes(first)
    found = limits(describe(config))
    assert "1 of 21 in `train` are equal to an earlier one" in found
    assert "1 of 10 in `test` are in `train` too" in found
    assert "Unequal numbers of each class in `train`: 2 to 3, median 2." in found


def test_arrays_that_are_not_the_cards_are_refused(describe, tmp_path):
    describe(POINTS)
    split = load_split(tmp_path / "out", "test")
    save_npz(tmp_path / "out" / "test.npz", **split.arrays() | {"points": split.points + 1})
    with pytest.raises(UserError, match="expected test.npz to hold what card.json says"):
        write_croissant(tmp_path / "out")


def test_a_source_that_has_changed_is_refused(describe, tmp_path, parquet_file):
    describe(photographs(tmp_path / "photos", parquet_file))
    parquet_file(tmp_path / "photos" / "train.parquet", [1, 0] * 12)
    with pytest.raises(UserError, match="train.parquet: expected the file that was prepared"):
        write_croissant(tmp_path / "out")


def test_the_command_line_says_what_to_prepare(tmp_path):
    command = [sys.executable, "-m", "dlvae.describe", "--data", str(tmp_path)]
    bad = subprocess.run(command, capture_output=True, text=True, cwd=Path.cwd())
    assert bad.returncode == 2 and "python -m dlvae.prepare" in bad.stderr
    prepare(POINTS, tmp_path)
    good = subprocess.run(command, capture_output=True, text=True, cwd=Path.cwd())
    assert good.returncode == 0 and "croissant.json" in good.stdout
    assert json.loads((tmp_path / "croissant.json").read_text())["name"] == "three_moons"
