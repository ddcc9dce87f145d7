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
from dlvae.data.dataset import load_card, load_split
from dlvae.stage.artefact import read_json, write_json, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import run_stage, stage_parser, use_threads
from eval.rows import read_texts, refuse_mixed
from reports.freeze.checks import BESIDE, check, families_of_rows, tried, write_index
from reports.freeze.lineage import STAGES, portable, stage_of, trace
from reports.freeze.machine import ROOT, machine
from reports.freeze.pictures import files_of, panels_of, pictures
from reports.freeze.remake import recompute
from reports.freeze.stored import STORED, Page, Part, Stored, score_names, scores_text
from reports.freeze.stored_models import Manifests, about_model, chosen_models, model_pages

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
    write_json(
        out / Part.PAGES,
        {"families": families_of_rows(lines), "pages": made_of, "figures": shown},
    )
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
    store_models(results, out, config, manifests)
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


def store_models(
    results: Path, out: Path, config: Mapping[str, Any], manifests: Manifests
) -> list[str]:
    """Pack trained models among the stored results in ``out``; return what was packed.

    See :func:`reports.freeze.stored_models.chosen_models` for which ones. ``out`` holds the rest
    already: scores, protocol and manifests, of which their cards are made.
    """
    packed = chosen_models(results, config, manifests)
    if packed:
        from eval.models.packing import pack_model  # torch, where there is something to pack
    for artefact in packed:
        run = artefact.partition("/")[2]
        data, sampled = results / "data" / run.partition("/")[0], manifests[f"samples/{run}"]
        about = about_model(load_card(data), sampled)
        split = load_split(data, "train")
        pack_model(results / artefact, out / artefact, sampled["config"], split, about)
    for file, text in model_pages(Stored(out, {})).items():
        write_text(out / file, text)
    return packed


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
    use_threads(args.threads)  # batch-norm statistics of stored models, as sampling takes them
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
