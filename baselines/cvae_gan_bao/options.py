"""Options of the CVAE-GAN of Bao et al.: free of torch, so that they are checked before any job."""

from __future__ import annotations

from dataclasses import dataclass

from dlvae.stage.errors import UserError


@dataclass(frozen=True)
class Config:
    """Options of the CVAE-GAN of Bao et al.

    Attributes:
        d_z: dimensions of z; None for those of our z_u.
        lambda_1: weight of L_KL.
        lambda_2: weight of L_G, the distances of x and x_f.
        lambda_3: weight of L_GD, the distance of the mean features of the discriminator.
        lambda_4: weight of L_GC, the distances of the classes' mean features of the classifier.
        centre_rate: share of the present batch in the moving averages of mean features, in (0, 1].
    """

    d_z: int | None = None
    lambda_1: float = 3.0
    lambda_2: float = 1.0
    lambda_3: float = 1e-3
    lambda_4: float = 1e-3
    centre_rate: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.centre_rate <= 1:
            raise UserError(f"centre_rate: expected above 0, at most 1, found {self.centre_rate}")
        for name in ("lambda_1", "lambda_2", "lambda_3", "lambda_4"):
            if getattr(self, name) < 0:
                raise UserError(f"{name}: expected 0 or more, found {getattr(self, name)}")
