"""Stored pages, made again without their run: what differs is named with its line and cell."""

import pytest

from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from reports.freeze.checks import check, tried
from reports.freeze.remake import first_difference, recompute, remake
from reports.freeze.verify import verify


def found_in(checkout):
    return checkout.by_file(tried(checkout.results, recompute))


def test_pages_that_were_changed_are_named_with_the_cell(checkout):
    assert found_in(checkout) == {}
    changes = {
        "tables/table1.md": (b"| 2.92 [", b"| 2.93 [", "column 'IS'"),
        "tables/table2.csv": (b"0.28", b"0.29", "column 'value'"),
        "ablations.md": (b"(-", b"(+", "column 'IS'"),
        "evaluator_noise.csv": (b"2.41666", b"2.51666", "column 'value'"),
        "claims.md": (b": **not run**", b": **partly**", "found 'Verdict as published: **partly**"),
    }
    for file, (old, new, _) in changes.items():
        checkout.edit(file, old, new)
    found = found_in(checkout)
    assert set(found) == set(changes)
    for file, (*_, said) in changes.items():
        assert said in found[file][0], found[file]
    assert "expected '2.92 [2.79, 3.04] (judges" in found["tables/table1.md"][0]


def test_a_score_that_was_changed_no_longer_gives_its_pages(checkout):
    checkout.edit("scores.csv", b",inception_score,2.", b",inception_score,3.")
    found = found_in(checkout)
    pages = ("tables/table1", "claims", "evaluator_noise")
    assert set(found) == {f"{page}.{kind}" for page in pages for kind in ("csv", "md")}
    text = found["tables/table1.md"][0]
    assert "expected '3.42 [" in text and "found '2.42 [" in text


def test_a_page_that_went_with_its_entry_is_missed(checkout):
    checkout.file("claims.csv").unlink()
    checkout.cover_up()
    assert found_in(checkout) == {"claims.csv": ["expected this file, found none"]}


def test_rows_of_another_protocol_give_no_page(checkout):
    checkout.edit("protocol.yaml", b"few: 500", b"few: 501")
    texts = found_in(checkout)
    assert len(texts) == 5
    assert all("expected scores of protocol v2:" in text for (text,) in texts.values())


def test_a_published_number_stands_in_the_table(checkout, monkeypatch):
    """The paper's column is part of what is made again."""
    from reports.tables import __main__ as tables

    monkeypatch.setattr(tables, "PUBLISHED_DATASETS", {"digits": "CIFAR-10"})
    real = tables.published_rows
    monkeypatch.setattr(tables, "published_rows", lambda table, dataset: real(table, "cifar10"))
    found = found_in(checkout)
    assert {"tables/table1.md", "tables/table2.md"} <= set(found)


def test_rows_that_are_missing_are_said_to_be(checkout):
    lines = checkout.file("scores.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if "ours_no_gan" not in line]
    checkout.file("scores.csv").write_text("".join(kept))
    (text,) = found_in(checkout)["ablations.csv"]
    assert "expected rows of digits/ours_no_gan/seed0.inception, found none" in text


def test_the_first_difference_names_line_and_column():
    old, new = "model,IS\nours,1.5\ncvae,2\n", "model,IS\nours,1.6\ncvae,3\n"
    said = first_difference(old, new, ".csv")
    assert said == "line 2, column 'IS': expected '1.5' from the stored rows, found '1.6'"
    table = "# Title\n\n| a | b |\n| --- | ---: |\n| x | {} |\n\ntext {}\n"
    said = first_difference(table.format(1, 1), table.format(2, 2), ".md")
    assert said == "line 5, column 'b': expected '1' from the stored rows, found '2'"
    said = first_difference(table.format(1, 1), table.format(1, 2), ".md")
    assert said == "line 7: expected 'text 1' from the stored rows, found 'text 2'"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a\nb\n", "a\nb\nc\n", "line 3: expected '' from the stored rows, found 'c'"),
        ("a\nb\n", "a\n", "line 2: expected 'b' from the stored rows, found ''"),
        ("a\nb\n", "a\nb", "expected 2 lines from the stored rows, found 1"),
    ],
)
def test_lines_that_were_added_or_lost_are_told(old, new, said):
    assert first_difference(old, new, ".csv") == said


def test_long_texts_are_cut_around_their_first_difference():
    start = "word " * 100
    said = first_difference(f"{start}one", f"{start}two", ".md")
    assert "word one' from" in said and "word two'" in said and len(said) < 200
    assert "more'" in first_difference(start, f"{start}more", ".md")


# --- Put in their place ----------------------------------------------------------------------


def test_pages_that_follow_from_their_rows_stay_as_they_are(checkout):
    before = {p: p.read_bytes() for p in checkout.stored.rglob("*") if p.is_file()}
    assert remake(checkout.results, checkout.root) == []
    assert {p: p.read_bytes() for p in checkout.stored.rglob("*") if p.is_file()} == before


def test_pages_of_other_code_are_made_again_and_verified(checkout):
    original = checkout.file("tables/table1.md").read_bytes()
    checkout.edit("tables/table1.md", b"2.92", b"2.93")
    checkout.cover_up()  # as if other code had made and frozen it
    assert [finding.file for finding in recompute(checkout.results)]
    kept = read_json(checkout.file("index.json"))
    assert remake(checkout.results, checkout.root) == ["tables/table1.md"]
    assert checkout.file("tables/table1.md").read_bytes() == original
    assert verify(checkout.results, checkout.root) == []
    now = read_json(checkout.file("index.json"))
    assert all(now[key] == kept[key] for key in ("commit", "command", "machine", "protocol"))


def test_a_changed_published_number_is_taken_over(checkout):
    checkout.edit("reports/published.csv", b"17.91", b"17.92")
    assert check(checkout.results, checkout.root)
    # (Pages read the project's own file, which is as it was.)
    assert remake(checkout.results, checkout.root) == ["reports/published.csv"]
    assert check(checkout.results, checkout.root) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("scores.csv", b"0.43", b"0.44"), ("manifests/models.jsonl", b"seed0", b"seed1")],
)
def test_changed_rows_or_manifests_are_never_covered_up(checkout, file, old, new):
    before = checkout.file("index.json").read_bytes()
    checkout.edit(file, old, new)
    with pytest.raises(UserError, match=f"as they were frozen, found .*{file.split('/')[-1]}"):
        remake(checkout.results, checkout.root)
    assert checkout.file("index.json").read_bytes() == before


def test_another_protocol_is_refused(checkout):
    path = checkout.root / "config" / "protocol" / "v2.yaml"
    path.write_text(path.read_text().replace("splits: 1", "splits: 10"))
    with pytest.raises(UserError, match="by which the rows were scored, found v2:"):
        remake(checkout.results, checkout.root)
