"""Options of the cGAN."""

from baselines.latent import LatentOptions as Config

__all__ = ["Config"]
