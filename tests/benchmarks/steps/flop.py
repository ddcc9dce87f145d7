"""Useful floating-point operations of Algorithm 1, by formula from the layers' shapes.

Fixed, so that neither recomputation nor a library's way of counting earns anything: each pass that
the algorithm needs counts once, and of each layer in it the product for the output and, where
something depends on it, those for the gradients by its input and by its weight. About 2 GFLOP per
image of the stage-2 batch at full width, stage 1 included. Left out: batch norms, spectral norms,
losses, the mixture and Adam, whose operations are few.
"""

from __future__ import annotations

from collections.abc import Sequence

from dlvae.base import Task
from tests.benchmarks.steps import shapes
from tests.benchmarks.steps.shapes import Layer


def useful_flop(task: Task, n_gm: int = 3) -> int:
    """Operations of one iteration of Algorithm 1 per image, with `n_gm` updates in stage 1.

    ============= ======= ========= ================================================
    network       forward by weight by input
    ============= ======= ========= ================================================
    psi, stage 1  n_gm    n_gm      n_gm, not of the first layer
    psi, phi      1       1         1, not of the first layer
    theta         2       2         2, not of the first layer (L_rec + L_GD of x_f and
                                    x_p), and 1 (L_rec to both codes)
    omega         1       1         1 (L_E to z_u), and 1, not of the first (L_C)
    theta_d       3       3         3, not of the first layer (L_D), and 2 (L_GD to
                                    the images)
    ============= ======= ========= ================================================
    """
    psi, phi, theta, omega, theta_d = (_passes(layers) for layers in networks(task))
    total = 0
    for (forward, inner), times in ((psi, n_gm + 1), (phi, 1)):
        total += times * (2 * forward + inner)
    total += 4 * theta[0] + 2 * theta[1] + theta[0]
    total += 2 * omega[0] + omega[0] + omega[1]
    total += 6 * theta_d[0] + 3 * theta_d[1] + 2 * theta_d[0]
    return total


def literal_flop(task: Task, n_gm: int = 3) -> int:
    """Operations that the literal step (`tests/reference`) spends per image.

    Beyond the useful ones it walks the decoder back to the codes once for each encoder, shows both
    generated images to the discriminator once more for L_GD, and z_u to omega once more for L_C.
    """
    _, _, theta, omega, theta_d = (_passes(layers)[0] for layers in networks(task))
    return useful_flop(task, n_gm) + theta + 2 * theta_d + omega


def networks(task: Task) -> tuple[Sequence[Layer], ...]:
    """Layers of psi, phi, theta, omega and theta_d."""
    psi, head_s = shapes.encoder(task, task.d_s)
    phi, heads_u = shapes.encoder(task, 2 * task.d_u)
    theta = shapes.decoder(task, task.d_s + task.d_u)
    return (
        [*psi, head_s],
        [*phi, heads_u],
        theta,
        shapes.classifier(task),
        shapes.discriminator(task),
    )


def _passes(layers: Sequence[Layer]) -> tuple[int, int]:
    """Operations of all layers, and of all but the first, whose input asks for no gradient."""
    return sum(layer.flop for layer in layers), sum(layer.flop for layer in layers[1:])
