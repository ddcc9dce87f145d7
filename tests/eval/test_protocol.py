"""The protocol: what its hash sees, and what it refuses."""

import copy
from pathlib import Path

import pytest
import yaml

from dlvae.stage.errors import UserError
from eval.protocol import load_protocol

CONFIG = Path(__file__).resolve().parents[2] / "config" / "protocol"
V2 = CONFIG / "v2.yaml"


def written(path, content, **options):
    path.write_text(yaml.safe_dump(content, **options))
    return path


def content():
    with open(V2, encoding="utf-8") as file:
        return yaml.safe_load(file)


def leaves(value, path=()):
    """Yield the path of every scalar."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def changed(path):
    """The protocol with one scalar changed, to a value that is valid there."""
    result = copy.deepcopy(content())
    part = result
    for key in path[:-1]:
        part = part[key]
    value, key = part[path[-1]], path[-1]
    others = {"fixed": "shrinking", "shrinking": "fixed", "proportional": "fixed"}
    others |= {"pytorch_msssim": "literal", "literal": "pytorch_msssim"}
    others |= {"recalibrated": "batch", "v2": "v3"}
    if key == "sigma_rule":
        others["fixed"] = "proportional"
    if isinstance(value, bool):
        part[key] = not value
    elif isinstance(value, str):
        part[key] = others[value]
    else:
        part[key] = value / 2 if key == "agreement" else value + 1
    return result


def test_published_protocols_load():
    full, small = (load_protocol(CONFIG / f"{name}.yaml") for name in ("v2", "smoke"))
    assert (full.id, small.id) == ("v2", "smoke")
    assert full.hash != small.hash and len(full.hash) == 12
    assert full.label == f"v2:{full.hash}"
    assert full.checkpoint == "final" and full.bn_eval == "recalibrated"
    assert full.inception.splits == 1 and full.recheck_pairs == 200
    assert full.ms_ssim == small.ms_ssim


def test_samples_per_class_are_the_papers():
    protocol = load_protocol(V2)
    assert [protocol.samples_per_class(c) for c in (2, 10, 11, 530)] == [500, 500, 100, 100]


@pytest.mark.parametrize(
    "path",
    [p for p in leaves(content()) if p != ("checkpoint",)],
    ids=lambda p: ".".join(map(str, p)),
)
def test_hash_sees_every_value(path, tmp_path):
    other = load_protocol(written(tmp_path / "p.yaml", changed(path)))
    assert other.hash != load_protocol(V2).hash


def test_hash_sees_neither_comments_nor_order_nor_spelling(tmp_path):
    plain = content()
    plain["ms_ssim"]["standard"]["data_range"] = 255.0
    plain["ms_ssim"]["range_mismatched"]["pixel_range"] = [-1.0, 1]
    plain = dict(reversed(plain.items()))
    path = written(tmp_path / "p.yaml", plain, sort_keys=False)
    assert load_protocol(path).hash == load_protocol(V2).hash


def test_overrides_change_value_and_hash():
    plain, other = load_protocol(V2), load_protocol(V2, {"bn_eval": "batch"})
    assert other.bn_eval == "batch" and other.hash != plain.hash
    fewer = load_protocol(V2, {"samples": {"few": 20}})
    assert fewer.samples.few == 20 and fewer.samples.many == 100 and fewer.hash != plain.hash
    assert load_protocol(V2, {}).hash == plain.hash == load_protocol(V2, None).hash
    assert load_protocol(V2, {"samples": {"few": 500}}).hash == plain.hash


def test_the_hash_of_the_published_protocol_is_that_of_published_rows():
    # A protocol that means something else gets another id too.
    assert load_protocol(V2).label == "v2:01fb16931d9a"


def test_a_protocol_without_a_rule_for_judges_never_says_that_they_disagree(tmp_path):
    assert load_protocol(V2).judges.agreement == 0.75
    before = {key: value for key, value in content().items() if key != "judges"}
    old = load_protocol(written(tmp_path / "v1.yaml", before | {"id": "v1"}))
    assert old.judges.agreement == 0
    # The hash that rows from before there were ensembles carry.
    assert old.label == "v1:7d43767492b6"
    with pytest.raises(
        UserError,
        match="judges.agreement: expected a number of at least 0 and at most 1, found 1.5",
    ):
        load_protocol(V2, {"judges": {"agreement": 1.5}})


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"bn_evl": "batch"}, "unknown key 'bn_evl'.*Did you mean 'bn_eval'"),
        ({"bn_eval": "bacth"}, "found 'bacth'. Did you mean 'batch'"),
        ({"checkpoint": "best"}, "checkpoint: expected final, found 'best'"),
        ({"samples": {"few": 0}}, "at least 1"),
        (
            {"samples": {"few": "many"}},
            "samples.few: expected an integer of at least 1, found 'many'",
        ),
        ({"samples": {"few": True}}, "samples.few: expected an integer of at least 1, found True"),
        ({"samples": 3}, "samples: expected a section"),
        ({"ms_ssim": {"other": {}}}, "missing key 'ms_ssim.other.pixel_range'"),
        ({"ms_ssim": {"standard": {"clamp": 1}}}, "standard.clamp: expected true or false"),
        (
            {"ms_ssim": {"standard": {"window_rule": "fix"}}},
            "window_rule: expected one of fixed, shrinking, found 'fix'.*'fixed'",
        ),
        ({"ms_ssim": {"standard": {"pixel_range": [1, 0]}}}, "low, high"),
        ({"ms_ssim": {"standard": {"sigma": 0}}}, "standard.sigma: expected a number above 0"),
        ({"ms_ssim": {"standard": {"weights": [1, 0]}}}, "weights.1: expected a number above 0"),
        ({"ms_ssim": {"standard": {"sizes": {"32": {"window": 0}}}}}, "sizes.32.window.*found 0"),
        (
            {"intervals": {"groups": 2}},
            "groups: expected an integer of at least 3 and at most 1000, found 2",
        ),
        (
            {"intervals": {"draws": 99}},
            "draws: expected an integer of at least 100 and at most 1000000, found 99",
        ),
    ],
)
def test_nonsense_is_refused(overrides, words):
    with pytest.raises(UserError, match=words):
        load_protocol(V2, overrides)


def test_unreadable_files_are_named(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("id: [v2")
    listed = written(tmp_path / "list.yaml", ["v2"])
    for path, words in (
        (tmp_path / "none.yaml", "none"),
        (broken, "broken"),
        (listed, "keys with values"),
    ):
        with pytest.raises(UserError, match=words):
            load_protocol(path)
