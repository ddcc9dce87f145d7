"""Options of the WGAN-GP: free of torch, so that they are checked before any job."""

from __future__ import annotations

from baselines.latent import LatentOptions
from dlvae.config.section import Count, NotNegative


class Config(LatentOptions):
    """Options of the WGAN-GP."""

    lambda_gp: NotNegative = 10.0
    """weight of the gradient penalty, as published"""
    n_critic: Count = 5
    """updates of the critic, each on a batch of its own, per update of the decoder"""
