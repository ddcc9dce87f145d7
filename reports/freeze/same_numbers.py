"""Hold a run against stored results, and record which code gives the same numbers.

Usage: python -m reports.freeze.same_numbers --preset NAME --run DIR ... [--stored DIR]
    [--config JSON]

Every ``--run`` is the folder ``results/<preset>`` of a run, finished or not, by other code than
that of the stored rows; a run of one seed is enough. Each of its score files is held against the
stored rows of the same images, data, judges and protocol, each of its trainings against the stored
weights of the same configuration. What is equal to the byte goes into ``same_numbers.json``
(:mod:`reports.freeze.evidence`), which is made anew. A pair of fingerprints with a single unequal
row or training does not: it is named with its row and by how much, and the exit status is 2.

The config JSON holds fingerprints of the present code, as :mod:`reports.freeze.verify` takes them:
runs by code that is neither are then left out, and what still has no evidence is named.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import read_json, sha256_file, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import run_stage, stage_parser
from eval.rows import COLUMNS, read_texts
from reports.freeze.evidence import (
    CODE,
    TRAININGS,
    SameNumbers,
    SameScores,
    SameTrainings,
    rows_hash,
    weights_of,
    without_code,
)
from reports.freeze.lineage import portable, stage_of
from reports.freeze.machine import git_commit
from reports.freeze.remake import rewrite
from reports.freeze.stored import STORED, Part, Stored, load_stored
from reports.freeze.verify import code_notes

MEASURED = ("value", "ci_low", "ci_high", "ci_kind", "n", "classes")
"""Columns that scoring makes; the others say what was scored, by whom and how."""
ASKED = [i for i, name in enumerate(COLUMNS) if name not in (*MEASURED, "code")]
CONDITIONS = ("seed", "threads", "precision", "device")
"""Entries of a training's manifest that, beside its configuration, its bytes depend on."""

Pair = tuple[str, str]
"""Fingerprints of the stored side and of the run."""


@dataclass
class Held:
    """What of runs was held against stored results, and what came of it.

    Attributes:
        present: fingerprints that count as those of a run; empty for all.
        files: names of score files with equal rows, by family and pair.
        weights: hashes of equal weights by artefact, by pair.
        unequal: what differs, by family (empty for trainings) and pair.
        left_out: how many score files and trainings could not be held against anything, by reason.
    """

    stored: Stored
    present: Collection[str] = ()
    files: dict[tuple[str, Pair], list[str]] = field(default_factory=lambda: defaultdict(list))
    weights: dict[Pair, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    unequal: dict[tuple[str, Pair], list[str]] = field(default_factory=lambda: defaultdict(list))
    left_out: Counter[str] = field(default_factory=Counter)

    def hold(self, run: Path) -> None:
        """Hold everything of a run that is stored too."""
        for name in self.stored.lines:
            if (path := run / "scores" / f"{name}.csv").is_file():
                self._scores(name, read_texts(path))
        for artefact in self.stored.manifests:
            if stage_of(artefact) in TRAININGS and (run / artefact / WEIGHTS).is_file():
                self._training(artefact, run / artefact)

    def _scores(self, name: str, found: list[list[str]]) -> None:
        expected = self.stored.lines[name]
        pair = self._pair({line[CODE] for line in expected}, {line[CODE] for line in found})
        if pair is None:
            return
        if len(found) != len(expected):
            self.left_out[f"{len(found)} rows in the place of {len(expected)}, {name}"] += 1
        elif other := _other_columns(expected, found):
            self.left_out[f"score files of another {', '.join(other)}"] += 1
        else:
            key = name.rpartition(".")[2], pair
            pairs = zip(expected, found, strict=True)
            wrong = [
                _by_how_much(*both)
                for both in pairs
                if without_code(both[0]) != without_code(both[1])
            ]
            self.unequal[key] += [f"{name}: {text}" for text in wrong]
            self.files[key] += [name] * (name not in self.files[key])

    def _training(self, artefact: str, folder: Path) -> None:
        expected, found = self.stored.manifests[artefact], read_json(folder / "manifest.json")
        pair = self._pair({expected.get("code", "")}, {found.get("code", "")})
        if pair is None:
            return
        if _conditions(expected) != _conditions(portable(found)):
            self.left_out["trainings by another configuration or of other data"] += 1
            return
        files = weights_of(expected)
        hashes = {n: sha256_file(folder / n) for n in files if (folder / n).is_file()}
        wrong = [n for n, sha256 in files.items() if hashes.get(n, "none") != sha256]
        said = "{}: expected {} {:.12}, found {:.12}"
        self.unequal["", pair] += [
            said.format(artefact, name, files[name], hashes.get(name, "none")) for name in wrong
        ]
        self.weights[pair][artefact] = files[WEIGHTS]

    def _pair(self, stored: set[str], run: set[str]) -> Pair | None:
        """Return two fingerprints that there is something to say about."""
        if len(stored) != 1 or len(run) != 1 or "" in run | stored or stored == run:
            return None
        (one,), (other,) = stored, run
        if self.present and other not in self.present:
            self.left_out[f"made by {other}, which is not the present code"] += 1
            return None
        return one, other

    @cached_property
    def wrong(self) -> list[str]:
        """Everything that differs."""
        return [text for texts in self.unequal.values() for text in texts]

    def record(self, commit: str) -> SameNumbers | None:
        """Return the record of what is equal; None where nothing is."""
        lines, scores = self.stored.lines, defaultdict(list)
        for (family, pair), names in sorted(self.files.items()):
            if not self.unequal[family, pair]:
                known = dict(zip(("stored", "run"), pair, strict=True), files=sorted(names))
                known["rows"] = sum(len(lines[name]) for name in names)
                # Of the stored rows: those of the run have just been found to be the same bytes.
                known["sha256"] = rows_hash(lines, known["files"])
                scores[family].append(SameScores(**known))
        trainings = [
            SameTrainings(stored=pair[0], run=pair[1], weights=dict(sorted(weights.items())))
            for pair, weights in sorted(self.weights.items())
            if not self.unequal["", pair]
        ]
        if not scores and not trainings:
            return None
        return SameNumbers(
            preset=self.stored.preset,
            scores_sha256=self.stored.index["files"][Part.SCORES],
            commit=commit,
            scores=dict(scores),
            trainings=trainings,
        )


def _other_columns(expected: Sequence[list[str]], found: Sequence[list[str]]) -> list[str]:
    """Return columns by which rows are of something else, in the order of the columns."""
    pairs = list(zip(expected, found, strict=True))
    return [COLUMNS[i] for i in ASKED if any(one[i] != other[i] for one, other in pairs)]


def _by_how_much(expected: Sequence[str], found: Sequence[str]) -> str:
    """Say in which columns two rows of the same score differ, and by how much."""
    said = []
    for name, one, other in zip(COLUMNS, expected, found, strict=True):
        if name == "code" or one == other:
            continue
        text = f"{name} {other or 'none'} in the place of {one or 'none'}"
        with suppress(ValueError):
            text += f" ({float(other) - float(one):+.3g})"
        said.append(text)
    return f"{expected[COLUMNS.index('metric')]}: {', '.join(said)}"


def _conditions(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the bytes of a training depend on, but for its code, machine and packages."""
    inputs = {name: entry["sha256"] for name, entry in manifest["inputs"].items()}
    return {"config": manifest["config"], "inputs": inputs} | {k: manifest[k] for k in CONDITIONS}


def write_record(stored: Stored, record: SameNumbers | None) -> None:
    """Put a record in the place of the one that is there, or take that away; write the index."""

    def change(new: Path) -> None:
        (new / Part.SAME_NUMBERS).unlink(missing_ok=True)
        if record is not None:
            write_json(new / Part.SAME_NUMBERS, record.model_dump())

    rewrite(stored, change, {stored.finding(Part.SAME_NUMBERS, "").file})


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    stored = load_stored(args.preset, args.stored)
    present = {code for part in args.config.values() for code in part.values()}
    held = Held(stored, present)
    for run in args.run:
        held.hold(run)
    if not held.files and not held.weights:
        why = "; ".join(held.left_out) or "no score file and no training by other code"
        folders = ", ".join(map(str, args.run))
        raise UserError(
            f"{folders}: expected results of preset '{stored.preset}', by other code than the "
            f"stored ones, found {why}; make them with: snakemake --cores all reproduce claims"
        )
    record = held.record(git_commit())
    write_record(stored, record)
    for reason, count in held.left_out.items():
        print(f"left out: {count} x {reason}")
    print(f"the same bytes: {record.text if record else 'nothing'}")
    for note in code_notes(load_stored(args.preset, args.stored), args.config):
        print(f"no evidence: {note}")
    if held.wrong:
        first = "; ".join(held.wrong[:3])
        raise UserError(
            f"expected the stored numbers, found {len(held.wrong)} that differ: {first}; what made "
            f"them is not recorded. If the change is meant, freeze again: {stored.index['command']}"
        )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = stage_parser(__doc__)
    found.add_argument("--preset", required=True, help="preset of the stored results")
    found.add_argument("--run", type=Path, nargs="+", required=True, help="results/<preset>")
    found.add_argument("--stored", type=Path, default=STORED, help="folder of stored results")
    return found


if __name__ == "__main__":
    run_stage(main, parser())
