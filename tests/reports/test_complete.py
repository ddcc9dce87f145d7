"""What an index written anew cannot hide."""

import pytest

from dlvae.stage.artefact import read_json, write_json
from reports.freeze.checks import index_hash
from reports.freeze.complete import complete


def found_in(checkout):
    return checkout.by_file(complete(checkout.content))


def cover_up(checkout, **changes):
    """Write an index that agrees with what is left."""
    checkout.cover_up()
    path = checkout.file("index.json")
    index = read_json(path) | changes
    write_json(path, index | {"sha256": index_hash(index)})


def test_frozen_results_are_complete(checkout):
    assert found_in(checkout) == {}


@pytest.mark.parametrize(
    "name", ["manifests/models.jsonl", "manifests/scores.jsonl", "tables/table1.md", "claims.csv"]
)
def test_a_file_that_went_with_its_entry_is_missed(checkout, name):
    checkout.file(name).unlink()
    cover_up(checkout)
    assert found_in(checkout) == {name: ["expected this file in index.json, found none"]}


def test_files_beside_cannot_be_dropped(checkout):
    cover_up(checkout, beside={})
    texts = found_in(checkout)["index.json"]
    assert len(texts) == 2 and "reports/published.csv" in texts[0] + texts[1]


def test_rows_that_no_page_reads_are_named(checkout):
    path = checkout.file("scores.csv")
    rows = path.read_text().splitlines()
    own = next(row for row in rows if ",cvae,0,inception_score," in row)
    path.write_text("\n".join([*rows, own.replace(",cvae,", ",super,")]) + "\n")
    cover_up(checkout)
    (text,) = found_in(checkout)["scores.csv"]
    assert "found also digits/super/seed0.inception" in text


def test_a_section_of_the_configuration_has_its_page(checkout):
    checkout.edit("config.yaml", b"seeds:\n", b"curves:\n  factor: 2\nseeds:\n")
    cover_up(checkout)
    said = "expected the page learning_curves, as config.yaml has the section curves, found none"
    assert any(said in text for text in found_in(checkout)["pages.json"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds:\n- 0\n", "seeds:\n- 0\n- 1\n", "missing: digits/cvae/seed1.inception"),
        ("models:\n- cvae\n", "models:\n- cgan\n", "not in it: digits/cvae/seed0.inception"),
    ],
)
def test_models_and_seeds_are_those_of_the_configuration(checkout, old, new, said):
    checkout.edit("config.yaml", old.encode(), new.encode())
    cover_up(checkout)
    assert any(said in text for text in found_in(checkout)["pages.json"])
