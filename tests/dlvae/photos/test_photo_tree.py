import pytest

from dlvae.photos.photo_tree import find_photos, listed_boxes
from dlvae.stage.errors import UserError


def write(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def test_photos_are_listed_by_identity(tmp_path):
    write(tmp_path, "Zoë/b.JPG", "Zoë/a.png", "Ada/1.webp", "Ada/.hidden.jpg", ".cache/x.jpg")
    tree = find_photos(tmp_path)
    names = {name: [path.name for path in paths] for name, paths in tree.photos.items()}
    assert names == {"Ada": ["1.webp"], "Zoë": ["a.png", "b.JPG"]}
    assert tree.remarks == []


def test_what_is_not_read_is_remarked_on(tmp_path):
    outside = write(tmp_path / "outside", "x.jpg")
    root = write(
        tmp_path / "root",
        "Ada/1.jpg", "Ada/notes.txt", "Ada/older/2.jpg", "Empty/readme.md", "loose.jpg",
    )  # fmt: skip
    (root / "Linked").symlink_to(outside)
    tree = find_photos(root)
    assert list(tree.photos) == ["Ada"]
    text = "\n".join(tree.remarks)
    assert "1 photo directly in the folder of photos" in text and "'loose.jpg'" in text
    assert "'Linked' is a link out of the folder of photos: not followed" in text
    assert "'Ada': 1 folder inside it: not read" in text
    assert "'Ada': 1 file with another ending than a photo's, e.g. 'notes.txt'" in text
    assert "'Empty': no photo in it" in text


def test_a_folder_that_cannot_be_opened_is_remarked_on(tmp_path, monkeypatch):
    write(tmp_path, "Ada/1.jpg", "Bea/1.jpg")
    listed = type(tmp_path).iterdir

    def refuse(path):
        if path.name == "Bea":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", refuse)
    assert find_photos(tmp_path).remarks == ["'Bea' cannot be read (Permission denied)"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "one folder per person, .*found no folder in it; .*--config photos=ROOT"),
        (["a.jpg", "b.jpg"], "one folder per person, .*found 2 photos directly in it"),
        (["Ada/a.txt"], "expected photos in its folders, found none by their names"),
        (["train/Ada/a.png", "test/Ada/b.png"], "a data set with splits; .*--config data_root="),
        (["train.parquet", "x/a.jpg"], "a data set with splits"),
    ],
)
def test_roots_of_another_kind_are_refused(tmp_path, names, words):
    write(tmp_path, *names)
    with pytest.raises(UserError, match=words):
        find_photos(tmp_path)


def test_a_missing_root_is_named(tmp_path):
    with pytest.raises(UserError, match="expected a folder at .*nowhere, found nothing"):
        find_photos(tmp_path / "nowhere")


def test_listed_boxes(tmp_path):
    assert listed_boxes(tmp_path) == {}
    path = tmp_path / "faces.csv"
    path.write_text("path,x1,y1,x2,y2\nAda/1.jpg,10,20,30,60\nAda/1.jpg,0,0,5,5\n")
    assert listed_boxes(tmp_path) == {"Ada/1.jpg": (10, 20, 20, 40)}


@pytest.mark.parametrize("row", ["Ada/1.jpg,30,20,10,60", "Ada/1.jpg,a,b,c,d", "x,0,0,inf,nan"])
def test_a_box_that_is_none_is_named_with_its_line(tmp_path, row):
    (tmp_path / "faces.csv").write_text(f"path,x1,y1,x2,y2\nAda/2.jpg,1,2,3,4\n{row}\n")
    with pytest.raises(UserError, match=r"faces\.csv:3: expected the columns path,x1,y1,x2,y2"):
        listed_boxes(tmp_path)
