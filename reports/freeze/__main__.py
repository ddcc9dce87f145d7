"""Freeze finished results in a folder fit for git: no large weights, no images but published ones.

Usage: python -m reports.freeze --results results/PRESET --protocol FILE --commit HASH
    --config '{"config", "pages", "figures"}' --out DIR

The config JSON holds the resolved configuration of the run and, by name of the page, its slice of
the configuration (``config``) and its score files (``scores``); see
:class:`reports.freeze.stored.Page`; and, by name of the figure, the data sets that it shows. The
layout is that of :mod:`reports.freeze.stored`. Equal results give equal bytes, the commit aside.
``python -m reports.freeze.swap`` puts the folder in its place.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dlvae.config.preset import canonical
from dlvae.stage.artefact import read_json, write_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import run_stage, stage_parser
from eval.rows import read_texts, refuse_mixed
from reports.freeze.checks import BESIDE, check, tried, write_index
from reports.freeze.lineage import STAGES, portable, stage_of, trace
from reports.freeze.machine import ROOT, machine
from reports.freeze.pictures import files_of, panels_of, pictures
from reports.freeze.remake import recompute
from reports.freeze.stored import STORED, Lines, Page, Part, Stored, score_names, scores_text

PROTOCOLS = ROOT / "config" / "protocol"
SMALL = 4 * 1024 * 1024
"""Bytes up to which the weights of an ensemble are stored; larger ones are known by hash."""


def freeze(
    results: Path,
    out: Path,
    config: Mapping[str, Any],
    pages: Sequence[Page],
    protocol: Path,
    commit: str,
    figures: Mapping[str, Sequence[str]] | None = None,
) -> Stored:
    """Collect the results of a preset in ``out``, which is made anew.

    Args:
        results: ``results/<preset>``, finished.
        config: resolved configuration of the run.
        pages: that are stored, with the scores behind them.
        protocol: file that the scores were taken by.
        commit: of the checkout.
        figures: that are stored, and the data sets of each; none unless named.

    Raises:
        UserError: something is missing, out of date, of another protocol, or must not stand
            together.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    names = score_names(pages)
    lines = {name: read_texts(results / "scores" / f"{name}.csv") for name in names}
    write_text(out / Part.SCORES, scores_text(lines, names))
    shown = {figure: list(datasets) for figure, datasets in (figures or {}).items()}
    made_of = {page.name: {"config": page.config, "scores": page.scores} for page in pages}
    write_json(out / Part.PAGES, {"families": _families(lines), "pages": made_of, "figures": shown})
    manifests = trace(results, [*(f"scores/{name}" for name in names), *panels_of(shown)], protocol)
    for stage in STAGES:
        own = [name for name in sorted(manifests) if stage_of(name) == stage]
        text = [canonical({"artefact": name, **manifests[name]}) + "\n" for name in own]
        write_text(out / Part.MANIFESTS / f"{stage}.jsonl", "".join(text))
    copied = [file for page in pages for file in page.files]
    for judge in (name for name in manifests if stage_of(name) == Part.EVALUATOR):
        copied += [f"{judge}/{Part.CARD}"]
        copied += [f"{judge}/{Part.REPORT}"] * (results / judge / Part.REPORT).is_file()
        copied += [f"{judge}/{WEIGHTS}"] * ((results / judge / WEIGHTS).stat().st_size <= SMALL)
    for file in [*copied, *files_of(shown)]:
        _copy(results / file, out / file)
    _copy(protocol, out / Part.PROTOCOL)
    kept = stored_config(config, protocol)
    write_text(out / Part.CONFIG, yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
    made = {"commit": commit, "command": command(config), "machine": machine()}
    made["protocol"] = Stored(out, {}).protocol.label
    # Of protocols only a shipped one lies beside: of one's own there is the copy.
    beside = [ROOT / name for name in BESIDE]
    write_index(out, made, beside + [protocol.resolve()] * _is_shipped(protocol))
    stored = Stored(out, read_json(out / Part.INDEX))
    refuse_mixed(stored.rows)
    if found := [*check(stored), *tried(stored, pictures), *tried(stored, recompute)]:
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
        place = STORED.relative_to(ROOT) / config["preset"] / Part.PROTOCOL
        kept["protocol"] = place.as_posix()
    return kept


def command(config: Mapping[str, Any]) -> str:
    """Return the command that makes the stored results again; local data have to be named."""
    file = STORED.relative_to(ROOT) / config["preset"] / Part.CONFIG
    text = f"snakemake --cores all freeze --configfile {file.as_posix()}"
    own = any(part["data"].get("root") for part in config["datasets"].values())
    local = {"data_root": own or config["data_root"], "unlabelled_root": config["unlabelled_root"]}
    keys = " ".join(f"{key}=PATH" for key, used in local.items() if used)
    return f"{text} --config {keys}" if keys else text


def _families(lines: Lines) -> dict[str, list[str]]:
    """Return the metrics of every family, by which rows go back to their files."""
    family_of: dict[str, str] = {}
    for name, rows in lines.items():
        family = name.rpartition(".")[2]
        for metric in (row[4] for row in rows):
            if family_of.setdefault(metric, family) != family:
                raise UserError(
                    f"scores/{name}.csv: expected metrics of the family {family} alone, found "
                    f"{metric}, which {family_of[metric]} measures too"
                )
    found: dict[str, list[str]] = {}
    for metric, family in sorted(family_of.items()):
        found.setdefault(family, []).append(metric)
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
    config, pages, figures = (args.config[key] for key in ("config", "pages", "figures"))
    made_of = [Page(name, entry["config"], tuple(entry["scores"])) for name, entry in pages.items()]
    stored = freeze(args.results, args.out, config, made_of, args.protocol, args.commit, figures)
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
