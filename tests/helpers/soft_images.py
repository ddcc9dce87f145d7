"""Images for tests of MS-SSIM, and its variants as the protocol has them."""

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from eval.protocol import load_protocol

PROTOCOL = load_protocol(Path(__file__).resolve().parents[2] / "config" / "protocol" / "v2.yaml")


def variant(name, size):
    return PROTOCOL.ms_ssim[name].at(size)


def blobs(n, size, seed=0, common=0.0):
    """Soft colour fields with some texture, uint8: like photographs, unlike white noise."""
    draws = np.random.default_rng(seed)
    fields = zoom(draws.normal(size=(n + 1, 5, 5, 3)), (1, size / 5, size / 5, 1), order=1)
    fields = (1 - common) * fields[:n] + common * fields[n:]
    texture = gaussian_filter(draws.normal(size=(n, size, size, 3)), (0, 0.7, 0.7, 0))
    return (128 + 55 * fields + 20 * texture).round().clip(0, 255).astype(np.uint8)


def upper(n):
    return np.stack(np.triu_indices(n, 1), axis=1)
