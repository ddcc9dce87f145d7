"""Stored pages, made again without the run that they come from."""

import pytest

from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from reports.freeze.checks import check
from reports.freeze.recompute import recompute
from reports.freeze.remake import remake
from reports.freeze.verify import verify


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
