"""Stored results that were tampered with: every change is named with its file."""

import json

import pytest

from dlvae.stage.artefact import read_json, write_json
from reports.freeze.checks import check, origins

# What is changed: the file, the bytes, and what else is said of it beside its hash.
CHANGES = {
    "a digit of a score": ("scores.csv", b",inception_score,2.", b",inception_score,3."),
    "a digit of a plain judge": (
        "scores.csv",
        b"inception_score:plain,2.",
        b"inception_score:plain,3.",
    ),
    "a cell of a table": ("tables/table1.md", b"| 2.92 [", b"| 2.93 ["),
    "a value of a table": ("tables/table2.csv", b"0.28", b"0.29"),
    "a verdict": ("claims.md", b"**not run**", b"**replicated**"),
    "the protocol": ("protocol.yaml", b"few: 500", b"few: 501"),
    "a comment of the protocol": ("protocol.yaml", b"# ", b"#  "),
    "the configuration": ("config.yaml", b"steps: 700", b"steps: 701"),
    "a number of a manifest": ("manifests/models.jsonl", b"11200", b"11300"),
    "a report card": ("evaluator/digits/report.json", b"0.97", b"0.98"),
    "what a page is made of": ("pages.json", b"seed0", b"seed1"),
}
ALSO = {
    "a digit of a score": "rows of digits/cvae/seed0.inception as their manifests know them",
    "a digit of a plain judge": "rows of digits/cvae/seed0.inception as their manifests know them",
}


def found_in(checkout):
    return checkout.by_file(check(checkout.results, checkout.root))


def test_results_as_frozen_have_no_findings(checkout):
    assert check(checkout.results, checkout.root) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named_with_its_file(checkout, change):
    file, old, new = CHANGES[change]
    checkout.edit(file, old, new)
    found = [f for f in check(checkout.results, checkout.root) if f.file.endswith(f"/{file}")]
    assert "expected SHA-256" in found[0].text
    assert found[0].fix == f"Restore it: git checkout -- {checkout.file(file)}"
    assert any(ALSO.get(change, "") in finding.text for finding in found)


@pytest.mark.parametrize("name", ["published.csv", "claims.yaml", "v2.yaml"])
def test_a_change_of_a_file_beside_is_named(checkout, name):
    (file,) = (path for path in checkout.beside if path.endswith(name))
    checkout.edit(file, b"1", b"7")
    assert list(found_in(checkout)) == [file]
    (checkout.root / file).unlink()
    assert "found no file" in found_in(checkout)[file][0]


def test_an_evaluator_byte_is_named_by_the_index_and_by_its_manifest(checkout):
    file = "evaluator/digits/weights.safetensors"
    content = bytearray(checkout.file(file).read_bytes())
    content[-1] ^= 1
    checkout.file(file).write_bytes(content)
    found = found_in(checkout)
    assert list(found) == [file] and all("expected SHA-256" in text for text in found[file])
    assert found[file][1].endswith(", by manifests/evaluator.jsonl")


@pytest.mark.parametrize("stage", ["data", "evaluator", "models", "samples", "features", "scores"])
def test_a_deleted_manifest_is_named(checkout, stage):
    """The artefact of a line, even if the index agrees; the file as a whole."""
    file = f"manifests/{stage}.jsonl"
    first, rest = checkout.file(file).read_text().split("\n", 1)
    checkout.file(file).write_text(rest)
    checkout.cover_up()
    artefact = json.loads(first)["artefact"]
    (found,) = found_in(checkout).items()
    assert found[0] == file and f"expected the manifest of {artefact}, " in found[1][0]
    checkout.file(file).unlink()
    assert found_in(checkout)[file][0] == "expected this file, found none"
    checkout.cover_up()
    assert f"expected the manifest of {artefact}, " in found_in(checkout)[file][0]


def test_a_file_that_was_added_is_named(checkout):
    checkout.file("tables/table3.csv").write_text("model,value\n")
    (found,) = check(checkout.results, checkout.root)
    assert found.file.endswith("tables/table3.csv") and found.fix.startswith("Remove it: rm ")


@pytest.mark.parametrize("entry", ['"commit": "', '"numpy": "', '"command": "'])
def test_a_change_of_the_index_itself_is_named(checkout, entry):
    checkout.edit("index.json", entry.encode(), f"{entry}0".encode())
    assert list(found_in(checkout)) == ["index.json"]


# --- Changes that were covered up in the index ---------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",inception_score,2.", ",inception_score,3."),
        ("v2:", "v3:"),
        ("made_up,digits", "quick,digits"),
        (",fp32,", ",bf16,"),
    ],
)
def test_a_changed_row_is_found_although_the_index_agrees(checkout, old, new):
    checkout.edit("scores.csv", old.encode(), new.encode())
    checkout.cover_up()
    (text,) = found_in(checkout)["scores.csv"]
    assert text.startswith("expected the rows of digits/cvae/seed0.")
    assert text.endswith(" as their manifests know them, found others, in 1 of 7 score files")


def test_a_deleted_row_is_found_although_the_index_agrees(checkout):
    lines = checkout.file("scores.csv").read_bytes().splitlines(keepends=True)
    checkout.file("scores.csv").write_bytes(b"".join(lines[:1] + lines[2:]))
    checkout.cover_up()
    assert "digits/cvae/seed0.diversity" in found_in(checkout)["scores.csv"][0]


@pytest.mark.parametrize("column", ["evaluator", "samples", "data"])
def test_rows_are_of_what_is_behind_them(checkout, frozen, column):
    """Whatever the index and the hashes of the score files say."""
    judged = frozen.rows[frozen.rows["metric"].eq("inception_score")]
    assert list(origins(checkout.results)) == []
    checkout.edit("scores.csv", judged.iloc[0][column].encode(), b"0" * 12)
    (found,) = origins(checkout.results)
    assert "rows of digits/cvae/seed0." in found.text and found.text.endswith("000000000000")
    other = judged.set_index("model")[column]["ours"]
    checkout.edit("scores.csv", b"0" * 12, other.encode())
    # Another model's samples are not behind these rows; judge and data are shared.
    assert len(list(origins(checkout.results))) == (column == "samples")


def test_an_input_that_was_changed_is_found_although_the_index_agrees(checkout):
    file = "manifests/samples.jsonl"
    line = json.loads(checkout.file(file).read_text().splitlines()[0])
    known = '"files":{{"seed0.npz":"{}'
    sha = line["files"]["seed0.npz"]
    checkout.edit(file, known.format(sha).encode(), known.format("0" * 64).encode())
    checkout.cover_up()
    assert "expected samples/digits/cvae/seed0.npz as " in found_in(checkout)[file][0]


def test_a_judge_that_was_exchanged_is_found_although_the_index_agrees(checkout):
    card = checkout.file("evaluator/digits/card.json")
    write_json(card, read_json(card) | {"weights_sha256": "0" * 64})
    checkout.cover_up()
    assert list(found_in(checkout)) == ["evaluator/digits/card.json"]


def test_files_beside_cannot_be_dropped(checkout):
    checkout.cover_up(beside={})
    assert set(found_in(checkout)) == {"reports/published.csv", "reports/claims.yaml"}


def test_rows_that_were_put_in_are_named(checkout):
    path = checkout.file("scores.csv")
    rows = path.read_text().splitlines()
    own = next(row for row in rows if ",cvae,0,inception_score," in row)
    path.write_text("\n".join([*rows, own.replace(",cvae,", ",super,")]) + "\n")
    checkout.cover_up()
    (text,) = found_in(checkout)["manifests/scores.jsonl"]
    assert "expected the manifest of scores/digits/super/seed0.inception, which its rows" in text


# --- Damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", ["scores.csv", "pages.json", "config.yaml", "protocol.yaml", "manifests/models.jsonl"]
)
@pytest.mark.parametrize("content", [None, b"", b"\xff{"])
def test_damage_is_named_and_ends_no_check(checkout, file, content):
    path = checkout.file(file)
    path.unlink() if content is None else path.write_bytes(content)
    assert file in found_in(checkout)


# --- What the configuration asks for -------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds:\n- 0\n", "seeds:\n- 0\n- 1\n", "missing: digits/cvae/seed1.inception"),
        ("models:\n- cvae\n", "models:\n- cgan\n", "not in it: digits/cvae/seed0.inception"),
        (
            "seeds:\n",
            "curves:\n  factor: 2\nseeds:\n",
            "page learning_curves, as config.yaml has the section curves, found none",
        ),
    ],
)
def test_models_seeds_and_studies_are_those_of_the_configuration(checkout, old, new, said):
    checkout.edit("config.yaml", old.encode(), new.encode())
    checkout.cover_up()
    assert any(said in text for text in found_in(checkout)["pages.json"])
