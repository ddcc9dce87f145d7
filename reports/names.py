"""How models and data sets are called in tables, figures and captions."""

from __future__ import annotations

# The paper's order and spelling; a model that is not here keeps its own name.
MODEL_TITLES = {
    "real": "real data",
    "cvae": "cVAE",
    "cgan": "cGAN",
    "cvae_gan": "cVAE-GAN",
    "cvae_gan_bao": "CVAE-GAN (Bao et al.)",
    "wgan_gp": "WGAN-GP",
    "ours": "ours",
    "ours_semi": "ours, semi-supervised",
}
# Two baselines that share a name in the literature: captions say which is which.
MODEL_NOTES = {
    "cvae_gan": "cVAE-GAN: label-fed encoder, with the networks and the discriminator of ours",
    "cvae_gan_bao": "CVAE-GAN (Bao et al. 2017): the cited model in full, with its classifier and "
    "feature matching, on the same networks",
}
DATASET_TITLES = {
    "three_moons": "three moons",
    "digits": "handwritten digits",
    "synthetic_faces": "synthetic faces",
    "cifar10": "CIFAR-10",
    "faces": "faces",
}
# The published column that a data set may be read against. Synthetic and other faces are not
# FaceScrub, so the column always carries the paper's own data set in its title.
PUBLISHED_DATASETS = {
    "cifar10": "CIFAR-10",
    "faces": "FaceScrub",
    "synthetic_faces": "FaceScrub",
}


def model_title(name: str) -> str:
    """Return the printed name of a model."""
    return MODEL_TITLES.get(name, name)


def dataset_title(name: str) -> str:
    """Return the printed name of a data set."""
    return DATASET_TITLES.get(name, name.replace("_", " "))


def in_paper_order(models: list[str]) -> list[str]:
    """Return models in the order of the paper's tables, others after cVAE-GAN, ours last."""
    first = ["real", "cvae", "cgan", "cvae_gan", "cvae_gan_bao"]
    last = ["ours", "ours_semi"]
    others = [name for name in models if name not in first + last]
    return [name for name in first + others + last if name in models]
