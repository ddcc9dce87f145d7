"""Images whose pixels are their codes, drawn from a mixture, and a model that reads them off."""

import math

import numpy as np
import torch

from dlvae.data.dataset import Split
from dlvae.method.prior import GaussianMixture

CARD = {"source": "made up", "licence": "none", "flip": False, "preparation": {}}
CLASSES = np.array(list("abcd"))
CENTRES = np.array([[2, 0, 0], [-2, 0, 0], [0, 2, 0], [0, -2, 0]], np.float64)
FACTORS = np.array(["head_width", "azimuth", "elevation", "expression", "light_strength"])
SIGMA, SCALE, LOGVAR, OFF = 0.4, 4.0, -2.0, 0.25
D_S, D_U = 3, 4


class Pixels:
    """Reads z_s off the first row of an image and z_u off the second, both divided by `SCALE`.

    The mixture is the one that the images were drawn from. Reconstructions of every second image
    are `OFF` too bright.
    """

    device = torch.device("cpu")

    def __init__(self, swapped=False, flat=False):
        self.swapped, self.flat = swapped, flat
        self.prior = GaussianMixture(len(CLASSES), D_S, "logvar").requires_grad_(False)
        self.prior.mu.copy_(torch.from_numpy(CENTRES))
        self.prior.scale.fill_(2 * math.log(SIGMA))

    def encode(self, images):
        z_s, z_u = SCALE * images[:, 0, 0, :D_S], SCALE * images[:, 0, 1, :D_U]
        if self.swapped:
            z_s, z_u = z_u[:, :D_S], z_s
        if self.flat:
            z_s = z_s * torch.tensor([1.0, 1.0, 0.0])
        return {"z_s": z_s, "z_u": z_u, "z_u_logvar": torch.full_like(z_u, LOGVAR)}

    def reconstruct(self, images, labels):
        return images + OFF * (torch.arange(len(images)) % 2)[:, None, None, None]


def drawn(per_class, seed):
    """A split, and the codes written into its images: z_u holds two factors and one more number."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), per_class)
    n = len(labels)
    z_s = CENTRES[labels] + SIGMA * random.normal(size=(n, D_S))
    factors = random.uniform(-1, 1, (n, len(FACTORS)))
    factors[:, 0], factors[:, 4] = labels, 0.5  # of the identity; constant
    z_u = np.stack([*1.7 * factors[:, 1:3].T, random.normal(size=n), np.zeros(n)], axis=1)
    images = np.zeros((n, 32, 32, 3), np.uint8)
    images[:, 0, :D_S, 0] = np.round(127.5 * (np.clip(z_s / SCALE, -1, 1) + 1))
    images[:, 1, :D_U, 0] = np.round(127.5 * (z_u / SCALE + 1))
    factors = factors.astype(np.float32)
    return Split(images, None, labels, CLASSES, factors, FACTORS), z_s, z_u
