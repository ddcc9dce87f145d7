"""Options of the CVAE-GAN of Bao et al.: free of torch, so that they are checked before any job."""

from __future__ import annotations

from baselines.latent import LatentOptions
from dlvae.config.section import NotNegative, number


class Config(LatentOptions):
    """Options of the CVAE-GAN of Bao et al.; the weights are as published."""

    lambda_1: NotNegative = 3.0
    """weight of L_KL"""
    lambda_2: NotNegative = 1.0
    """weight of L_G, the distances of x and x_f"""
    lambda_3: NotNegative = 0.001
    """weight of L_GD, the distance of the mean features of the discriminator"""
    lambda_4: NotNegative = 0.001
    """weight of L_GC, the distances of the classes' mean features of the classifier"""
    centre_rate: number(gt=0, le=1) = 0.1
    """share of the present batch in the moving averages of mean features; 1 keeps no history"""
