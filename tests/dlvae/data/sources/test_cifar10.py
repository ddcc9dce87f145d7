import hashlib
import pickle

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from dlvae.data import cifar10
from dlvae.data.cifar10 import CLASSES, Cifar10Data, prepare
from dlvae.stage.errors import UserError

SMALL = Cifar10Data(min_images_per_class=1)


@pytest.fixture
def published_files(tmp_path, monkeypatch):
    """Write batches in the published layout and make torchvision expect their checksums."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    generator = np.random.default_rng(0)

    def write(name: str, content: dict) -> list[str]:
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return [name, hashlib.md5(data).hexdigest()]

    def batch(name: str) -> list[str]:
        pixels = generator.integers(0, 256, (20, 3072), np.uint8)
        return write(name, {"data": pixels, "labels": [i % 10 for i in range(20)]})

    monkeypatch.setattr(CIFAR10, "train_list", [batch(f"data_batch_{i}") for i in (1, 2)])
    monkeypatch.setattr(CIFAR10, "test_list", [batch("test_batch")])
    name, checksum = write("batches.meta", {"label_names": list(CLASSES)})
    meta = {"filename": name, "key": "label_names", "md5": checksum}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    return folder


def test_the_standard_class_order():
    assert CLASSES[1] == "automobile" and CLASSES[9] == "truck" and list(CLASSES) == sorted(CLASSES)


@pytest.mark.parametrize("inside", [False, True])
def test_published_files(published_files, inside):
    prepared = prepare(SMALL, published_files if inside else published_files.parent)
    train, test = prepared.splits["train"], prepared.splits["test"]
    assert (len(train), len(test)) == (40, 20) and list(train.classes) == list(CLASSES)
    stored = pickle.loads((published_files / "data_batch_1").read_bytes())["data"][3]
    np.testing.assert_array_equal(train.images[3], stored.reshape(3, 32, 32).transpose(1, 2, 0))
    assert train.labels[3] == 3 and prepared.card["flip"] is True


def test_caps_apply_to_published_files(published_files):
    prepared = prepare(Cifar10Data(min_images_per_class=1, max_images_per_class=3), published_files)
    assert np.bincount(prepared.splits["train"].labels).tolist() == [3] * 10


def test_damaged_files_are_never_unpickled(published_files):
    (published_files / "data_batch_2").write_bytes(pickle.dumps(print))
    with pytest.raises(UserError, match="cifar-10-batches-py, found them missing or damaged"):
        prepare(SMALL, published_files)


def test_without_a_root_torchvision_downloads(published_files, monkeypatch):
    monkeypatch.setattr(cifar10, "DOWNLOAD_FOLDER", published_files.parent)
    assert len(prepare(SMALL, None).splits["train"]) == 40  # already there: nothing is fetched


def test_a_failed_download_names_the_key(tmp_path, monkeypatch):
    def unreachable(self):
        raise OSError("name or service not known")

    monkeypatch.setattr(CIFAR10, "download", unreachable)
    monkeypatch.setattr(cifar10, "DOWNLOAD_FOLDER", tmp_path)
    with pytest.raises(UserError, match="not known.*--config data_root=PATH"):
        prepare(SMALL, None)


def test_class_folders_get_the_standard_labels(tmp_path, class_folders):
    class_folders(tmp_path / "train", dict.fromkeys(reversed(CLASSES), 2), size=(32, 32))
    class_folders(tmp_path / "test", {"ship": 1}, size=(32, 32), seed=99)
    splits = prepare(SMALL, tmp_path).splits
    assert splits["test"].labels.tolist() == [8]
    assert np.bincount(splits["train"].labels).tolist() == [2] * 10


def test_parquet_gets_the_standard_names(tmp_path, parquet_file):
    parquet_file(tmp_path / "train.parquet", list(range(10)) * 2, size=(32, 32))
    parquet_file(tmp_path / "test.parquet", [9, 0], size=(32, 32), seed=99)
    splits = prepare(SMALL, tmp_path).splits
    assert list(splits["train"].classes) == list(CLASSES)
    assert splits["test"].labels.tolist() == [9, 0]


def test_another_size_is_named_with_its_path(tmp_path, class_folders):
    class_folders(tmp_path / "train", dict.fromkeys(CLASSES, 2), size=(32, 32))
    class_folders(tmp_path / "test", {"cat": 1}, size=(48, 32))
    with pytest.raises(UserError, match=r"cat/000\.png: expected .*32x32 pixels, found 48x32"):
        prepare(SMALL, tmp_path)


def test_unknown_class_folders_are_named(tmp_path, class_folders):
    class_folders(tmp_path, {"airplane": 2, "car": 2}, size=(32, 32))
    with pytest.raises(UserError, match="car: expected one of the classes airplane, automobile"):
        prepare(SMALL, tmp_path)


def test_labels_out_of_range_are_named(tmp_path, parquet_file):
    parquet_file(tmp_path / "train.parquet", [*range(10), 10], size=(32, 32))
    with pytest.raises(UserError, match=r"row 10: expected a label in 0\.\.9, found 10"):
        prepare(SMALL, tmp_path)


def test_a_missing_class_is_named(tmp_path, parquet_file):
    parquet_file(tmp_path / "train.parquet", list(range(9)) * 2, size=(32, 32))
    with pytest.raises(UserError, match="class 'truck': expected at least 1"):
        prepare(SMALL, tmp_path)


def test_only_32_pixels():
    with pytest.raises(UserError, match=r"cifar10\.data\.size: expected 32, found 64"):
        Cifar10Data.read({"size": 64}, "datasets.cifar10.data")


def test_a_missing_folder_names_the_key(tmp_path):
    with pytest.raises(UserError, match="'cifar10': .*--config data_root=PATH"):
        prepare(SMALL, tmp_path / "none")
