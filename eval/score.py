"""Score a sample set, or the real images, as rows of a CSV.

Usage: python -m eval.score inception|diversity (--samples FILE | --real train|test)
    --data DIR [--evaluator DIR] --protocol FILE --config JSON --out CSV

The config JSON holds ``preset``, ``dataset``, ``model``, ``seed`` and optionally
``protocol_overrides``.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlvae.artefact import read_json, sha256_arrays, write_manifest
from dlvae.data.dataset import SPLITS, load_card
from dlvae.errors import UserError
from dlvae.runtime import device, run_stage, stage_parser, use_threads
from dlvae.seeds import numpy_generator
from eval.diversity import d_intra
from eval.protocol import Protocol, load_protocol
from eval.rows import NONE, ScoreRow, write_rows
from eval.scored_images import Scored, real, sampled

CONTEXT = ("preset", "dataset", "model", "seed")
HASH = 12  # hex digits of a content hash in a row


@dataclass(frozen=True)
class Result:
    """Values by metric, the evaluator's hash, and what goes to the manifest beside them."""

    values: dict[str, float]
    evaluator: str
    extra: dict[str, Any]


def score_inception(
    scored: Scored, evaluator: Path | None, card: Mapping[str, Any], protocol: Protocol
) -> Result:
    """Inception Score, and the share of images that the evaluator takes for their class.

    Raises:
        UserError: no evaluator, or one of other classes than the data set's (``card``).
    """
    # Here, since the packages behind it cost a diversity job more time than scoring small sets.
    from eval.inception_score import inception, label_fidelity

    if evaluator is None:
        raise UserError("inception needs --evaluator DIR; train one with python -m eval.evaluator")
    judge = read_json(evaluator / "card.json")
    if judge["class_names"] != card["class_names"]:
        raise UserError(
            f"{evaluator}: expected an evaluator trained on '{card['dataset']}', found one trained "
            f"on '{judge['dataset']}', which has other classes"
        )
    found = inception(scored.images, evaluator, protocol.inception.splits)
    fidelity = label_fidelity(found.logits, scored.labels)
    return Result(
        {"inception_score": found.score, "label_fidelity": fidelity},
        judge["weights_sha256"][:HASH],
        {"spread_over_splits": found.spread},
    )


def score_diversity(
    scored: Scored, protocol: Protocol, seed_parts: tuple[str | int, ...]
) -> Result:
    """Diversity of Eq. 12 under every variant of the protocol."""
    values, extra = {}, {}
    for name, rule in protocol.ms_ssim.items():
        found = d_intra(
            scored.images,
            scored.labels,
            rule.at(scored.images.shape[1]),
            protocol.recheck_pairs,
            numpy_generator(*seed_parts, "recheck", name),
            device(),
        )
        metric = f"d_intra_{name}"
        values[metric] = found.value
        values[f"{metric}_offdiag"] = found.off_diagonal
        values[f"{metric}_clamped_share"] = found.clamped_share
        recheck = dataclasses.asdict(found.recheck)
        extra[metric] = {"per_class": found.per_class, "recheck": recheck}
    return Result(values, NONE, extra)


def data_hash(card: Mapping[str, Any]) -> str:
    """Hash of a data set, the same for rows that read its training and its held-out split."""
    return sha256_arrays(**{k: np.array(v) for k, v in card["sha256"].items()})[:HASH]


def main(args: argparse.Namespace) -> None:
    """Run the scoring stage."""
    started = time.time()
    use_threads(args.threads)
    config, card = args.config, load_card(args.data)
    missing = [key for key in CONTEXT if key not in config]
    if missing:
        raise UserError(f"--config: expected the keys {', '.join(CONTEXT)}, missing: {missing}")
    context = {key: config[key] for key in CONTEXT}
    protocol = load_protocol(args.protocol, config.get("protocol_overrides"))
    inputs = {"data": args.data / "card.json", "protocol": args.protocol}
    if args.samples is not None:
        inputs["images"] = args.samples
        scored = sampled(args.samples, card, protocol)
    else:
        inputs["images"] = args.data / f"{args.real}.npz"
        scored = real(args.data, args.real, card, protocol)
    if args.metric == "inception":
        result = score_inception(scored, args.evaluator, card, protocol)
        inputs["evaluator"] = args.evaluator / "card.json"
    else:
        result = score_diversity(scored, protocol, tuple(context.values()))
    context |= {"ci_low": np.nan, "ci_high": np.nan, "ci_kind": NONE, "n": len(scored.images)}
    context |= {"classes": card["classes"], "precision": scored.precision}
    context |= {"protocol": protocol.label, "evaluator": result.evaluator, "data": data_hash(card)}
    context |= {"samples": scored.sha256[:HASH], "code": args.fingerprint}
    rows = [ScoreRow(metric=k, value=float(v), **context) for k, v in result.values.items()]
    write_rows(args.out, rows)
    write_manifest(
        args.out.with_suffix(".manifest.json"),
        inputs=inputs,
        config=config,
        started=started,
        seed=config["seed"],
        threads=args.threads,
        precision="fp32",
        device=str(device()),
        extra={"protocol": protocol.label, **result.extra},
    )


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("metric", choices=("inception", "diversity"))
    images = parser.add_mutually_exclusive_group(required=True)
    images.add_argument("--samples", type=Path, help="sample set, .npz")
    images.add_argument("--real", choices=SPLITS, help="score this split of the real images")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--evaluator", type=Path, help="folder of the evaluator (inception)")
    parser.add_argument("--protocol", type=Path, required=True, help="protocol file")
    parser.add_argument("--out", type=Path, required=True, help="score rows, .csv")
    parser.add_argument("--fingerprint", default="", help="fingerprint of the code")
    return parser


if __name__ == "__main__":
    run_stage(main, command())
