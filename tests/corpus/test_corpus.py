"""Every bad input is refused by one sentence, in bounds; every odd one becomes what is said."""

import re

import pytest

from corpus.bad_input import CANARY, outcome
from corpus.groups import GROUPS
from corpus.page import PAGE, page

CASES = [(group, case) for group, cases in GROUPS.items() for case in cases]
LONGEST = 2000  # characters of a sentence, whatever it quotes
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(("group", "case"), CASES, ids=[f"{g}: {c.name}" for g, c in CASES])
def test_it_is_told_or_converted(group, case, tmp_path):
    folder = tmp_path / "case"
    folder.mkdir()
    found = outcome(case, folder)
    assert not list(tmp_path.rglob(CANARY)), "code of an input ran"
    if case.converted:
        assert found.error is None, found.text
        assert case.said in found.value
        return
    assert found.told, f"expected an error of the project's kind, found {found.error!r}"
    assert case.said in found.text
    assert "Traceback" not in found.text and max(map(len, found.text.splitlines())) < LONGEST
    assert not CONTROL.search(found.text)


def test_there_are_enough_of_them_and_no_two_are_alike():
    assert len(CASES) >= 150
    for group, cases in GROUPS.items():
        names = [case.name for case in cases]
        assert len(set(names)) == len(names), group


def test_the_page_is_of_this_corpus():
    again = "PYTHONPATH=tests/helpers python -m corpus.page"
    assert PAGE.read_text(encoding="utf-8") == page(), f"write it anew: {again}"
