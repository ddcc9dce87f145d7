"""Options of the cVAE."""

from baselines.latent import LatentOptions as Config

__all__ = ["Config"]
