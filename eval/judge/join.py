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
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.runtime import run_stage, stage_parser
from dlvae.stage.weights import CARD, MANIFEST, load_weights, save_weights

# What members must share, and what the card of the evaluator says once.
SHARED = (
    *("arch", "width", "image_size", "class_names", "kind"),
    *("dataset", "data_sha256", "images_sha256", "precision"),
)


def join_members(members: Sequence[Path], out: Path) -> dict[str, Any]:
    """Join members to one evaluator.

    Args:
        members: folders of :func:`eval.judge.__main__.train_member`, in order. Tensors of the
            i-th are named ``i/<name>`` in the weights.
        out: folder for ``weights.safetensors``, ``card.json`` and ``manifest.json``, which says
            that the evaluator was made from what its members were made from.

    Returns:
        The card: what the members share, their hashes, and the hash of all weights.

    Raises:
        UserError: no members, or members that differ in more than their seed.
    """
    started = time.time()
    if not members:
        raise UserError("expected the folders of members, found none")
    cards = [read_json(folder / CARD) for folder in members]
    for folder, card in zip(members, cards, strict=True):
        for key in SHARED:
            if card.get(key) != cards[0].get(key):
                raise UserError(
                    f"{folder / CARD}: expected the {key} of the other members, "
                    f"{cards[0].get(key)!r}, found {card.get(key)!r}; train them by one config"
                )
    hashes = [card["weights_sha256"] for card in cards]
    if len(set(hashes)) < len(hashes):
        raise UserError(f"{members[0].parent}: expected different members, found the same twice")
    weights = {
        f"{i}/{name}": tensor
        for i, folder in enumerate(members)
        for name, tensor in load_weights(folder / WEIGHTS).items()
    }
    save_weights(out / WEIGHTS, weights)
    card = {key: cards[0][key] for key in SHARED}
    card |= {"members": hashes, "parameters": sum(card["parameters"] for card in cards)}
    card |= {"config": {k: v for k, v in cards[0]["config"].items() if k != "member"}}
    card |= {"weights_sha256": sha256_file(out / WEIGHTS)}
    write_json(out / CARD, card)
    manifests = [read_json(folder / MANIFEST) for folder in members]
    first = manifests[0]
    sums = {key: sum(each[key] for each in manifests) for key in ("steps", "images_seen")}
    seconds = {"member_wall_seconds": [manifest["wall_seconds"] for manifest in manifests]}
    write_manifest(
        out / MANIFEST,
        inputs={name: entry["path"] for name, entry in first["inputs"].items()},
        config=card["config"],
        started=started,
        **{key: first[key] for key in ("seed", "threads", "precision", "device")},
        extra={"code": first["code"], **sums, **seconds},
    )
    return card


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
