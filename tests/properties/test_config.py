"""Whatever is set on the command line: a configuration that resolves to itself, or a sentence."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dlvae.config.keys import PresetKeys
from dlvae.config.preset import canonical
from dlvae.stage.errors import UserError
from few_examples import FEW
from workflow.plan import PRESETS, resolved

KEYS = sorted(PresetKeys.model_fields)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ours", "digits", "auto", "v2", "code", "1e3", "[0, 1]", "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(key=st.sampled_from(KEYS) | st.text(max_size=8), value=VALUES)
@FEW
def test_any_value_of_any_key_is_taken_or_refused_in_words(key, value):
    try:
        found = resolved({"preset": "smoke"} | {key: value}, [])
    except UserError as error:
        assert str(error)
        return
    assert set(found) == set(KEYS)
    # What resolves, resolves to itself: it is how results are made again from their configuration.
    assert canonical(resolved(found, [])) == canonical(found)


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.yaml")), ids=lambda path: path.stem)
@given(data=st.data())
@settings(FEW, max_examples=8)
def test_a_preset_without_or_with_another_value_is_no_traceback(path, data):
    preset = yaml.safe_load(path.read_text(encoding="utf-8"))
    part = preset
    while True:  # down to any value of it
        key = data.draw(st.sampled_from(sorted(part)))
        if not isinstance(part[key], dict) or not part[key] or data.draw(st.booleans()):
            break
        part = part[key]
    part[key] = data.draw(VALUES)
    try:
        resolved(preset, [])
    except UserError as error:
        assert str(error)
