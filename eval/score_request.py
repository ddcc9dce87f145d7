"""What a family of scores is asked for and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlvae.data.dataset import load_card
from dlvae.stage.artefact import sha256_arrays
from dlvae.stage.errors import UserError
from dlvae.stage.registry import weights_hash
from eval.judge.features import FeatureSet, load_features
from eval.metrics.measured import Measured
from eval.protocol import Protocol, load_protocol
from eval.request import Request
from eval.rows import HASH, NONE, NOT_APPLICABLE, ScoreRow, hashes_text
from eval.scored_images import training_precision


@dataclass(frozen=True)
class ScoreRequest(Request):
    """One family of scores of one model, or of the real images (model ``real``).

    Attributes:
        data: folder of the prepared data set.
        protocol_file: protocol; ``config["protocol_overrides"]`` is laid over it.
    """

    data: Path = Path()
    protocol_file: Path = Path()

    stage: ClassVar[str] = "scores"
    context: ClassVar[tuple[str, ...]] = ("preset", "dataset", "model", "seed")

    @cached_property
    def card(self) -> dict[str, Any]:
        """Card of the data set."""
        return load_card(self.data)

    @cached_property
    def protocol(self) -> Protocol:
        """How scores are taken."""
        return load_protocol(self.protocol_file, self.config.get("protocol_overrides"))

    @property
    def bn_eval(self) -> str:
        """Rule for the decoder's batch norms."""
        return self.protocol.bn_eval

    @property
    def per_class(self) -> int:
        """Images per class that are scored."""
        return self.protocol.samples_per_class(self.card["classes"])

    @property
    def regressor(self) -> tuple[str, ...]:
        """Hash of the factor regressor's weights, input ``factors``; empty without one."""
        return (weights_hash(self.path("factors")),) if self.has("factors") else ()

    def cards(self, *keys: str) -> dict[str, Path]:
        """Return the cards of those inputs that were given, for the manifest."""
        return {key: self.path(key) / "card.json" for key in keys if self.has(key)}

    def features(self, key: str) -> FeatureSet:
        """Load a feature set of this data set's images.

        Raises:
            UserError: it was made by the evaluator of another data set.
        """
        found = load_features(self.path(key))
        if found.data != self.card["dataset"]:
            raise UserError(
                f"{self.path(key)}: expected features of '{self.card['dataset']}', found those of "
                f"'{found.data}'; make them with python -m eval.judge.features"
            )
        return found


@dataclass(frozen=True)
class Basis:
    """Content hashes of what one metric depends on beside what its whole family does.

    Attributes:
        images: of what was scored in place of :attr:`Scores.images`; empty for the same.
        evaluator: of the judge in place of :attr:`Scores.evaluator`; empty for the same.
        judges: of further judges, beside the evaluator.
        data: of further data or of where they were looked at, beside the data set.
    """

    images: str = ""
    evaluator: str = ""
    judges: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scores:
    """What a family returns.

    Attributes:
        values: by metric.
        images: content hash of what was scored: the images, or the weights.
        precision: see :class:`eval.rows.ScoreRow`.
        evaluator: hash of the evaluator's weights, `NONE` where none was used.
        files: input files by name, for the manifest.
        extra: what goes to the manifest beside the values.
        basis: by metric, for those that depend on more than the above and the data set.
    """

    values: Mapping[str, Measured]
    images: str
    precision: str
    evaluator: str = NONE
    files: Mapping[str, Path] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    basis: Mapping[str, Basis] = field(default_factory=dict)

    @classmethod
    def of_model(cls, folder: Path, values: Mapping[str, Measured], **more: Any) -> Scores:
        """Return scores of the weights of a saved model; ``more`` as the attributes say."""
        return cls(values, weights_hash(folder), training_precision(folder), **more)

    def rows(self, request: ScoreRequest, code: str) -> list[ScoreRow]:
        """Return one row per metric; ``code`` is the fingerprint of the scoring code."""
        shared = {key: request.config[key] for key in request.context}
        shared |= {"classes": request.card["classes"], "precision": self.precision}
        shared |= {"protocol": request.protocol.label, "code": code}
        data, rows = data_hash(request.card), []
        for metric, found in self.values.items():
            basis = self.basis.get(metric, Basis())
            rows.append(
                ScoreRow(
                    metric=metric,
                    value=np.nan if found.value is None else float(found.value),
                    ci_low=float(found.low),
                    ci_high=float(found.high),
                    ci_kind=found.kind if found.value is not None else _reason(found.note),
                    n=found.n,
                    evaluator=hashes_text(basis.evaluator or self.evaluator, *basis.judges),
                    samples=hashes_text(basis.images or self.images),
                    data=hashes_text(data, *basis.data),
                    **shared,
                )
            )
        return rows


def data_hash(card: Mapping[str, Any]) -> str:
    """Hash of a data set, the same for rows that read its training and its held-out split."""
    return sha256_arrays(**{k: np.array(v) for k, v in card["sha256"].items()})[:HASH]


def _reason(note: str) -> str:
    return note if note.startswith(NOT_APPLICABLE) else f"{NOT_APPLICABLE}: {note}"
