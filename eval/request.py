"""What a panel or a family of scores is asked for, and what a family returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dlvae.data.dataset import SPLITS, load_card
from dlvae.stage.errors import UserError
from dlvae.stage.registry import DEFINITION, WEIGHTS, weights_hash
from dlvae.stage.seeds import generator, numpy_generator
from eval.metrics.measured import Measured
from eval.protocol import Protocol, load_protocol
from eval.rows import NONE, data_hash, hashes_text
from eval.scored_images import ScoredImages, real, sampled, training_precision

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Request:
    """One panel or one family of scores.

    Subclasses say ``data``, the folder of the prepared data set, and ``bn_eval``, the rule for the
    decoder's batch norms; see :class:`eval.protocol.Protocol`.

    Attributes:
        name: the figure or the family.
        config: config slice; holds the keys of `context`, by which draws are seeded, and those
            of `required`.
        inputs: paths by name; a name may also hold paths by name.
    """

    name: str
    config: dict[str, Any]
    inputs: dict[str, Any]

    stage: ClassVar[str]
    context: ClassVar[tuple[str, ...]]
    required: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        expected = [*self.context, *self.required]
        missing = [key for key in expected if key not in self.config]
        if missing:
            raise UserError(
                f"--config: expected the keys {', '.join(expected)}, missing {', '.join(missing)}"
            )

    def has(self, key: str) -> bool:
        """Whether an optional input was given."""
        return bool(self.inputs.get(key))

    def path(self, key: str) -> Path:
        """Return an input folder or file."""
        return Path(self._input(key))

    def paths(self, key: str) -> dict[str, Path]:
        """Return the folders or files of an input that holds several, in their order."""
        return {name: Path(path) for name, path in self._input(key).items()}

    def _input(self, key: str) -> Any:
        if not self.has(key):
            raise UserError(f"{self.name}: expected the input '{key}', found {sorted(self.inputs)}")
        return self.inputs[key]

    def splits(self, *names: str) -> dict[str, Path]:
        """Return the files of splits of the data set, for the manifest."""
        return {f"data/{name}.npz": self.data / f"{name}.npz" for name in names}

    def seed_parts(self, *more: str | int) -> tuple[str | int, ...]:
        """Return what this request's draws belong to; see :func:`dlvae.stage.seeds.derive_seed`."""
        return (self.stage, self.name, *(self.config[key] for key in self.context), *more)

    def draws(self, *more: str | int) -> torch.Generator:
        """Return the generator of :meth:`seed_parts`."""
        return generator(*self.seed_parts(*more))

    def numpy_draws(self, *more: str | int) -> np.random.Generator:
        """Return the generator of :meth:`seed_parts` for arrays."""
        return numpy_generator(*self.seed_parts(*more))


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

    def regressed(self, evaluator: str = NONE) -> dict[str, str]:
        """Return the columns of what the regressor, input ``factors`` if given, judges too."""
        judges = [weights_hash(self.path("factors"))] if self.has("factors") else []
        return {"evaluator": hashes_text(evaluator, *judges)}

    def images(self) -> ScoredImages:
        """Load the input ``images``: a split in the folder `data`, or a sample set."""
        path = self.path("images")
        if path.parent.resolve() == self.data.resolve() and path.stem in SPLITS:
            return real(self.data, path.stem, self.card)
        return sampled(path, self.card)


@dataclass(frozen=True)
class FamilyScores:
    """What a family returns.

    Attributes:
        values: by metric.
        images: content hash of what was scored: the images, or the weights.
        precision: see :class:`eval.rows.ScoreRow`.
        evaluator: hash of the evaluator's weights, `NONE` where none was used.
        files: input files by name, for the manifest.
        extra: what goes to the manifest beside the values.
        columns: by metric, columns of its row that are not as the above and the data set say:
            content hashes of what else was scored, judged or looked at.
    """

    values: Mapping[str, Measured]
    images: str
    precision: str
    evaluator: str = NONE
    files: Mapping[str, Path] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of_model(
        cls,
        request: ScoreRequest,
        values: Mapping[str, Measured],
        evaluator: str = NONE,
        label: str = "model",
        files: Mapping[str, Path] | None = None,
        images: str = "",
        **more: Any,
    ) -> FamilyScores:
        """Return scores of the input ``model``.

        Args:
            label: what the manifest calls the model.
            files: beside those of the model and the cards of what judged it.
            images: hash of what was scored, if not the weights.
            more: `extra` and `columns`.
        """
        folder = request.path("model")
        judges = ("evaluator", "factors") if evaluator != NONE else ("factors",)
        cards = {key: request.path(key) / "card.json" for key in judges if request.has(key)}
        files = model_files(label, folder) | cards | (files or {})
        images = images or weights_hash(folder)
        return cls(values, images, training_precision(folder), evaluator, files, **more)

    def shared(self, request: ScoreRequest, code: str) -> dict[str, Any]:
        """Return the columns that all rows share; ``code`` is the fingerprint of the scoring."""
        return {key: request.config[key] for key in request.context} | {
            "classes": request.card["classes"],
            "precision": self.precision,
            "protocol": request.protocol.label,
            "evaluator": hashes_text(self.evaluator),
            "samples": hashes_text(self.images),
            "data": data_hash(request.card),
            "code": code,
        }


def model_files(name: str, folder: Path, *more: str) -> dict[str, Path]:
    """Return the files that define a saved model, and ``more`` of its folder, for the manifest."""
    return {f"{name}/{file}": folder / file for file in (WEIGHTS, DEFINITION, *more)}
