"""Put members that were trained apart together into one evaluator: one folder, one hash.

Usage: python -m eval.judge.join --members DIR ... --out DIR
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlvae.stage.artefact import read_json, sha256_file, write_json, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.registry import WEIGHTS, load_weights, save_weights
from dlvae.stage.runtime import run_stage, stage_parser
from eval.judge.training import CARD, MANIFEST

# What members must share, and what the card of the evaluator says once.
SHARED = (
    *("arch", "width", "image_size", "class_names", "kind"),
    *("dataset", "data_sha256", "images_sha256", "precision"),
)


def join_members(members: Sequence[str | Path], out: str | Path) -> dict[str, Any]:
    """Join members to one evaluator.

    Args:
        members: folders of :func:`eval.judge.member.train_member`, in order. Tensors of the
            i-th are named ``i/<name>`` in the weights.
        out: folder for ``weights.safetensors``, ``card.json`` and ``manifest.json``.

    Returns:
        The card: what the members share, their hashes, and the hash of all weights.

    Raises:
        UserError: no members, or members that differ in more than their seed.
    """
    started = time.time()
    if not members:
        raise UserError("expected the folders of members, found none")
    folders = [Path(member) for member in members]
    cards = [read_json(folder / CARD) for folder in folders]
    for folder, card in zip(folders, cards, strict=True):
        for key in SHARED:
            if card.get(key) != cards[0].get(key):
                raise UserError(
                    f"{folder / CARD}: expected the {key} of the other members, "
                    f"{cards[0].get(key)!r}, found {card.get(key)!r}; train them by one config"
                )
    hashes = [card["weights_sha256"] for card in cards]
    if len(set(hashes)) < len(hashes):
        raise UserError(f"{folders[0].parent}: expected different members, found the same twice")
    weights = {
        f"{i}/{name}": tensor
        for i, folder in enumerate(folders)
        for name, tensor in load_weights(folder / WEIGHTS).items()
    }
    out = Path(out)
    save_weights(out / WEIGHTS, weights)
    card = {key: cards[0][key] for key in SHARED}
    card |= {"members": hashes, "parameters": sum(card["parameters"] for card in cards)}
    card |= {"config": {k: v for k, v in cards[0]["config"].items() if k != "member"}}
    card |= {"weights_sha256": sha256_file(out / WEIGHTS)}
    write_json(out / CARD, card)
    _write_manifest(folders, out, card, started)
    return card


def _write_manifest(
    folders: Sequence[Path], out: Path, card: dict[str, Any], started: float
) -> None:
    """Write the manifest: the evaluator was made from what its members were made from."""
    manifests = [read_json(folder / MANIFEST) for folder in folders]
    first = manifests[0]
    write_manifest(
        out / MANIFEST,
        inputs={name: entry["path"] for name, entry in first["inputs"].items()},
        config=card["config"],
        started=started,
        seed=first["seed"],
        threads=first["threads"],
        precision=first["precision"],
        device=first["device"],
        extra={
            "code": first["code"],
            "steps": sum(manifest["steps"] for manifest in manifests),
            "images_seen": sum(manifest["images_seen"] for manifest in manifests),
            "member_wall_seconds": [manifest["wall_seconds"] for manifest in manifests],
        },
    )


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    card = join_members(args.members, args.out)
    print(f"{card['dataset']}: {len(card['members'])} {card['kind']} members in {args.out}")


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--members", type=Path, nargs="+", required=True, help="their folders")
    parser.add_argument("--out", type=Path, required=True, help="folder of the evaluator")
    return parser


if __name__ == "__main__":
    run_stage(main, command())
