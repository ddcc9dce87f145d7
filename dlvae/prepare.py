"""Prepare a data set: `{train,test}.npz`, `card.json` and `manifest.json` in one folder.

Of unlabelled images there is `heldout.npz` in the place of `test.npz`; see `dlvae.data.people`.

Example:
    python -m dlvae.prepare --config '{"dataset": "digits", "size": 32}' --out results/digits

The configuration holds dataset, role (labelled | unlabelled, default labelled), root (a local
folder or null), preset (for the record), and the data set's own keys (see `dlvae.data.sources`).
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlvae.data.dataset import save_dataset
from dlvae.data.local import source_files
from dlvae.data.people import hold_out
from dlvae.data.sources import find_role
from dlvae.stage.artefact import write_manifest
from dlvae.stage.runtime import run_stage, stage_parser

COMMON_KEYS = ("preset", "dataset", "role", "root")


def prepare(config: Mapping[str, Any], out: str | Path) -> dict:
    """Prepare one data set in the folder `out`.

    Args:
        config: see the module's docstring.
        out: made if needed; files of the same name are replaced.

    Returns:
        The card as written.

    Raises:
        UserError: an unknown data set, role or key, or bad input (see the sources).
    """
    started = time.time()
    name, role_name = config.get("dataset"), config.get("role", "labelled")
    role = find_role(name, role_name)
    section = "data" if role_name == "labelled" else "unlabelled"
    where = "three_moons.data" if name == "three_moons" else f"datasets.{name}.{section}"
    keys = {key: value for key, value in config.items() if key not in COMMON_KEYS}
    options = role.options.read(keys, where)
    root = config.get("root") if role.local else None
    prepared = role.prepare(options, *([root] if role.local else []))
    splits = prepared.splits
    if role_name == "unlabelled":
        splits = hold_out(splits["train"])
    settings = options.model_dump(exclude={"root"})
    described = {"dataset": name, "role": role_name, "preparation": settings}
    card = save_dataset(out, splits, prepared.card | described)
    write_manifest(
        Path(out) / "manifest.json",
        inputs=source_files(root),
        config=dict(config),
        started=started,
        seed=getattr(options, "seed", None),
        threads=1,
        extra={"outputs": card["sha256"]},
    )
    return card


def main(args: argparse.Namespace) -> None:
    """Command line: prepare, then say in one line what was written."""
    card = prepare(args.config, args.out)
    counts = ", ".join(f"{count} {split}" for split, count in card["counts"].items())
    print(f"{card['dataset']}: {counts}, {card['classes']} classes, in {args.out}")


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--out", required=True, help="folder to write")
    return parser


if __name__ == "__main__":
    run_stage(main, command())
