"""What a model is told about the data, the networks and the method; free of torch."""

from __future__ import annotations

from dataclasses import dataclass

from dlvae.stage.errors import UserError, nearest

METHOD_CHOICES = {
    "variant": ("code", "paper"),
    "gan_loss": ("hinge", "log"),
    "param": ("precision", "logvar"),
    "prior_label": ("uniform", "batch"),
    "unlabelled_prior": ("total", "mixture"),
}


@dataclass(frozen=True)
class Task:
    """What a model is told about the data and the networks.

    Attributes:
        kind: ``image`` (3 x size x size in [-1, 1]) or ``point`` (2 coordinates).
        backbone: ``toy``, ``net32`` or ``net64``.
        size: side of an image in pixels; 2 for points.
        classes: number C of classes.
        width: multiplier of every hidden width; 1 is the paper's networks.
        d_s, d_u: dimensions of z_s and z_u.
        batch_size: images per batch.
        train_images: images in the training split, for schedules counted in epochs.
        fast: run what exists for speed alone (`dlvae/fast`) in the place of the plain code that it
            equals up to rounding.
    """

    kind: str
    backbone: str
    size: int
    classes: int
    width: float
    d_s: int
    d_u: int
    batch_size: int
    train_images: int
    fast: bool = True

    @property
    def values(self) -> int:
        """The number D of values per image, or coordinates per point."""
        return self.size if self.kind == "point" else 3 * self.size**2


@dataclass(frozen=True)
class Method:
    """Keys of the method that models share; the defaults follow the authors' code.

    Attributes:
        variant: ``code`` or ``paper``: the objectives of the published code or of Algorithm 1.
        gan_loss: ``hinge`` or ``log`` (Eq. 10).
        param: ``precision`` (tau = softplus(v)) or ``logvar`` for Sigma_c.
        running_moments: x_p, and later samples, draw z_s from running means and variances of each
            class's codes in the place of mu_c and Sigma_c.
        fixed_sigma: Sigma_c is the identity and not trained.
        reuse_batch: stage 2 re-uses the last batch of stage 1.
        prior_label: label of x_p, ``uniform`` at random or the ``batch``'s.
        unlabelled_prior: ``total`` (Eq. 11) or ``mixture`` (Eq. 6) for unlabelled images.
        n_gm: stage-1 updates per iteration of Algorithm 1.
        lr, beta1, beta2: Adam.
        lambda_rec, lambda_kl, lambda_lkd: weights of L_rec, L_kl, L_lkd; lambda_kl None
            averages L_kl over dimensions.
        lambda_cls: weight of L_cls in L_GM (Eq. 9).
        lambda_adv: weight of L_E^adv for Encoder_u; with 0 the classifier on z_u rests as well.
        lambda_gan: weight of L_GD^adv for the decoder of ours; with 0 the discriminator rests as
            well.
        tau_decay_epochs: epochs after which the learning rate of Sigma_c is divided by 10, and in
            the first of which Sigma_c can travel as far as in the published training, see
            :func:`dlvae.method.algorithm1.sigma_rate`.
    """

    variant: str = "code"
    gan_loss: str = "hinge"
    param: str = "precision"
    running_moments: bool = False
    fixed_sigma: bool = False
    reuse_batch: bool = False
    prior_label: str = "uniform"
    unlabelled_prior: str = "total"
    n_gm: int = 3
    lr: float = 5e-4
    beta1: float = 0.0
    beta2: float = 0.9
    lambda_rec: float = 10.0
    lambda_kl: float | None = None
    lambda_lkd: float = 0.1
    lambda_cls: float = 1.0
    lambda_adv: float = 1.0
    lambda_gan: float = 1.0
    tau_decay_epochs: int = 10

    def __post_init__(self) -> None:
        for key, valid in METHOD_CHOICES.items():
            value = getattr(self, key)
            if value not in valid:
                hint = nearest(str(value), valid)
                raise UserError(
                    f"method.{key} must be one of {', '.join(valid)}, found {value!r}.{hint}"
                )
        if self.n_gm < 1:
            raise UserError(f"method.n_gm must be at least 1, found {self.n_gm}")
