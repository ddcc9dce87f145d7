"""Freeze finished results: everything but images and large weights, in a folder fit for git.

Usage: python -m reports.freeze --results results/PRESET --protocol FILE --commit HASH
    --config '{"config", "pages"}' --out DIR

The config JSON holds the resolved configuration of the run and, by name of the page, its slice of
the configuration (``config``) and its score files (``scores``); see
:class:`reports.freeze.stored.Page`. The layout is that of :mod:`reports.freeze.stored`. Equal
results give equal bytes, the commit aside. ``python -m reports.freeze.swap`` puts the folder in its
place.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dlvae.stage.artefact import read_json, sha256_file, write_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import run_stage, stage_parser
from eval.rows import refuse_mixed
from reports.freeze.checks import check, complete, index_hash, tried
from reports.freeze.lineage import manifest_lines, portable, stage_of, trace
from reports.freeze.machine import ROOT, machine
from reports.freeze.recompute import recompute
from reports.freeze.stored import (
    BESIDE,
    CARD,
    CONFIG,
    EVALUATOR,
    INDEX,
    MANIFESTS,
    PROTOCOL,
    REPORT,
    SCORES,
    SMALL,
    STORED,
    Lines,
    Page,
    Stored,
    save_pages,
    score_artefacts,
    score_names,
    scores_text,
    texts_of,
)

PROTOCOLS = ROOT / "config" / "protocol"


def freeze(
    results: Path,
    out: Path,
    config: Mapping[str, Any],
    pages: Sequence[Page],
    protocol: Path,
    commit: str,
) -> Stored:
    """Collect the results of a preset in ``out``, which is made anew.

    Args:
        results: ``results/<preset>``, finished.
        config: resolved configuration of the run.
        pages: that are stored, with the scores behind them.
        protocol: file that the scores were taken by.
        commit: of the checkout.

    Raises:
        UserError: something is missing, out of date, of another protocol, or must not stand
            together.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    lines, names = {}, score_names(pages)
    for name in names:
        lines[name] = texts_of(results / "scores" / f"{name}.csv")
    write_text(out / SCORES, scores_text(lines, names))
    save_pages(out, pages, _families(lines))
    manifests = trace(results, score_artefacts(pages), protocol)
    for stage, text in manifest_lines(manifests).items():
        write_text(out / MANIFESTS / f"{stage}.jsonl", text)
    for judge in (name for name in manifests if stage_of(name) == EVALUATOR):
        _copy(results / judge / CARD, out / judge / CARD)
        if (results / judge / REPORT).is_file():
            _copy(results / judge / REPORT, out / judge / REPORT)
        if (results / judge / WEIGHTS).stat().st_size <= SMALL:
            _copy(results / judge / WEIGHTS, out / judge / WEIGHTS)
    for file in (file for page in pages for file in page.files):
        _copy(results / file, out / file)
    _copy(protocol, out / PROTOCOL)
    kept = stored_config(config, protocol)
    write_text(out / CONFIG, yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
    made = {"commit": commit, "command": command(config), "machine": machine()}
    made["protocol"] = Stored(out, {}).protocol.label
    # Of protocols only a shipped one lies beside: of one's own there is the copy.
    beside = [ROOT / name for name in BESIDE]
    write_index(out, made, beside + [protocol.resolve()] * _is_shipped(protocol))
    stored = Stored(out, read_json(out / INDEX))
    refuse_mixed(stored.rows)
    if found := [*check(stored), *tried(stored, complete), *tried(stored, recompute)]:
        raise UserError(
            f"expected results that agree with each other, found {len(found)} that do not: "
            f"{found[0].file}: {found[0].text}; make what is out of date with snakemake"
        )
    return stored


def stored_config(config: Mapping[str, Any], protocol: Path) -> dict[str, Any]:
    """Return a configuration as it is stored: a complete preset, without folders of the machine.

    A protocol of the user's own is named by its copy beside the configuration.
    """
    kept = portable(config)
    if not _is_shipped(protocol):
        place = STORED.relative_to(ROOT) / config["preset"] / PROTOCOL
        kept["protocol"] = place.as_posix()
    return kept


def command(config: Mapping[str, Any]) -> str:
    """Return the command that makes the stored results again; local data have to be named."""
    file = STORED.relative_to(ROOT) / config["preset"] / CONFIG
    text = f"snakemake --cores all freeze --configfile {file.as_posix()}"
    own = any(part["data"].get("root") for part in config["datasets"].values())
    local = {"data_root": own or config["data_root"], "unlabelled_root": config["unlabelled_root"]}
    keys = " ".join(f"{key}=PATH" for key, used in local.items() if used)
    return f"{text} --config {keys}" if keys else text


def write_index(
    out: Path, entries: Mapping[str, Any], beside: Iterable[Path], root: Path = ROOT
) -> None:
    """Write ``index.json``: the hash of every file, of those beside, and of the index itself.

    Args:
        entries: what it holds besides, the commit, command, machine and protocol.
        beside: files elsewhere that the pages rest on.
        root: of the checkout, from which they are named.
    """
    paths = sorted(path for path in out.rglob("*") if path.is_file() and path.name != INDEX)
    index = {
        **entries,
        "preset": Stored(out, {}).config["preset"],
        "files": {path.relative_to(out).as_posix(): sha256_file(path) for path in paths},
        "beside": {path.relative_to(root).as_posix(): sha256_file(path) for path in beside},
    }
    write_json(out / INDEX, index | {"sha256": index_hash(index)})


def _families(lines: Lines) -> dict[str, str]:
    """Return the family that measures each metric of score files."""
    found: dict[str, str] = {}
    for name, rows in lines.items():
        family = name.rpartition(".")[2]
        for metric in (row[4] for row in rows):
            if found.setdefault(metric, family) != family:
                raise UserError(
                    f"scores/{name}.csv: expected metrics of the family {family} alone, found "
                    f"{metric}, which {found[metric]} measures too"
                )
    return found


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise UserError(f"expected a finished {source}: {error}; snakemake makes it") from error


def _is_shipped(protocol: Path) -> bool:
    """Return whether a protocol is one of the project's, not one of the user's own."""
    return protocol.resolve().parent == PROTOCOLS


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    config, pages = args.config["config"], args.config["pages"].items()
    made_of = [Page(name, entry["config"], tuple(entry["scores"])) for name, entry in pages]
    stored = freeze(args.results, args.out, config, made_of, args.protocol, args.commit)
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    print(
        f"{stored.preset}: {len(stored.rows)} score rows, {len(made_of)} pages, "
        f"{len(stored.index['files'])} files, {size / 2**20:.1f} MiB in {args.out}"
    )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = stage_parser(__doc__)
    found.add_argument("--results", type=Path, required=True, help="results/<preset>")
    found.add_argument("--protocol", type=Path, required=True, help="protocol file")
    found.add_argument("--commit", default="unknown", help="commit of the checkout")
    found.add_argument("--out", type=Path, required=True, help="folder to write")
    return found


if __name__ == "__main__":
    run_stage(main, parser())
