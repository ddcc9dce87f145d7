"""Options of the cVAE-GAN."""

from baselines.latent import LatentOptions as Config

__all__ = ["Config"]
