"""What a stage that is one of several alike is asked for: config slice and inputs by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dlvae.stage.errors import UserError
from dlvae.stage.seeds import generator, numpy_generator

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class Request:
    """One panel or one family of scores.

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

    @property
    def bn_eval(self) -> str:
        """Rule for the decoder's batch norms; see :class:`eval.protocol.Protocol`."""
        raise NotImplementedError

    def path(self, key: str) -> Path:
        """Return an input folder or file."""
        if not self.inputs.get(key):
            raise UserError(f"{self.name}: expected the input '{key}', found {sorted(self.inputs)}")
        return Path(self.inputs[key])

    def has(self, key: str) -> bool:
        """Whether an optional input was given."""
        return bool(self.inputs.get(key))

    def seed_parts(self, *more: str | int) -> tuple[str | int, ...]:
        """Return what this request's draws belong to; see :func:`dlvae.stage.seeds.derive_seed`."""
        return (self.stage, self.name, *(self.config[key] for key in self.context), *more)

    def draws(self, *more: str | int) -> torch.Generator:
        """Return the generator of :meth:`seed_parts`."""
        return generator(*self.seed_parts(*more))

    def numpy_draws(self, *more: str | int) -> np.random.Generator:
        """Return the generator of :meth:`seed_parts` for arrays."""
        return numpy_generator(*self.seed_parts(*more))
