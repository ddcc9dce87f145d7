import numpy as np
import pytest

from dlvae.data.faces import FacesData, SizedUnlabelledFaces, prepare, prepare_unlabelled
from dlvae.stage.errors import UserError


def test_class_folders_become_sorted_classes_with_a_hold_out(tmp_path, class_folders):
    root = class_folders(tmp_path / "r", {"Zoe": 20, "Ada": 12}, size=(16, 16))
    prepared = prepare(FacesData(size=8), root)
    train, test = prepared.splits["train"], prepared.splits["test"]
    assert list(train.classes) == ["Ada", "Zoe"]
    assert np.bincount(train.labels).tolist() == [11, 18]
    assert np.bincount(test.labels).tolist() == [1, 2]
    assert train.images.shape == (29, 8, 8, 3)
    assert prepared.card["conversions"] == {"train": {"reduced": 29}, "test": {"reduced": 3}}
    assert prepared.card["flip"] is True


def test_train_and_test_folders_are_used_as_they_are(tmp_path, class_folders):
    class_folders(tmp_path / "train", {"a": 10, "b": 11})
    class_folders(tmp_path / "test", {"b": 4}, seed=77)
    splits = prepare(FacesData(size=8), tmp_path).splits
    assert np.bincount(splits["train"].labels).tolist() == [10, 11]
    assert splits["test"].labels.tolist() == [1] * 4


def test_a_train_folder_alone_is_split(tmp_path, class_folders):
    class_folders(tmp_path / "train", {"a": 20, "b": 20})
    assert len(prepare(FacesData(size=8), tmp_path).splits["test"]) == 4


def test_parquet_and_folders_give_the_same_pixels(tmp_path, class_folders, parquet_file):
    folders = class_folders(tmp_path / "f", {"a": 15})
    parquet_file(tmp_path / "p" / "train.parquet", [0] * 15)
    one = prepare(FacesData(size=8), folders).splits
    other = prepare(FacesData(size=8), tmp_path / "p").splits
    for name in ("train", "test"):
        np.testing.assert_array_equal(one[name].images, other[name].images)


def test_parquet_with_a_test_file(tmp_path, parquet_file):
    parquet_file(tmp_path / "train.parquet", [0, 1] * 10)
    parquet_file(tmp_path / "test.parquet", [1, 1], seed=99)
    splits = prepare(FacesData(size=8), tmp_path).splits
    assert len(splits["train"]) == 20 and splits["test"].labels.tolist() == [1, 1]


def test_caps_are_deterministic(tmp_path, class_folders):
    root = class_folders(tmp_path / "r", {"a": 20, "b": 20, "c": 20})
    options = FacesData(size=8, max_classes=2, max_images_per_class=5)
    one, again = (prepare(options, root).splits["train"] for _ in range(2))
    assert len(one) == 10 and list(one.classes) == ["a", "b"]
    np.testing.assert_array_equal(one.images, again.images)


def test_other_files_are_ignored(tmp_path, class_folders):
    root = class_folders(tmp_path / "r", {"a": 12})
    (root / "a" / "notes.txt").write_text("x")
    (root / "a" / ".hidden.png").write_text("x")
    (root / ".cache").mkdir()
    (root / "readme.md").write_text("x")
    assert sum(len(split) for split in prepare(FacesData(size=8), root).splits.values()) == 12


def test_a_corrupt_image_is_named_with_its_path(tmp_path, class_folders):
    root = class_folders(tmp_path / "r", {"a": 12})
    (root / "a" / "005.png").write_bytes((root / "a" / "005.png").read_bytes()[:40])
    with pytest.raises(UserError, match=r"a/005\.png: expected a readable image"):
        prepare(FacesData(size=8), root)


def test_a_corrupt_parquet_image_is_named_with_its_row(tmp_path, parquet_file):
    parquet_file(tmp_path / "train.parquet", [0] * 12, images={4: b"broken"})
    with pytest.raises(UserError, match=r"train\.parquet row 4: expected a readable image"):
        prepare(FacesData(size=8), tmp_path)


@pytest.mark.parametrize("function", [prepare, prepare_unlabelled])
def test_a_missing_folder_names_the_key(tmp_path, function):
    key = "data_root" if function is prepare else "unlabelled_root"
    options = FacesData() if function is prepare else SizedUnlabelledFaces()
    with pytest.raises(UserError, match=f"'faces': .*--config {key}=PATH"):
        function(options, None)
    with pytest.raises(UserError, match=f"no_such, found nothing; .*--config {key}=PATH"):
        function(options, tmp_path / "no_such")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="found a file"):
        function(options, tmp_path / "file")


def test_empty_folders_are_named(tmp_path):
    with pytest.raises(UserError, match="expected train.parquet or class folders .*found neither"):
        prepare(FacesData(), tmp_path)
    with pytest.raises(UserError, match="expected train.parquet or image files .*found neither"):
        prepare_unlabelled(SizedUnlabelledFaces(), tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="expected train.parquet or image files .*found neither"):
        prepare(FacesData(), tmp_path)


def test_a_test_class_unknown_to_train_is_named(tmp_path, class_folders):
    class_folders(tmp_path / "train", {"anna": 10, "bert": 10})
    class_folders(tmp_path / "test", {"ana": 3})
    with pytest.raises(UserError, match="test/ana: expected one of .*Did you mean 'anna'"):
        prepare(FacesData(size=8), tmp_path)


def test_a_small_class_names_the_preset_key(tmp_path, class_folders):
    root = class_folders(tmp_path / "r", {"a": 30, "b": 3})
    with pytest.raises(UserError, match=r"class 'b'.*found 2;.*datasets\.faces\.data\.min_images"):
        prepare(FacesData(size=8), root)


@pytest.mark.parametrize("layout", ["flat", "folders", "train", "parquet"])
def test_unlabelled_layouts(tmp_path, class_folders, parquet_file, layout):
    if layout == "parquet":
        parquet_file(tmp_path / "train.parquet", [-1] * 6)
    elif layout == "flat":
        class_folders(tmp_path, {"x": 6})
        for path in list((tmp_path / "x").iterdir()):
            path.rename(tmp_path / path.name)
    else:
        root = tmp_path / "train" if layout == "train" else tmp_path
        class_folders(root, {"x": 4, "y": 2})
    prepared = prepare_unlabelled(SizedUnlabelledFaces(size=8), tmp_path)
    assert set(prepared.splits) == {"train"}
    split = prepared.splits["train"]
    assert split.labels.tolist() == [-1] * 6 and not split.labelled
    if layout in ("folders", "train"):
        assert split.factor_names.tolist() == ["identity"]
        assert split.factors[:, 0].tolist() == [0] * 4 + [1] * 2
    else:
        assert split.factors is None and split.factor_names is None


def test_images_of_one_folder_do_not_say_who_they_show(tmp_path, class_folders):
    class_folders(tmp_path, {"all": 6})
    assert (
        prepare_unlabelled(SizedUnlabelledFaces(size=8), tmp_path).splits["train"].factors is None
    )


def test_unlabelled_images_are_capped(tmp_path, class_folders):
    class_folders(tmp_path, {"x": 9, "y": 9})
    options = SizedUnlabelledFaces(size=8, max_images=5)
    assert len(prepare_unlabelled(options, tmp_path).splits["train"]) == 5
