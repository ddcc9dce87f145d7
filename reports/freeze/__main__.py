"""Freeze finished results: everything but images and large weights, in a folder fit for git.

Usage: python -m reports.freeze --results results/PRESET --protocol FILE --commit HASH
    --config '{"config", "pages"}' --out DIR

The config JSON holds the resolved configuration of the run and, by name of the page, its slice of
the configuration (``config``) and its score files (``scores``); see
:class:`reports.freeze.pages.Page`. The layout is that of :mod:`reports.freeze.stored`. Equal
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
from eval.protocol import load_protocol
from eval.rows import read_rows, refuse_mixed
from reports.claims import rules
from reports.freeze.checks import Content, check, index_hash, tried
from reports.freeze.complete import complete
from reports.freeze.lineage import manifest_lines, portable, stage_of, trace
from reports.freeze.machine import ROOT, machine
from reports.freeze.pages import (
    Lines,
    Page,
    save_pages,
    score_artefacts,
    score_names,
    score_order,
    scores_text,
    texts_of,
)
from reports.freeze.recompute import recompute
from reports.freeze.stored import (
    CONFIG,
    EVALUATOR,
    INDEX,
    MANIFESTS,
    PROTOCOL,
    REPORT,
    SCORES,
    SMALL,
    STORED,
    Stored,
)
from reports.tables import published
from reports.tables.__main__ import check_protocol

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
    families: dict[str, str] = {}
    write_text(out / SCORES, _collected(results / "scores", score_names(pages), families))
    overrides = {} if config["bn_eval"] is None else {"bn_eval": config["bn_eval"]}
    rows = read_rows([out / SCORES])
    refuse_mixed(rows)
    if len(rows):
        check_protocol(rows, protocol, overrides)
    manifests = trace(results, score_artefacts(pages), protocol)
    for stage, text in manifest_lines(manifests).items():
        write_text(out / MANIFESTS / f"{stage}.jsonl", text)
    judges = [name for name in manifests if stage_of(name) == EVALUATOR]
    _copy_judges(results, out, judges)
    for file in (file for page in pages for file in page.files):
        _copy(results / file, out / file)
    _copy(protocol, out / PROTOCOL)
    kept = stored_config(config, protocol)
    write_text(out / CONFIG, yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
    save_pages(out, pages, families)
    label = load_protocol(protocol, overrides).label
    made = {"commit": commit, "command": command(config), "machine": machine()}
    # Of protocols only a shipped one lies beside: of one's own there is the copy.
    beside = [published.PATH, rules.PATH, *filter(None, [_shipped(protocol)])]
    write_index(out, made | {"protocol": label}, beside)
    stored = Stored(out, read_json(out / INDEX))
    content = Content(stored)
    found = [*check(content), *tried(content, complete), *tried(content, recompute)]
    if found:
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
    if _shipped(protocol) is None:
        place = STORED.relative_to(ROOT) / config["preset"] / PROTOCOL
        kept["protocol"] = place.as_posix()
    return kept


def command(config: Mapping[str, Any]) -> str:
    """Return the command that makes the stored results again; local data have to be named."""
    file = STORED.relative_to(ROOT) / config["preset"] / CONFIG
    text = f"snakemake --cores all freeze --configfile {file.as_posix()}"
    own = any(part["data"].get("root") for part in config["datasets"].values())
    local = [("data_root", own or config["data_root"])]
    local += [("unlabelled_root", config["unlabelled_root"])]
    keys = [f"{key}=PATH" for key, used in local if used]
    return f"{text} --config {' '.join(keys)}" if keys else text


def write_index(
    out: Path, entries: Mapping[str, Any], beside: Iterable[Path], root: Path = ROOT
) -> None:
    """Write ``index.json``: the hash of every file, of those beside, and of the index itself.

    Args:
        entries: what it holds besides, the commit, command, machine and protocol.
        beside: files elsewhere that the pages rest on.
        root: of the checkout, from which they are named.
    """
    preset = yaml.safe_load((out / CONFIG).read_text(encoding="utf-8"))["preset"]
    paths = sorted(path for path in out.rglob("*") if path.is_file() and path.name != INDEX)
    index = {
        **entries,
        "preset": preset,
        "files": {path.relative_to(out).as_posix(): sha256_file(path) for path in paths},
        "beside": {path.relative_to(root).as_posix(): sha256_file(path) for path in beside},
    }
    write_json(out / INDEX, index | {"sha256": index_hash(index)})


def _collected(folder: Path, names: Sequence[str], families: dict[str, str]) -> str:
    """Return score files as one; what each family measures is entered into ``families``."""
    lines: Lines = {}
    metric_column = 4
    for name in names:
        path = folder / f"{name}.csv"
        lines[name], family = texts_of(path), score_order(name)[3]
        for line in lines[name]:
            if families.setdefault(line[metric_column], family) != family:
                raise UserError(
                    f"{path}: expected metrics of the family {family} alone, found "
                    f"{line[metric_column]}, which {families[line[metric_column]]} measures too"
                )
    return scores_text(lines, names)


def _copy_judges(results: Path, out: Path, judges: Iterable[str]) -> None:
    """Copy the cards of evaluators and factor regressors, and weights that are small."""
    for judge in judges:
        files = ["card.json"]
        files += [REPORT] if (results / judge / REPORT).is_file() else []
        files += [WEIGHTS] if (results / judge / WEIGHTS).stat().st_size <= SMALL else []
        for file in files:
            _copy(results / judge / file, out / judge / file)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise UserError(f"expected a finished {source}: {error}; snakemake makes it") from error


def _shipped(protocol: Path) -> Path | None:
    """Return a shipped protocol's full path, None for one of the user's own."""
    full = protocol.resolve()
    return full if full.parent == PROTOCOLS else None


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    config = args.config["config"]
    pages = [Page.read(name, entry) for name, entry in args.config["pages"].items()]
    stored = freeze(args.results, args.out, config, pages, args.protocol, args.commit)
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    print(
        f"{stored.preset}: {len(stored.rows)} score rows, {len(pages)} pages, "
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
