"""Keys of the method that the models share; the defaults follow the authors' code."""

from __future__ import annotations

from typing import Literal

from dlvae.config.section import Count, NotNegative, Rate, Section, number

Beta = number(ge=0, lt=1)


class Method(Section):
    """The section ``method`` of a preset, and what a model is built with."""

    variant: Literal["code", "paper"] = "code"
    """objectives of the code, or of Algorithm 1 to the letter (`paper`)"""
    gan_loss: Literal["hinge", "log"] = "hinge"
    """of the discriminator; `log` is Eq. 10"""
    param: Literal["precision", "logvar"] = "precision"
    """what is learned for each class: tau = softplus(v), or the logarithm of Sigma_c"""
    running_moments: bool = False
    """draw z_s of x_p, and of samples, from running means and variances of each class's codes in
    the place of mu_c and Sigma_c"""
    fixed_sigma: bool = False
    """nothing is learned: every class covariance is the identity"""
    reuse_batch: bool = False
    """stage 2 re-uses the last batch of stage 1, as the code does"""
    prior_label: Literal["uniform", "batch"] = "uniform"
    """label of a prior sample x_p in training: uniform at random, or the `batch`'s"""
    unlabelled_prior: Literal["total", "mixture"] = "total"
    """prior of unlabelled images: total moments (Eq. 11), or the mixture (Eq. 6)"""
    n_gm: Count = 3
    """stage-1 updates per iteration of Algorithm 1"""
    lr: Rate = 0.0005
    """learning rate of Adam"""
    beta1: Beta = 0.0
    """of Adam"""
    beta2: Beta = 0.9
    """of Adam"""
    lambda_rec: NotNegative = 10.0
    """weight of the reconstruction, L_rec"""
    lambda_kl: NotNegative | None = None
    """weight of the KL term, L_kl; null: one over the number of dimensions"""
    lambda_lkd: NotNegative = 0.1
    """weight of the likelihood term, L_lkd"""
    lambda_cls: NotNegative = 1.0
    """weight of the classification term L_cls in L_GM (Eq. 9)"""
    lambda_adv: NotNegative = 1.0
    """ours: weight of L_E^adv (Eq. 5) for Encoder_u; with 0 the classifier on z_u is neither
    trained nor evaluated"""
    lambda_gan: NotNegative = 1.0
    """ours: weight of L_GD^adv for the decoder; with 0 the discriminator is neither trained nor
    evaluated"""
    tau_decay_epochs: Count = 10
    """epochs after which the learning rate of the class covariances is divided by 10, and in the
    first of which they can travel as far as in the published training"""
