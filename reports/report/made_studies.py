"""What targets beside `reproduce` have found, as far as the run has made them: claims, curves."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlvae.stage.errors import UserError
from reports.claims.rules import AS_PUBLISHED, FITTED_PRIORS, SAME, load_rules
from reports.tables.formats import MISSING

CLAIMS, CURVES = "claims", "learning_curves"
# Files by which the report knows that a study was made.
STUDY_FILES = {CLAIMS: "claims.csv", CURVES: f"figures/{CURVES}.png"}
COLUMNS = ["number", "claim", "where", "form", "claim_verdict"]


@dataclass(frozen=True)
class Study:
    """One of the studies.

    Attributes:
        path: its file, None where the run has not made it.
        reason: why the preset cannot give it; an empty text if it can.
        old: whether it was made before the tables of the run.
    """

    path: Path | None
    reason: str
    old: bool


def find_study(results: Path, name: str, reason: str) -> Study:
    """Return what there is of a study in ``results``, the folder of a run."""
    path, table = results / STUDY_FILES[name], results / "tables" / "table1.csv"
    if not path.exists():
        return Study(None, reason, False)
    old = table.exists() and path.stat().st_mtime < table.stat().st_mtime
    return Study(path, reason, old)


def verdicts(path: Path) -> tuple[list[dict[str, Any]], dict[str, list[tuple[str, int]]]]:
    """Return the verdicts of ``claims.csv``: a row per claim, and their counts by form.

    Raises:
        UserError: it is another file.
    """
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (lines.fieldnames or ())]:
            raise UserError(
                f"{path}: expected the columns of python -m reports.claims, missing "
                f"{', '.join(missing)}; delete it and run the target claims"
            )
        # A line per test; all of a form of a claim have its verdict.
        found = {(int(n["number"]), n["claim"], n["where"], n["form"]): n for n in lines}
    statements = {claim.id: claim.statement for claim in load_rules().claims}
    rows: dict[int, dict[str, Any]] = {}
    for (number, name, where, form), line in sorted(found.items()):
        statement = statements.get(name, name.replace("_", " "))
        new = {"number": number, "where": where, "statement": statement}
        row = rows.setdefault(number, new | {AS_PUBLISHED: MISSING, FITTED_PRIORS: MISSING})
        forms = (AS_PUBLISHED, FITTED_PRIORS) if form == SAME else (form,)
        row.update(dict.fromkeys(forms, line["claim_verdict"]))
    counts = {
        form: Counter(r[form] for r in rows.values() if r[form] != MISSING).most_common()
        for form in (AS_PUBLISHED, FITTED_PRIORS)
    }
    return [*rows.values()], counts
