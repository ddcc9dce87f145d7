"""Small made-up panels, as ``python -m eval.panels`` would leave them."""

import numpy as np
import pytest

from reports.figures.panel import StoredPanel

COMMON = {"preset": "quick", "dataset": "synthetic_faces", "seed": 0}


def smooth_images(*shape, side=16, seed=0):
    """Random colour blobs, uint8 (*shape, side, side, 3)."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (*shape, 4, 4, 3)).astype(float)
    index = np.linspace(0, 3, side)
    low, part = np.floor(index).astype(int).clip(max=2), None
    part = index - low
    rows = coarse[..., low, :, :] * (1 - part)[:, None, None]
    rows = rows + coarse[..., low + 1, :, :] * part[:, None, None]
    fine = rows[..., low, :] * (1 - part)[:, None] + rows[..., low + 1, :] * part[:, None]
    return fine.round().astype(np.uint8)


def toy_points(n, width, seed):
    random = np.random.default_rng(seed)
    t, labels = random.uniform(0, np.pi, n), np.arange(n) % 3
    centre = np.array([0.0, 2.2, -2.2])[labels]
    points = np.stack([np.cos(t) + centre, np.sin(t) - 0.5], 1)
    return (points + random.normal(0, width, (n, 2))).astype(np.float32), labels


def fake_panel(figure, side=16, n=300, fitted=True):
    """Return a panel of ``figure`` with the arrays and keys that the figure reads.

    Args:
        fitted: whether models are shown with fitted priors too.
    """
    ours = ["ours", "ours_fitted"] if fitted else ["ours"]
    if figure == "figure2":
        real, labels = toy_points(n, 0.15, 0)
        models = ["cvae_gan", *(["cvae_gan_fitted"] if fitted else []), *ours]
        widths = [[1.5, 0.5, 0.3, 0.2, 0.18, 0.16 / (1 + row)] for row in range(len(models))]
        samples = [[toy_points(n, w, i)[0] for w in row] for i, row in enumerate(widths)]
        arrays = {"real": real, "real_labels": labels, "samples": np.array(samples)}
        arrays["sample_labels"] = labels
        extra = {"models": models, "epochs": [0, 10, 20, 30, 40, 50]}
        extra["selection"] = "Held-out points are a random subset."
        return StoredPanel(arrays, COMMON | {"dataset": "three_moons"} | extra)
    names = ["identity 3", "identity 11", "identity 19"]
    if figure == "figure3":
        titles = ["real", "cvae", "cgan", "cvae_gan", *ours]
        titles += ["cvae_fitted", "cvae_gan_fitted"] if fitted else []
        arrays = {"grids": smooth_images(len(titles), 3, 3, side=side)}
        extra = {
            "titles": titles,
            "class_name": "identity 3",
            "selection": "The first nine of the class.",
        }
    elif figure == "figure4":
        shape = (len(ours), 3, 8)
        arrays = {k: smooth_images(*shape, side=side, seed=i) for i, k in enumerate("ab")}
        extra = {"models": ours, "classes": names, "alphas": np.linspace(0, 1, 8).tolist()}
        extra["selection"] = "Classes are evenly spaced."
    elif figure == "figure5":
        arrays = {"grids": smooth_images(len(ours), 3, 3, 8, side=side)}
        factor = {"by": "factor", "spearman": -0.831, "r2": 0.93}
        extra = {
            "models": ours,
            "classes": names,
            "values": np.linspace(-3, 3, 8).tolist(),
            "choices": [
                factor | {"coordinate": 12, "factor": "expression"},
                factor | {"coordinate": 5, "factor": "elevation"},
                {"by": "kl", "coordinate": 40, "rank": 1, "kl": 1.234},
            ],
            "selection": "Chosen by the factor regressor.",
        }
    elif figure == "figure6":
        arrays = {
            "row_images": smooth_images(4, side=side),
            "column_images": smooth_images(8, side=side, seed=1),
            "grid": smooth_images(4, 8, side=side, seed=2),
        }
        extra = {"selection": "Sources are evenly spaced over the set."}
    elif figure == "explorer":
        arrays = {
            "row_images": smooth_images(2, side=side),
            "column_images": smooth_images(3, side=side, seed=1),
            "grid": smooth_images(2, 3, 7, side=side, seed=2),
        }
        extra = {
            "row_classes": ["identity 0", "identity 1"],
            "column_classes": ["identity 4", "identity 4", "identity 7"],
            "values": np.linspace(-3, 3, 7).tolist(),
            "coordinate": 2,
            "effects": [0.5, 1.25, 9.75, 1.0],
            "selection": "Sources are evenly spaced over the set.",
        }
    else:
        names = ["original", "corrupted", "cvae_gan", "ours"]
        arrays = {k: smooth_images(4, 3, side=side, seed=i) for i, k in enumerate(names)}
        extra = {
            "masks": ["right_half", "eyes", "nose_mouth", "bottom_half"],
            "selection": "Images are evenly spaced over the held-out set.",
        }
    return StoredPanel(arrays, COMMON | extra)


@pytest.fixture
def panel():
    return fake_panel
