"""Stored results that were tampered with: `verify` and whoever reads them say so."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from corpus.bad_input import CANARY, BadInput
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.rows import COLUMNS, read_rows
from made_up_run import PRESET, Checkout, MadeUpRun, freeze_made_up, put_in_checkout
from reports.freeze import verify
from reports.freeze.checks import check
from reports.freeze.stored import load_stored

SCORES, PAGES, INDEX, CONFIG = "scores.csv", "pages.json", "index.json", "config.yaml"


@cache
def untouched() -> tuple[Path, TemporaryDirectory]:
    """Return the folder of a checkout with stored results, made once; it goes with the process."""
    place = TemporaryDirectory(prefix="stored-")
    results = Path(place.name, "results", PRESET)
    MadeUpRun(results)
    frozen = freeze_made_up(results, Path(place.name, "frozen", PRESET))
    return put_in_checkout(frozen, Path(place.name, "checkout")), place


def verified(checkout: Checkout) -> None:
    """Verify stored results, as the target does."""
    words = ["--preset", PRESET, "--stored", str(checkout.stored)]
    run_stage(verify.main, verify.parser(), words)


def checked(checkout: Checkout) -> None:
    """Check stored results as `verify` does first, without making any page again."""
    if found := check(load_stored(PRESET, checkout.stored), checkout.root):
        raise UserError("; ".join(map(str, found)))


def rows(checkout: Checkout) -> None:
    """Read the score rows, as pages do."""
    read_rows([checkout.file(SCORES)])


def tampered(
    name: str, said: str, change: Callable[[Checkout], Any], look: Callable = checked
) -> BadInput:
    """Return a case of stored results that `change` changes."""

    def run(folder: Path) -> None:
        shutil.copytree(untouched()[0], folder, dirs_exist_ok=True)
        change(Checkout(folder))
        look(Checkout(folder))

    return BadInput(name, said, run)


def edit(file: str, old: str, new: str) -> Callable[[Checkout], None]:
    """Return what replaces the first of some texts in a file."""
    return lambda checkout: checkout.edit(file, old.encode(), new.encode())


def write(file: str, content: str | bytes) -> Callable[[Checkout], None]:
    """Return what writes a file."""

    def change(checkout: Checkout) -> None:
        text = content
        if isinstance(text, str):
            text = text.replace("CANARY", str(checkout.root / CANARY)).encode()
        checkout.file(file).write_bytes(text)

    return change


def covered(change: Callable[[Checkout], Any]) -> Callable[[Checkout], None]:
    """Return the same change with an index that agrees with it."""

    def both(checkout: Checkout) -> None:
        change(checkout)
        checkout.cover_up()

    return both


def without(*keys: str) -> Callable[[Checkout], None]:
    """Return what leaves entries out of the index."""

    def change(checkout: Checkout) -> None:
        path = checkout.file(INDEX)
        index = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in index.items() if k not in keys}))

    return change


def table(*cells: str) -> str:
    """Return a score file with one row that ends with these cells."""
    known = "p,d,m,0,x,1.0,0.5,1.5,none,10,2,fp32,v,none,s,d,c".split(",")
    return f"{','.join(COLUMNS)}\n{','.join([*known[: len(known) - len(cells)], *cells])}\n"


STORED_RESULTS = [
    tampered("no index", "expected stored results", lambda c: c.file(INDEX).unlink()),
    tampered("an index that is no JSON", "expected a readable JSON file", write(INDEX, "{")),
    tampered("an index that is a list", "expected a JSON object, found a list", write(INDEX, "[]")),
    tampered("an index without its entries", "missing commit, files", without("commit", "files"),
             verified),
    tampered("an index of 10,000 brackets", "expected a readable JSON file",
             write(INDEX, "[" * 10_000)),
    tampered("a digit of a score", "scores.csv: expected SHA-256", edit(SCORES, "0.2", "0.3")),
    tampered("a digit of a score, with an index to match", "expected the rows of",
             covered(edit(SCORES, "0.2", "0.3"))),
    tampered("a score of NaN", "scores.csv", covered(edit(SCORES, "2.9", "nan"))),
    tampered("a digit of a page", "tables/table1.md", edit("tables/table1.md", "2.9", "2.8")),
    tampered("a digit of a page, with an index to match", "tables/table1.md",
             covered(edit("tables/table1.md", "2.9", "2.8")), verified),
    tampered("a file that is missing", "expected this file, found none",
             lambda c: c.file("claims.md").unlink()),
    tampered("a file that is not listed", "expected no file that", write("more.txt", "hello")),
    tampered("bytes of a judge's weights", "weights.safetensors",
             write("evaluator/digits/weights.safetensors", "hello")),
    tampered("the card of a judge", "card.json", covered(write("evaluator/digits/card.json",
             "{}"))),
    tampered("a manifest that is no JSON", "manifests", covered(write("manifests/models.jsonl",
             "{"))),
    tampered("manifests that are missing", "manifests/models.jsonl",
             lambda c: c.file("manifests/models.jsonl").unlink()),
    tampered("binary manifests", "manifests", covered(write("manifests/models.jsonl", bytes(range(
             256))))),
    tampered("a configuration with a tag that calls Python", "config.yaml", covered(write(
        CONFIG, "preset: !!python/object/apply:open [CANARY, w]\n"))),
    tampered("a configuration with a key twice", "config.yaml", covered(
        lambda c: c.file(CONFIG).write_text(c.file(CONFIG).read_text() + "preset: other\n"))),
    tampered("a configuration that is a list", "config.yaml", covered(write(CONFIG, "- 1\n"))),
    tampered("another protocol", "protocol", covered(edit("protocol.yaml", "splits: 1",
             "splits: 2")), verified),
    tampered("pages of score files that there are not", "expected metrics named beside it",
             covered(write(PAGES, '{"families": {}, "pages": {}}'))),
    tampered("a page list that is a text", "expected a JSON object", covered(write(PAGES, '"x"'))),
    tampered("published numbers that were edited", "reports/published.csv",
             edit("reports/published.csv", "0", "1")),
    tampered("score rows of other columns", "expected the columns", write(SCORES, "a,b\n1,2\n"),
             rows),
    tampered("no score rows at all", "expected readable score rows", write(SCORES, ""), rows),
    tampered("binary score rows", "expected readable score rows", write(SCORES, bytes(range(
             256))), rows),
    tampered("a row with a cell too few", "expected readable score rows",
             write(SCORES, ",".join(COLUMNS) + "\na,b\n"), rows),
    tampered("a row with a cell of 1 MB", "expected readable score rows",
             write(SCORES, table("x" * 1_000_000)), rows),
    tampered("a score that is a word", "expected readable score rows",
             write(SCORES, table("many", *"0.5,1.5,none,10,2,fp32,v,none,s,d,c".split(","))), rows),
    tampered("a score of infinity", "expected a finite value",
             write(SCORES, table("inf", *"0.5,1.5,none,10,2,fp32,v,none,s,d,c".split(","))), rows),
    tampered("no images behind a score", "expected n and classes >= 1",
             write(SCORES, table("0", *"2,fp32,v,none,s,d,c".split(","))), rows),
]  # fmt: skip
