"""What each group of parameters minimises: a weighted sum of losses.

Tables say it, for our model with the weights of the published code beside those of the paper's
Algorithm 1. Every group has an objective of its own, and its gradient is taken with respect to that
group alone. That is what stops gradients: the GAN loss of x_f reaches the decoder and neither
encoder, L_E^adv reaches Encoder_u and not the classifier that it passes through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dlvae.config.method_keys import Method
from dlvae.task import Task

Objectives = dict[str, dict[str, float]]
"""Group of parameters -> loss -> its weight in what the group minimises."""
Gradients = dict[str, tuple[Tensor, ...]]
"""Group of parameters -> gradient of its objective, a tensor per parameter."""
Row = tuple[str, str, float, float]
"""Group of parameters, loss, weight in the published code, weight in the paper."""


def our_objectives(task: Task, method: Method) -> dict[str, Objectives]:
    """Return what our model minimises, by stage.

    `stage_1` is lines 3 to 8 of Algorithm 1, `stage_2` lines 25 to 29, `semi_supervised` the stage
    of Section 3.6. L_rec of the code is the mean squared error, of the paper 1/2 ||x - x_f||^2.
    """
    m, values = method, task.values
    lambda_kl = 1 / task.d_u if m.lambda_kl is None else m.lambda_kl
    mixture = ("encoder_s", "mu") if m.fixed_sigma else ("encoder_s", "mu", "sigma")
    # group, loss, weight in the code, weight in the paper
    stage_1 = [("cls", m.lambda_cls, m.lambda_cls), ("lkd_gm", m.lambda_lkd, m.lambda_lkd)]
    without_labels = [
        ("encoder_s", "rec", m.lambda_rec, 1.0),
        ("encoder_u", "rec", m.lambda_rec, m.lambda_rec / values),
        ("encoder_u", "kl", lambda_kl, lambda_kl),
        ("decoder", "rec", m.lambda_rec, 1.0),
        ("decoder", "adv_decoder", m.lambda_gan, m.lambda_gan),
        ("discriminator", "adv_discriminator", m.lambda_gan > 0, m.lambda_gan > 0),
    ]
    stage_2 = [
        *without_labels,
        ("encoder_s", "lkd", m.lambda_rec * m.lambda_lkd, m.lambda_lkd),
        ("encoder_u", "adv_encoder", m.lambda_adv, m.lambda_adv),
        ("classifier", "adv_classifier", m.lambda_adv > 0, m.lambda_adv > 0),
    ]
    # Only the paper has this stage, so its balance of L_rec and L_lkd holds in both columns. With
    # the code's, 10 mse against a likelihood summed over dimensions, every z_s falls onto mu_t
    # within some hundred steps, for want of L_cls to hold it: no identity is left.
    semi_supervised = [
        *without_labels,
        ("encoder_s", "lkd", m.lambda_lkd * m.lambda_rec * 2 / values, m.lambda_lkd),
    ]
    stages = {
        "stage_1": [(group, *row) for group in mixture for row in stage_1],
        "stage_2": stage_2,
        "semi_supervised": semi_supervised,
    }
    return {stage: weighted(rows, m.variant) for stage, rows in stages.items()}


def weighted(rows: Sequence[Row], variant: str) -> Objectives:
    """Return the column of `variant`, `code` or `paper`.

    A loss of weight 0 is left out, and so is a group that is left without losses: it rests.
    """
    found: Objectives = {}
    for group, loss, code, paper in rows:
        if weight := float(code if variant == "code" else paper):
            found.setdefault(group, {})[loss] = weight
    return found


def objective(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the weighted sum of losses."""
    first, *more = (weight * losses[name] for name, weight in weights.items())
    return sum(more, first)


def gradients(
    losses: Mapping[str, Tensor],
    objectives: Objectives,
    groups: Mapping[str, Sequence[Tensor]],
) -> Gradients:
    """Return the gradient of each group's objective by the group's parameters.

    Parameters keep their `.grad`, and none is computed for networks that an objective only passes
    through. A parameter that its objective does not reach is an error.
    """
    return {
        name: torch.autograd.grad(objective(losses, weights), groups[name], retain_graph=True)
        for name, weights in objectives.items()
    }
