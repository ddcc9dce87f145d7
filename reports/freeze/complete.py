"""What stored results must hold whatever their index says: nothing is left out, nothing put in.

An index that was written anew agrees with whatever is there; these checks do not ask it. They go
out from ``config.yaml``: every model and seed of it stands in the tables of every data set, and
every row is one that a page reads. What only git's history can show, another number with every hash
and page made to fit, they cannot.
"""

from __future__ import annotations

from collections.abc import Iterator

from reports.claims import rules
from reports.freeze.checks import Content, Finding
from reports.freeze.lineage import STAGES
from reports.freeze.machine import ROOT
from reports.freeze.pages import PAGES, score_names
from reports.freeze.stored import CONFIG, INDEX, MANIFESTS, PROTOCOL, SCORES, TABLES
from reports.names import forms_of
from reports.tables import published

HEADLINE = f"{TABLES}/table1"
FAMILY = "inception"
STUDIES = {"ablations": "ablations", "curves": "learning_curves"}
"""Pages by the section of the configuration that asks for them."""
SHOWN = 5


def complete(content: Content) -> Iterator[Finding]:
    """Yield what is missing from stored results, and rows that nothing asks for."""
    yield from _files(content)
    yield from _studies(content)
    yield from _runs(content)
    yield from _rows(content)


def _files(content: Content) -> Iterator[Finding]:
    expected = [SCORES, PAGES, CONFIG, PROTOCOL]
    expected += [f"{MANIFESTS}/{stage}.jsonl" for stage in STAGES]
    expected += [file for page in content.pages for file in page.files]
    for name in expected:
        if name not in content.stored.index["files"]:
            yield content.finding(name, f"expected this file in {INDEX}, found none")
    for path in (published.PATH, rules.PATH):
        name = path.relative_to(ROOT).as_posix()
        if name not in content.stored.index["beside"]:
            yield content.finding(INDEX, f"expected the hash of {name} under 'beside', found none")


def _studies(content: Content) -> Iterator[Finding]:
    """Hold the pages against the sections of the configuration that ask for one."""
    named = {page.name for page in content.pages}
    for section, page in STUDIES.items():
        if content.stored.config.get(section) and page not in named:
            text = f"expected the page {page}, as {CONFIG} has the section {section}, found none"
            yield content.finding(PAGES, text)


def _runs(content: Content) -> Iterator[Finding]:
    """Hold the first table's scores against the models and seeds of the configuration."""
    config = content.stored.config
    models = forms_of(config["models"], config.get("fitted", []))
    runs = [(model, seed) for model in models for seed in config["seeds"]]
    expected = {
        f"{dataset}/{model}/seed{seed}.{FAMILY}"
        for dataset in config["datasets"]
        for model, seed in [("real", 0), *runs]
    }
    pages = [page for page in content.pages if page.name == HEADLINE]
    read = {name for page in pages for name in page.scores}
    found = {name for name in read if name.endswith(f".{FAMILY}")}
    for kind, names in (("missing", expected - found), ("not in it", found - expected)):
        if names:
            yield content.finding(
                PAGES,
                f"expected scores of every data set, model and seed of {CONFIG} in {HEADLINE}, "
                f"{kind}: {_listed(names)}",
            )


def _rows(content: Content) -> Iterator[Finding]:
    if unread := set(content.lines) - set(score_names(content.pages)):
        yield content.finding(
            SCORES, f"expected rows that a page reads, found also {_listed(unread)}"
        )


def _listed(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
