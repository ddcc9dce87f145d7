"""Whatever bytes or arrays come from outside: a value as it should be, or a sentence."""

import html
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dlvae.config.yaml_files import read_yaml
from dlvae.data.sample_sets import load_samples, save_samples
from dlvae.stage.artefact import load_npz, read_json, save_npz
from dlvae.stage.errors import UserError
from dlvae.stage.foreign import cell_of, html_of_escapes, markdown_of
from dlvae.stage.weights import load_weights
from few_examples import FEW

KINDS = st.sampled_from(["uint8", "int64", "float32", "bool", "complex64", "U3"])
SHAPES = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
ARRAYS = KINDS.flatmap(lambda kind: arrays.arrays(kind, SHAPES))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.parametrize("load", [load_npz, load_samples, load_weights, read_json])
@given(content=st.binary(max_size=300))
@FEW
def test_bytes_are_refused_in_words(load, content, folder):
    path = folder / "given"
    path.write_bytes(content)
    try:
        load(path)
    except UserError as error:
        assert "expected" in str(error) and str(path) in str(error)
    else:  # JSON is a kind of text, and ten bytes may be some
        assert load is read_json and isinstance(json.loads(content), object)


@given(images=ARRAYS, labels=ARRAYS)
@FEW
def test_what_is_taken_as_a_sample_set_keeps_to_the_contract(images, labels, folder):
    path = folder / "samples.npz"
    np.savez(path, images=images, labels=labels)
    try:
        found, asked = load_samples(path)
    except UserError as error:
        assert "expected" in str(error)
        return
    assert found.dtype == np.uint8 and found.ndim == 4 and found.shape[-1] == 3 and len(found)
    assert asked.dtype == np.int64 and asked.shape == (len(found),) and asked.min() >= 0


@given(
    images=arrays.arrays("uint8", st.tuples(*[st.integers(1, 5)] * 3, st.just(3))), data=st.data()
)
@FEW
def test_a_sample_set_comes_back_as_it_was(images, data, folder):
    labels = data.draw(arrays.arrays("int64", len(images), elements=st.integers(0, 2**62)))
    save_samples(folder / "kept.npz", images, labels)
    found, asked = load_samples(folder / "kept.npz")
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(asked, labels)


@given(array=ARRAYS)
@FEW
def test_arrays_come_back_and_equal_ones_give_equal_bytes(array, folder):
    save_npz(folder / "one.npz", a=array)
    save_npz(folder / "two.npz", a=array.copy())
    assert (folder / "one.npz").read_bytes() == (folder / "two.npz").read_bytes()
    found = load_npz(folder / "one.npz")["a"]
    assert found.dtype == array.dtype and found.shape == array.shape
    np.testing.assert_array_equal(found, array)


@given(text=st.text(max_size=200) | st.binary(max_size=100))
@FEW
def test_yaml_from_outside_is_keys_or_a_sentence(text, folder):
    path = folder / "given.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        found = read_yaml(path, "a readable file")
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert isinstance(found, dict)


@given(value=st.dictionaries(st.text(max_size=9), PLAIN, max_size=5))
@FEW
def test_json_comes_back_as_it_was(value, folder):
    (folder / "value.json").write_text(json.dumps(value), encoding="utf-8")
    assert read_json(folder / "value.json") == value


@given(name=st.text(max_size=40))
@FEW
def test_no_name_is_a_mark_or_a_formula(name):
    marked = markdown_of(name)
    assert "\n" not in marked and "<" not in html_of_escapes(html.escape(marked))
    assert not str(cell_of(name)).startswith(("=", "+", "-", "@", "\t", "\r"))
