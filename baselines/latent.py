"""The option that every baseline here has: free of torch, as all options are."""

from __future__ import annotations

from dlvae.config.section import Count, Options


class LatentOptions(Options):
    """Options of a model with one latent code z."""

    d_z: Count | None = None
    """dimensions of z; null takes d_u of the preset, so that z is as large as our z_u"""
