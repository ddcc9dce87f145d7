"""Disentangled VAE/GAN with label-relevant and label-irrelevant codes (Zheng & Sun, CVPR 2019).

``dlvae.load("quick/digits/ours")`` is a trained model, see :func:`dlvae.loading.load`.
"""

import importlib

__all__ = ["load"]


def __getattr__(name: str):
    # By name, when it is asked for: the package itself imports no torch, and its parts, which no
    # stage needs, are not part of the code behind any.
    if name == "load":
        return importlib.import_module("dlvae.loading").load
    raise AttributeError(f"module 'dlvae' has no attribute '{name}'")
