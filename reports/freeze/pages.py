"""Pages made of score rows (tables, claims, ablations ...), made again from stored rows.

A page is a CSV and a Markdown file. ``pages.json`` of stored results says of every page what it
was configured with and which score files it was made of, in their order, as
``<data set>/<model>/seed<seed>.<family>``. The rows of ``scores.csv`` go back to their files by
the metrics that each family measures, which ``pages.json`` holds too.
"""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dlvae.stage.artefact import read_json, write_json, write_text
from dlvae.stage.errors import UserError
from eval.rows import COLUMNS, PLAIN
from reports.claims import __main__ as claims
from reports.freeze.stored import EVALUATOR, PROTOCOL, REPORT, SCORES, TABLES
from reports.studies import ablations, evaluator_noise, learning_curves, table2_scale
from reports.tables import __main__ as tables

PAGES = "pages.json"
MAKERS = {
    "claims": claims.main,
    "ablations": ablations.main,
    "table2_scale": table2_scale.main,
    "evaluator_noise": evaluator_noise.main,
    "learning_curves": learning_curves.main,
}
Lines = dict[str, list[list[str]]]
"""Rows as texts, in the order of their file, by the name of that file."""


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    Attributes:
        name: of its files, without the ending: ``claims``, ``tables/table1``.
        config: the slice of the configuration that it was made with.
        scores: names of its score files, in the order in which it reads them.
    """

    name: str
    config: dict[str, Any]
    scores: tuple[str, ...]

    @property
    def files(self) -> tuple[str, str]:
        """Its files, relative to the folder of the results."""
        return f"{self.name}.csv", f"{self.name}.md"

    @classmethod
    def read(cls, name: str, entry: Mapping[str, Any]) -> Page:
        """Return the page of an entry of ``pages.json``."""
        return cls(name, entry["config"], tuple(entry["scores"]))


def save_pages(folder: Path, pages: Iterable[Page], families: Mapping[str, str]) -> None:
    """Write ``pages.json``; ``families`` is the family of every metric."""
    by_family: dict[str, list[str]] = {}
    for metric, family in sorted(families.items()):
        by_family.setdefault(family, []).append(metric)
    entries = {page.name: asdict(page) for page in pages}
    for entry in entries.values():
        del entry["name"]
    write_json(folder / PAGES, {"families": by_family, "pages": entries})


def load_pages(folder: Path) -> tuple[list[Page], dict[str, str]]:
    """Read ``pages.json``: the pages, and the family of every metric.

    Raises:
        UserError: the file is missing or malformed.
    """
    content = read_json(folder / PAGES)
    try:
        pages = [Page.read(name, entry) for name, entry in content["pages"].items()]
        named = {m: family for family, metrics in content["families"].items() for m in metrics}
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{folder / PAGES}: expected pages and families, found {error!r}"
        ) from error
    return pages, named


def score_order(name: str) -> tuple[str, str, int, str]:
    """Return what score files are sorted by: data set, model, seed as a number, family."""
    dataset, model, file = name.split("/")
    seed, family = file.removeprefix("seed").split(".")
    return dataset, model, int(seed), family


def score_names(pages: Iterable[Page]) -> list[str]:
    """Return the score files behind pages, in the order of their rows in ``scores.csv``."""
    return sorted({name for page in pages for name in page.scores}, key=score_order)


def score_artefacts(pages: Iterable[Page]) -> list[str]:
    """Return the score files behind pages as artefacts of the run."""
    return [f"scores/{name}" for name in score_names(pages)]


def texts_of(path: Path) -> list[list[str]]:
    """Read the rows of a score file as texts.

    Raises:
        UserError: the file is missing or has other columns.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"expected readable score rows at {path}: {error}") from error
    if tuple(header) != COLUMNS or any(len(line) != len(COLUMNS) for line in lines):
        raise UserError(f"{path}: expected the columns {', '.join(COLUMNS)} in every row")
    return lines


def split_scores(path: Path, families: Mapping[str, str]) -> Lines:
    """Return the rows of ``scores.csv`` by the score file that they come from.

    Raises:
        UserError: a metric of no family, or see :func:`texts_of`.
    """
    found: Lines = {}
    for line in texts_of(path):
        dataset, model, seed, metric = line[1:5]
        if metric not in families:
            raise UserError(f"{path}: expected metrics named in {PAGES}, found '{metric}'")
        found.setdefault(f"{dataset}/{model}/seed{seed}.{families[metric]}", []).append(line)
    return found


def scores_text(lines: Lines, names: Sequence[str]) -> str:
    """Return score files, one after the other, as one: the bytes of :func:`eval.rows.write_rows`.

    Raises:
        UserError: a file without rows.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name in names:
        if name not in lines:
            raise UserError(f"expected rows of {name}, found none")
        writer.writerows(lines[name])
    return text.getvalue()


def make_page(page: Page, folder: Path, lines: Lines, out: Path) -> None:
    """Make a page from stored rows by the function that made it in the run.

    Args:
        folder: of the stored results, with the protocol and the cards of the judges.
        lines: score rows by score file.
        out: the page's files land there, see :attr:`Page.files`.

    Raises:
        UserError: rows are missing, or cannot stand together; see the page's own module.
    """
    shared = {"config": page.config, "protocol": str(folder / PROTOCOL)}
    shared |= {"csv": out / page.files[0], "markdown": out / page.files[1]}
    cards = _cards(page, folder)
    with TemporaryDirectory() as scratch:
        scores = Path(scratch, SCORES)
        write_text(scores, scores_text(lines, page.scores))
        if page.name.startswith(f"{TABLES}/"):
            name = page.name.removeprefix(f"{TABLES}/")
            arguments = shared | {"table": name, "out": out / TABLES}
            tables.main(Namespace(scores=[scores], cards=cards, **arguments))
        else:
            MAKERS[page.name](Namespace(scores=[scores], cards=cards, **shared))


def _cards(page: Page, folder: Path) -> list[Path]:
    """Return the report cards of a page's evaluators, of both kinds; toy data have none."""
    datasets = page.config.get("datasets") or [page.config["dataset"]]
    judges = [f"{name}{kind}" for kind in ("", f"_{PLAIN}") for name in datasets]
    paths = [folder / EVALUATOR / judge / REPORT for judge in judges]
    return [path for path in paths if path.is_file()]
