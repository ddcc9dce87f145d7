import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlvae.data.listing import list_parquet, parquet_files
from dlvae.stage.errors import UserError


def test_rows_keep_their_order_and_address(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [1, 0, 2, 1])
    listing = list_parquet([path])
    assert listing.labels.tolist() == [1, 0, 2, 1] and listing.labels.dtype == np.int64
    assert listing.classes == ["0", "1", "2"]
    assert listing.where[2] == f"{path} row 2"
    assert all(payload.startswith(b"\x89PNG") for payload in listing.payloads)


def test_shards_are_read_in_order(tmp_path, parquet_file):
    for shard, labels in enumerate(([0, 1], [2, 0])):
        parquet_file(tmp_path / f"train-0000{shard}-of-00002.parquet", labels, seed=10 * shard)
    files = parquet_files(tmp_path, "train")
    assert list_parquet(files).labels.tolist() == [0, 1, 2, 0]
    assert list_parquet(files).where[3] == f"{files[1]} row 1"


def test_class_names_come_from_the_csv_beside(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [0, 1])
    (tmp_path / "classes.csv").write_text("label,identity,n\n1,Bea,3\n0,Ada,4\n", "utf-8")
    assert list_parquet([path]).classes == ["Ada", "Bea"]


def test_class_names_come_from_the_feature_description(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [0, 1])
    described = {"info": {"features": {"label": {"names": ["cat", "dog"]}}}}
    table = pq.read_table(path).replace_schema_metadata({"huggingface": json.dumps(described)})
    pq.write_table(table, path)
    assert list_parquet([path]).classes == ["cat", "dog"]


def test_unlabelled_rows_get_minus_one(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [5, -1, None])
    listing = list_parquet([path], labelled=False)
    assert listing.labels.tolist() == [-1, -1, -1] and listing.classes == []
    assert listing.people is None


@pytest.mark.parametrize(("names", "people"), [("bab", [1, 0, 1]), ("aaa", None)])
def test_unlabelled_rows_may_say_who_they_show(tmp_path, parquet_file, names, people):
    path = parquet_file(tmp_path / "train.parquet", [-1, -1, -1])
    pq.write_table(pq.read_table(path).append_column("identity", [list(names)]), path)
    found = list_parquet([path], labelled=False).people
    assert (None if found is None else found.tolist()) == people


def test_an_unlabelled_file_as_labelled_names_the_other_key(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [-1, -1])
    with pytest.raises(UserError, match="found -1 in every row.*--config unlabelled_root=PATH"):
        list_parquet([path])


def test_labels_out_of_range_are_named_by_row(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [0, 1, 2])
    with pytest.raises(
        UserError, match=r"train.parquet row 2: expected a label in 0\.\.1, found 2"
    ):
        list_parquet([path], classes=["a", "b"])
    path = parquet_file(tmp_path / "train.parquet", [0, -3, 1])
    with pytest.raises(UserError, match="row 1: expected a label at least 0, found -3"):
        list_parquet([path])
    path = parquet_file(tmp_path / "train.parquet", [0, None, 1])
    with pytest.raises(UserError, match="row 1: expected a label at least 0, found -1"):
        list_parquet([path])


def test_gaps_between_labels_are_named(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [0, 1, 3])
    with pytest.raises(UserError, match=r"every label 0\.\.3, found none with label 2"):
        list_parquet([path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,name\n0,Ada\n", "expected columns label,identity"),
        ("label,identity\nzero,Ada\n", "expected columns label,identity with integer labels"),
        ("label,identity\n0,Ada\n2,Bea\n", r"each label 0\.\.1 once, found \[0, 2\]"),
    ],
)
def test_a_bad_class_list_is_named(tmp_path, parquet_file, text, message):
    path = parquet_file(tmp_path / "train.parquet", [0, 1])
    (tmp_path / "classes.csv").write_text(text, "utf-8")
    with pytest.raises(UserError, match=f"classes.csv: .*{message}"):
        list_parquet([path])


def test_missing_columns_list_what_there_is(tmp_path):
    path = tmp_path / "train.parquet"
    pq.write_table(pa.table({"picture": [b"1"], "label": [0]}), path)
    with pytest.raises(UserError, match="column 'image' of struct.*found picture: binary"):
        list_parquet([path])
    image = pa.array([{"bytes": b"1"}], pa.struct([("bytes", pa.binary())]))
    pq.write_table(pa.table({"img": image, "label": ["cat"]}), path)
    with pytest.raises(UserError, match="integer column 'label', found .*label: string"):
        list_parquet([path])


def test_rows_without_bytes_are_named(tmp_path, parquet_file):
    path = parquet_file(tmp_path / "train.parquet", [0, 1, 1], images={1: None})
    with pytest.raises(UserError, match="row 1: expected the image file in 'image.bytes'"):
        list_parquet([path])


def test_files_that_are_no_parquet_or_empty_are_named(tmp_path, parquet_file):
    path = tmp_path / "train.parquet"
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(UserError, match="train.parquet: expected a readable parquet file"):
        list_parquet([path])
    whole = parquet_file(tmp_path / "whole.parquet", [0, 1]).read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(UserError, match="train.parquet"):
        list_parquet([path])
    parquet_file(path, np.array([], np.int64))
    with pytest.raises(UserError, match="expected at least one row"):
        list_parquet([path])
