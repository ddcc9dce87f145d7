"""Options of the WGAN-GP: free of torch, so that they are checked before any job."""

from __future__ import annotations

from dataclasses import dataclass

from dlvae.stage.errors import UserError


@dataclass(frozen=True)
class Config:
    """Options of the WGAN-GP.

    Attributes:
        d_z: dimensions of z; None for those of our z_u.
        lambda_gp: weight of the gradient penalty.
        n_critic: updates of the critic, each on a batch of its own, per update of the decoder.
    """

    d_z: int | None = None
    lambda_gp: float = 10.0
    n_critic: int = 5

    def __post_init__(self) -> None:
        if self.n_critic < 1:
            raise UserError(f"n_critic: expected at least 1, found {self.n_critic}")
        if self.lambda_gp < 0:
            raise UserError(f"lambda_gp: expected 0 or more, found {self.lambda_gp}")
