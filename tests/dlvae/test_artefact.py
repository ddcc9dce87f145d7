import json
import time
import zipfile

import numpy as np
import pytest

from dlvae.stage import artefact
from dlvae.stage.errors import UserError, nearest


def test_atomic_keeps_the_old_file_when_the_block_fails(tmp_path):
    path = tmp_path / "value.txt"
    artefact.write_text(path, "old")
    with pytest.raises(RuntimeError), artefact.atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["value.txt"]


def test_what_a_killed_run_left_goes_and_what_another_writes_stays(tmp_path):
    path, left = tmp_path / "a[1].txt", tmp_path / ".a[1].txt.abcd1234.txt"
    left.write_text("half")
    with artefact.atomic(path) as other:
        artefact.write_text(path, "mine")
        assert other.exists() and not left.exists()
        other.write_text("other")
    assert path.read_text() == "other"
    assert [p.name for p in tmp_path.iterdir()] == ["a[1].txt"]


def test_npz_bytes_depend_on_content_alone(tmp_path):
    arrays = {"b": np.arange(6).reshape(2, 3), "a": np.array(["x", "yy"])}
    artefact.save_npz(tmp_path / "1.npz", **arrays)
    with zipfile.ZipFile(tmp_path / "1.npz") as archive:  # no time of writing
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    artefact.save_npz(tmp_path / "2.npz", **dict(reversed(arrays.items())))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    loaded = artefact.load_npz(tmp_path / "1.npz")
    assert loaded["a"].tolist() == ["x", "yy"] and (loaded["b"] == arrays["b"]).all()


def test_npz_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "evil.npz", images=np.array([{"code": 1}], dtype=object))
    with pytest.raises(UserError, match="evil.npz"):
        artefact.load_npz(tmp_path / "evil.npz")


def test_truncated_npz_is_named(tmp_path):
    path = tmp_path / "cut.npz"
    artefact.save_npz(path, a=np.arange(1000))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="cut.npz"):
        artefact.load_npz(path)


def test_array_hash_sees_name_dtype_shape_and_content():
    base = artefact.sha256_arrays(a=np.zeros((2, 3), np.int64))
    others = [
        artefact.sha256_arrays(b=np.zeros((2, 3), np.int64)),
        artefact.sha256_arrays(a=np.zeros((2, 3), np.int32)),
        artefact.sha256_arrays(a=np.zeros((3, 2), np.int64)),
        artefact.sha256_arrays(a=np.ones((2, 3), np.int64)),
    ]
    assert len({base, *others}) == 5
    strided = np.zeros((4, 3), np.int64)[::2]
    assert artefact.sha256_arrays(a=strided) == base


def test_manifest_records_inputs_and_cost(tmp_path):
    (tmp_path / "in.txt").write_text("data")
    artefact.write_manifest(
        tmp_path / "manifest.json",
        inputs={"data": tmp_path / "in.txt"},
        config={"steps": 3},
        started=time.time() - 2,
        seed=7,
        threads=1,
        extra={"images_seen": 12},
    )
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["inputs"]["data"]["sha256"] == artefact.sha256_file(tmp_path / "in.txt")
    assert manifest["wall_seconds"] >= 2 and manifest["peak_memory_mib"] > 1
    assert manifest["images_seen"] == 12 and "torch" in manifest["packages"]


def test_nearest_suggests_only_what_is_close():
    assert nearest("digts", ["digits", "faces"]) == " Did you mean 'digits'?"
    assert nearest("zzz", ["digits", "faces"]) == ""
