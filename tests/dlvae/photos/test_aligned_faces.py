"""A stranger's folder of photos ends in a set that `faces` reads, and in a report."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from dlvae.data import faces as faces_source
from dlvae.data.croissant.facts import PHOTO_FORMATS
from dlvae.photos import aligned_faces
from dlvae.photos.__main__ import run
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.errors import UserError
from rendered_photos import photo, portraits, write_people

# Renders of one person are more alike than photos of one.
SETTINGS = PrepareFaces(min_train_faces=3, same_person=0.99)


def prepared(root, out, settings=SETTINGS, threads=1):
    return run(str(root), out, settings, out.parent / "resume", None, threads)


def rows(out):
    return {row["path"]: row for row in csv.DictReader((out / "photos.csv").open(encoding="utf-8"))}


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.png"))}


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Every kind of photo that a folder may hold, and what must not be read."""
    root = tmp_path_factory.mktemp("stranger") / "photos"
    write_people(root, {"Ada": 6, "Bea": 5, "Two": 2})
    ada, zoe = portraits(0, 8), portraits(7, 6)
    (root / "Zoë").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = photo(zoe[0], seed=1).transpose(Image.Transpose.ROTATE_90)
    turned.save(root / "Zoë" / "turned.jpg", exif=exif)
    photo(zoe[1], seed=2).convert("L").save(root / "Zoë" / "grey.png")
    photo(zoe[2], seed=3).convert("CMYK").save(root / "Zoë" / "cmyk.jpg", quality=95)
    photo(zoe[3], seed=4).convert("P").save(root / "Zoë" / "palette.gif")
    deep = np.asarray(photo(zoe[4], seed=5).convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(root / "Zoë" / "deep.png")
    whole = (root / "Ada" / "00.jpg").read_bytes()
    (root / "Zoë" / "cut.jpg").write_bytes(whole[: len(whole) // 3])
    Image.open(root / "Ada" / "00.jpg").save(root / "Ada" / "copy.png")
    photo(ada[6], 200, 200, (-75, 20), seed=6).save(root / "Ada" / "half.png")
    photo(ada[7]).save(root.parent / "outside.jpg")
    (root / "Ada" / "link.jpg").symlink_to(root.parent / "outside.jpg")
    (root / "Places").mkdir()
    for index in range(3):
        stains = np.random.default_rng(index).integers(60, 190, (6, 8, 3), np.uint8)
        Image.fromarray(stains).resize((320, 240)).save(root / "Places" / f"{index}.jpg")
    (root / "Places" / "notes.txt").write_text("x")
    return root


@pytest.fixture(scope="module")
def made(stranger):
    out = stranger.parent / "faces"
    return prepared(stranger, out), out


def test_photos_of_every_format_become_faces(made):
    found, out = made
    kept = {photo.path for photo in found.kept()}
    expected = {"turned.jpg", "grey.png", "cmyk.jpg", "palette.gif", "deep.png"}
    assert {f"Zoë/{name}" for name in expected} <= kept
    for path in files(out / "train").values():
        with Image.open(path) as face:
            assert face.size == (64, 64) and face.mode == "RGB"


def test_every_photo_that_is_dropped_has_its_reason(made):
    _, out = made
    table = rows(out)
    reasons = {path: row["reason"] for path, row in table.items() if row["reason"]}
    assert reasons.pop("Zoë/cut.jpg") == "unreadable"
    assert "truncated" in table["Zoë/cut.jpg"]["detail"]
    assert reasons.pop("Ada/link.jpg") == "link"
    assert {reasons.pop("Ada/00.jpg", ""), reasons.pop("Ada/copy.png", "")} == {"repeat", ""}
    assert {reasons.pop(f"Places/{index}.jpg") for index in range(3)} == {"no_face"}
    assert {reasons.pop(f"Two/0{index}.jpg") for index in range(2)} == {"few"}
    assert reasons.pop("Ada/half.png") in ("outside", "no_face")
    assert not reasons
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "datasets='{faces: {data: {min_images_per_class: 3}}}'" in page
    for words in ("| no_face |", "| few |", "| Zoë | 6 |", "'Places': 1 file with another ending"):
        assert words in page


def test_each_identity_has_faces_held_out(made):
    found, out = made
    for name in ("Ada", "Bea", "Zoë"):
        shares = [sum(f.identity == name for f in found.kept(split)) for split in ("train", "test")]
        assert shares[0] >= 3 and shares[1] == 1
    assert len(files(out / "train")) + len(files(out / "test")) == len(found.kept())
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.size[1] == 3 * (64 + 12)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["settings"]["detector"] == "haar" and manifest["opencv"].startswith("4.")
    formats = manifest[PHOTO_FORMATS]
    assert sum(formats.values()) == len(found.kept()) and formats["JPEG"] > 10


def test_the_data_set_faces_reads_them(made):
    _, out = made
    options = faces_source.FacesData(min_images_per_class=3)
    splits = faces_source.prepare(options, out).splits
    assert splits["train"].classes.tolist() == ["Ada", "Bea", "Zoë"]
    assert len(splits["test"]) == 3 and splits["train"].images.shape[1:] == (64, 64, 3)


def test_the_raw_photos_are_refused_as_data_root(stranger):
    words = "expected aligned faces, found photos .*snakemake prepare_faces --config photos="
    with pytest.raises(UserError, match=words):
        faces_source.prepare(faces_source.FacesData(), stranger)


def test_a_run_that_was_killed_does_not_align_again(tmp_path, monkeypatch):
    root = write_people(tmp_path / "photos", {"Ada": 5, "Bea": 5, "Cy": 5})
    align, asked = aligned_faces.align_identity, []

    def interrupted(root, name, *rest):
        asked.append(name)
        if name == "Cy" and asked.count("Cy") == 1:
            raise KeyboardInterrupt
        return align(root, name, *rest)

    monkeypatch.setattr(aligned_faces, "align_identity", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepared(root, tmp_path / "faces")
    prepared(root, tmp_path / "faces")
    assert asked == ["Ada", "Bea", "Cy", "Cy"]
    assert not (tmp_path / "resume").exists()

    monkeypatch.undo()
    prepared(root, tmp_path / "whole", threads=2)
    one, other = files(tmp_path / "faces"), files(tmp_path / "whole")
    assert one.keys() == other.keys()
    assert all(one[name].read_bytes() == other[name].read_bytes() for name in one)
    tables = [(tmp_path / name / "photos.csv").read_text() for name in ("faces", "whole")]
    assert tables[0] == tables[1]


def test_what_was_found_counts_for_another_selection_and_not_for_other_photos(
    tmp_path, monkeypatch
):
    root = write_people(tmp_path / "photos", {"Ada": 4, "Bea": 4})
    with pytest.raises(UserError, match="two identities or more with 11 faces each, found 0 of 2"):
        prepared(root, tmp_path / "faces", PrepareFaces())
    align, asked = aligned_faces.align_identity, []

    def noted(root, name, *rest):
        asked.append(name)
        return align(root, name, *rest)

    monkeypatch.setattr(aligned_faces, "align_identity", noted)
    (root / "Bea" / "03.jpg").unlink()
    assert len(prepared(root, tmp_path / "faces", PrepareFaces(min_train_faces=2)).kept()) == 7
    assert asked == ["Bea"]


def test_faces_of_an_earlier_run_go(tmp_path):
    root = write_people(tmp_path / "photos", {"Ada": 4, "Bea": 4, "Cy": 4})
    prepared(root, tmp_path / "faces")
    for path in (root / "Cy").iterdir():
        path.unlink()
    (root / "Cy").rmdir()
    prepared(root, tmp_path / "faces")
    assert {name.split("/")[1] for name in files(tmp_path / "faces") if "/" in name} == {
        "Ada",
        "Bea",
    }


def test_the_face_that_a_list_names_is_taken(tmp_path):
    root = tmp_path / "photos"
    for person, name in enumerate(("Ada", "Bea")):
        (root / name).mkdir(parents=True)
        for index, face in enumerate(portraits(person, 4)):
            picture = photo(face, 480, 240, (20, 40), seed=10 * person + index)
            other = Image.fromarray(portraits(5, 1, 200)[0])
            picture.paste(other, (250, 20))
            picture.save(root / name / f"{index}.png")
    with pytest.raises(UserError, match="photos dropped: repeat 6, two_people 2"):
        prepared(root, tmp_path / "largest", PrepareFaces(min_train_faces=1))
    lines = [f"{name}/{index}.png,40,50,160,190" for name in ("Ada", "Bea") for index in range(4)]
    (root / "faces.csv").write_text("\n".join(["path,x1,y1,x2,y2", *lines]))
    listed = prepared(root, tmp_path / "listed", SETTINGS)
    assert all(photo.box[0] < 180 for photo in listed.kept())
    assert len(listed.kept()) == 8
