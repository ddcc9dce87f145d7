"""Evidence that other code gives the stored numbers: ``same_numbers.json`` beside them.

Every stored row and training names the fingerprint of its code, which sees any edit, and not
whether the edit changes a number. That takes a run made again by the other code. The record
(:mod:`reports.freeze.same_numbers` writes it) says which stored fingerprint goes with which of the
run, and on what evidence: score files whose rows, and trainings whose weights, are equal to the
byte. From then on rows of the two are taken for rows of the same arithmetic.

It is of the code, by what that code gave in the files that it names: a branch that no rerun went
through, such as an ablation that was not trained again, is not seen by it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from dlvae.config.section import Count, Section
from dlvae.stage.artefact import read_json
from dlvae.stage.errors import UserError
from eval.rows import COLUMNS
from reports.freeze.lineage import stage_of
from reports.freeze.stored import Finding, Lines, Part, Stored

CODE = COLUMNS.index("code")
MANIFEST = "manifest.json"  # of a training: what it cost, which no rerun gives again
TRAININGS = ("models", "curves")
"""Stages that train."""
TRAINED = "models"
"""In the place of a family of scores: trainings."""

Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]+$")]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class SameScores(Section):
    """Two fingerprints of scoring code that gave the same rows.

    Attributes:
        stored, run: the fingerprint in the stored rows, and in those of the run.
        files: that were held against each other, ``<data set>/<model>/seed<seed>.<family>``.
        rows: how many rows these hold.
        sha256: of the rows without their fingerprints, see :func:`rows_hash`.
    """

    stored: Fingerprint
    run: Fingerprint
    files: list[str] = Field(min_length=1)
    rows: Count
    sha256: Hash


class SameTrainings(Section):
    """Two fingerprints of training code that gave the same weights.

    Attributes:
        stored, run: the fingerprint in the stored manifests, and in those of the run.
        weights: SHA-256 of the weights of every training that was made again, by artefact.
    """

    stored: Fingerprint
    run: Fingerprint
    weights: dict[str, Hash] = Field(min_length=1)


class SameNumbers(Section):
    """``same_numbers.json``.

    Attributes:
        preset: whose stored results it is about.
        scores_sha256: of ``scores.csv`` as it was when the run was held against it.
        commit: of the checkout that made the record.
        scores: by family.
    """

    preset: str
    scores_sha256: Hash
    commit: str
    scores: dict[str, list[SameScores]]
    trainings: list[SameTrainings]

    def pairs(self, of: str) -> set[tuple[str, str]]:
        """Return fingerprints, stored and of a run, that gave the same numbers.

        Args:
            of: a family of scores, or `TRAINED`.
        """
        entries = self.trainings if of == TRAINED else self.scores.get(of, [])
        return {(entry.stored, entry.run) for entry in entries}

    @property
    def text(self) -> str:
        """How much was made again, as a sentence's part."""
        scored = [entry for entries in self.scores.values() for entry in entries]
        rows, files = sum(e.rows for e in scored), sum(len(e.files) for e in scored)
        trained = sum(len(entry.weights) for entry in self.trainings)
        return f"{rows} rows of {files} score files and the weights of {trained} trainings"


def read_same_numbers(stored: Stored) -> SameNumbers | None:
    """Return the record of a preset; None where no run was held against its stored results.

    Raises:
        UserError: it cannot be read, or its layout is not that of :class:`SameNumbers`.
    """
    path = stored.folder / Part.SAME_NUMBERS
    if not path.is_file():
        return None
    try:
        return SameNumbers.read(read_json(path))
    except UserError as error:
        again = f"python -m reports.freeze.same_numbers --preset {stored.preset} --run DIR"
        raise UserError(f"{path}: {error}; make it again with: {again}") from error


def same_code(
    known: SameNumbers | None, of: str, stored: Iterable[str], now: Iterable[str]
) -> bool:
    """Return whether fingerprints are of the same code, or of code that gave the same numbers.

    Args:
        known: the record; None without one.
        of: a family of scores, or `TRAINED`.
        stored: of stored rows or trainings.
        now: of others.
    """
    pairs = known.pairs(of) if known else set()
    return all(a == b or (a, b) in pairs for a in set(stored) for b in set(now))


def rows_hash(lines: Lines, names: Sequence[str]) -> str:
    """Return the SHA-256 of score files as CSV, one after the other, without fingerprints."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(without_code(line) for name in names for line in lines[name])
    return hashlib.sha256(text.getvalue().encode()).hexdigest()


def without_code(line: Sequence[str]) -> list[str]:
    """Return a score row as texts without the fingerprint of its code."""
    return [*line[:CODE], *line[CODE + 1 :]]


def weights_of(manifest: Mapping) -> dict[str, str]:
    """Return the hashes of a stored training's files that a rerun gives again."""
    return {name: found for name, found in manifest["files"].items() if name != MANIFEST}


def unfounded(stored: Stored) -> Iterator[Finding]:
    """Find what the record claims and no stored row or training shows."""
    known, file = read_same_numbers(stored), Part.SAME_NUMBERS
    if known is None:
        return
    found = (known.preset, known.scores_sha256)
    expected = (stored.preset, stored.index["files"].get(Part.SCORES))
    if found != expected:
        said = "expected a record of these stored results, {} with scores {:.12}, found {}, {:.12}"
        yield stored.finding(file, said.format(*expected, *found))
        return
    for family, entries in known.scores.items():
        for entry in entries:
            if said := _of_rows(stored, family, entry):
                yield stored.finding(file, f"scores of the family {family}: {said}")
    for entry in known.trainings:
        for artefact, weights in entry.weights.items():
            if said := _of_training(stored, entry, artefact, weights):
                yield stored.finding(file, f"{artefact}: {said}")


def _of_rows(stored: Stored, family: str, entry: SameScores) -> str:
    """Say what is wrong with an entry of scores; an empty text if nothing is."""
    lines = stored.lines
    if unknown := [n for n in entry.files if n not in lines or not n.endswith(f".{family}")]:
        return f"expected stored score files of it, found {unknown[0]}"
    codes = {line[CODE] for name in entry.files for line in lines[name]}
    if codes != {entry.stored}:
        return f"expected stored rows by {entry.stored}, found {', '.join(sorted(codes))}"
    if len(set(entry.files)) < len(entry.files):
        return "expected every file once"
    if (count := sum(len(lines[name]) for name in entry.files)) != entry.rows:
        return f"expected {count} rows in the files that it names, found {entry.rows}"
    if rows_hash(lines, entry.files) != entry.sha256:
        return f"expected the {count} stored rows that it names, found the hash of others"
    return ""


def _of_training(stored: Stored, entry: SameTrainings, artefact: str, weights: str) -> str:
    """Say what is wrong with the claim that a training was made again; empty if nothing is."""
    manifest = stored.manifests.get(artefact)
    if manifest is None or stage_of(artefact) not in TRAININGS:
        return "expected a stored training, found none"
    if (code := manifest.get("code")) != entry.stored:
        return f"expected a training by {entry.stored}, found {code}"
    if weights not in weights_of(manifest).values():
        return f"expected the stored weights, found {weights:.12}"
    return ""
