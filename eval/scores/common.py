"""What a family of scores is asked for and what it returns."""

from __future__ import annotations

import math
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
from dlvae.stage.seeds import numpy_generator
from eval.judge.features import FeatureSet, load_features
from eval.metrics.intervals import Interval, over_paths
from eval.metrics.sets.measured import SetMetric
from eval.protocol import Protocol, load_protocol
from eval.request import Request
from eval.rows import HASH, NONE


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

    def numpy_draws(self, *more: str | int) -> np.random.Generator:
        """Return a generator of this family's draws."""
        return numpy_generator(*self.seed_parts(*more))

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
class Measured:
    """A value and how sure it is.

    Attributes:
        value: None where it cannot be measured; `note` then says why, e.g. "needs n > 64".
        n: what it was measured on: images, or grid cells.
        low, high: ends of the interval, NaN where there is none.
        kind: how the interval was made; see :mod:`eval.metrics.intervals`.
    """

    value: float | None
    n: int
    low: float = math.nan
    high: float = math.nan
    kind: str = NONE
    note: str = ""

    @classmethod
    def sure(cls, value: float, n: int, interval: Interval | None) -> Measured:
        """Return a value with its interval, if there is one."""
        if interval is None:
            return cls(float(value), n)
        return cls(float(value), n, interval.low, interval.high, interval.kind)

    @classmethod
    def mean_of(cls, per_path: np.ndarray, n: int) -> Measured:
        """Return a mean over paths or traversals of equally many images, drawn apart.

        Paths that all agree have no interval: they do not tell how far others may lie.
        """
        spread = np.ptp(per_path) > 0
        return cls.sure(np.mean(per_path), n, over_paths(per_path) if spread else None)

    @classmethod
    def of(cls, found: SetMetric, interval: Interval | None) -> Measured:
        """Return a metric of sets with its interval, if there is one."""
        if found.value is None:
            return cls(None, found.n, note=found.note)
        return cls.sure(found.value, found.n, interval)


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


def data_hash(card: Mapping[str, Any]) -> str:
    """Hash of a data set, the same for rows that read its training and its held-out split."""
    return sha256_arrays(**{k: np.array(v) for k, v in card["sha256"].items()})[:HASH]
