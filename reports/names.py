"""How models and data sets are called in tables, figures and captions."""

from __future__ import annotations

from collections.abc import Collection, Iterable

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


FITTED = "_fitted"
"""Ending of the name of a model whose priors were set to its codes of the training images."""


def fitted_form(model: str) -> str:
    """Return the name of a model with its priors fitted."""
    return model + FITTED


def as_published(model: str) -> str:
    """Return the name of the trained model itself, whose priors may have been fitted."""
    return model.removesuffix(FITTED)


def forms_of(models: Iterable[str], fitted: Collection[str]) -> list[str]:
    """Return models, each followed by its fitted form if it is one of ``fitted``."""
    pairs = ((model, fitted_form(model)) for model in models)
    return [name for pair in pairs for name in pair[: 1 + (pair[0] in fitted)]]


def model_title(name: str) -> str:
    """Return the printed name of a model, with its priors fitted or not."""
    own = as_published(name)
    title = MODEL_TITLES.get(own, own)
    return title if own == name else f"{title}, fitted"


def dataset_title(name: str) -> str:
    """Return the printed name of a data set."""
    return DATASET_TITLES.get(name, name.replace("_", " "))


def capital(text: str) -> str:
    """Return a text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def in_paper_order(models: Iterable[str]) -> list[str]:
    """Return models, each once, as the paper's tables have them: others after cVAE-GAN, ours last.

    A model with fitted priors follows the model itself.
    """
    first = ["real", "cvae", "cgan", "cvae_gan", "cvae_gan_bao"]
    last = ["ours", "ours_semi"]
    models = dict.fromkeys(models)
    plain = list(dict.fromkeys(map(as_published, models)))
    others = [name for name in plain if name not in first + last]
    every = forms_of([*first, *others, *last], [as_published(n) for n in models if n not in plain])
    return [name for name in every if name in models]
