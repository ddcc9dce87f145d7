"""A section takes what its keys say, and says in words what is wrong with anything else."""

from typing import Annotated, Literal

import pytest
from pydantic import ConfigDict, Field, ValidationError

from dlvae.config.section import (
    Count,
    Distinct,
    Natural,
    Positive,
    Section,
    number,
    overlay,
    plain,
)
from dlvae.stage.errors import UserError


class Leaf(Section):
    count: Count = 3
    rate: Positive | None = None
    kind: Literal["hinge", "log"] | None = "hinge"


class Tree(Section):
    model_config = ConfigDict(json_schema_extra={"noun": "branch"})

    leaf: Leaf = Leaf()
    other: Leaf | None = None
    named: dict[str, Leaf] = {}
    seeds: Distinct[Natural] = [0]
    below: dict[str, number() | dict[str, number()]] = {}
    point: Annotated[list[number()], Field(min_length=2, max_length=2)] = [0, 1]
    label: str | None = None
    flag: bool = False


def test_keys_left_out_take_their_defaults_and_integers_stay_integers():
    tree = Tree.read({"leaf": {"rate": 1}, "point": [1, 2.5]})
    assert tree.leaf == Leaf(rate=1) and type(tree.leaf.rate) is int
    assert [type(value) for value in tree.point] == [int, float]
    assert Tree.read({}) == Tree() and tree.seeds == [0]
    with pytest.raises(ValidationError):
        tree.flag = True


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"laef": {}}, "unknown branch 'laef': expected one of leaf, .*. Did you mean 'leaf'?"),
        (
            {"leaf": {"cuont": 1}},
            "unknown key 'leaf.cuont': expected one of count, rate, kind. Did",
        ),
        ({"other": {"cuont": 1}}, "unknown key 'other.cuont'"),
        ({"named": {"a": {"cuont": 1}}}, "unknown key 'named.a.cuont': .*'count'"),
        ({"leaf": {"count": 0}}, "leaf.count: expected an integer of at least 1, found 0"),
        ({"leaf": {"count": True}}, "leaf.count: expected an integer of at least 1, found True"),
        ({"leaf": {"count": 1.0}}, "leaf.count: .*, found 1.0"),
        ({"leaf": {"rate": "1"}}, "leaf.rate: expected a number above 0, or null, found '1'"),
        ({"leaf": {"rate": float("nan")}}, "leaf.rate: .*, found nan"),
        ({"leaf": {"kind": "hing"}}, "expected one of hinge, log, or null, found 'hing'. Did you"),
        ({"leaf": 3}, "leaf: expected a section, found 3"),
        ({"leaf": None}, "leaf: expected a section, found None"),
        ({"seeds": [1, -1]}, "seeds.1: expected an integer of at least 0, found -1"),
        ({"seeds": 1}, "seeds: expected a list, each an integer of at least 0, found 1"),
        ({"seeds": [1, 1]}, "seeds: expected each value once, found \\[1, 1\\]"),
        ({"point": [1]}, "point: expected a list of 2, each a number, found \\[1\\]"),
        ({"below": {"a": "x"}}, "below.a: expected a number, or a section, found 'x'$"),
        ({"below": {"a": {"b": "x"}}}, "below.a.b: expected a number, found 'x'"),
        ({"label": 3}, "label: expected text, or null, found 3"),
        ({"flag": 1}, "flag: expected true or false, found 1"),
        (["leaf"], "top level: expected a section, found"),
    ],
)
def test_what_is_wrong_is_said_in_words(given, sentence):
    with pytest.raises(UserError, match=sentence):
        Tree.read(given)


def test_every_mistake_is_named_with_its_whole_address():
    with pytest.raises(UserError) as caught:
        Tree.read({"leaf": {"count": 0, "rate": -1}, "flag": "no"}, "options.tree")
    found = str(caught.value).split("; ")
    assert [part.partition(":")[0] for part in found] == [
        "options.tree.leaf.count", "options.tree.leaf.rate", "options.tree.flag",
    ]  # fmt: skip


def test_words_of_the_command_line_are_read_where_they_are_asked_for():
    given = {
        "leaf": {"count": "4", "rate": "1e-3", "kind": "null"},
        "other": "null",
        "named": {"a": {"rate": "2"}},
        "seeds": ["1", "2"],
        "below": {"a": "7", "b": {"c": "0.5"}},
        "label": "12",
        "flag": "true",
    }
    tree = Tree.read(given, words=True)
    assert tree.leaf == Leaf(count=4, rate=1e-3, kind=None) and tree.other is None
    assert type(tree.named["a"].rate) is int and tree.seeds == [1, 2] and tree.flag is True
    assert tree.below == {"a": 7, "b": {"c": 0.5}} and tree.label == "12"
    with pytest.raises(UserError, match="leaf.count: expected an integer of at least 1, found 0"):
        Tree.read({"leaf": {"count": "0"}}, words=True)
    with pytest.raises(UserError, match="leaf.count.*found '4'"):
        Tree.read({"leaf": {"count": "4"}})


def test_an_overlay_holds_what_is_given_and_nothing_else():
    kind = overlay("LeafOver", Leaf)
    assert plain(kind.read({})) == {}
    assert plain(kind.read({"rate": None, "count": 3})) == {"rate": None, "count": 3}
    assert plain(overlay("Counted", Leaf, "count").read({"count": 1})) == {"count": 1}
    with pytest.raises(UserError, match="count: expected an integer of at least 1, found 0"):
        kind.read({"count": 0})
    with pytest.raises(UserError, match="unknown key 'rate'"):
        overlay("Counted", Leaf, "count").read({"rate": 1})


def test_plain_mappings_have_what_was_given_first():
    given = {"flag": True, "leaf": {"kind": None, "count": 1}}
    found = plain(Tree.read(given), given)
    assert list(found)[:2] == ["flag", "leaf"] and list(found["leaf"]) == ["kind", "count", "rate"]
    found["seeds"].append(1)
    assert plain(Tree.read(given))["seeds"] == [0]
