"""What is checked of a training step."""

import torch
from torch import Tensor

from conformance.case import Case, known_randomness, saved
from conformance.words import differences, require, same, some


def check_losses(case: Case) -> None:
    """A step returns finite float32 numbers without a graph, by name, and keeps weights float32."""
    model = case.build()
    losses = case.train(model, 0)
    require(
        isinstance(losses, dict)
        and bool(losses)
        and all(isinstance(value, Tensor) and value.shape == () for value in losses.values()),
        "training_step returns its losses by name: a dict of 0-dim tensors, one at least",
        f"it returned {_described(losses)}",
        "the return of training_step: {'rec': rec.detach()}",
    )
    attached = [name for name, value in losses.items() if value.requires_grad]
    require(
        not attached,
        "losses are returned without their graph, which would be kept in memory with them",
        f"{some(attached)} still has its graph",
        "the return of training_step: loss.detach()",
    )
    other = [f"{name} is {v.dtype}" for name, v in losses.items() if v.dtype != torch.float32]
    other += [f"{n} is {p.dtype}" for n, p in model.named_parameters() if p.dtype != torch.float32]
    require(
        not other,
        "losses and weights are float32, in bf16 too: self.autocast() lowers the precision inside "
        "the networks alone",
        some(other),
        "where networks run (with self.autocast():), dlvae.method.losses.full_precision for "
        "what leaves them",
    )
    bad = [f"the loss {name}" for name, value in losses.items() if not torch.isfinite(value)]
    bad += [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]
    require(
        not bad,
        "losses and weights stay finite; a training stops at the first that is not",
        f"after one step {some(bad)} is NaN or infinite",
        "logarithms, divisions and exponentials in the losses (clamp them), the learning rate",
    )


def _described(losses: object) -> str:
    if not isinstance(losses, dict) or not losses:
        return repr(losses)
    return some(
        f"{name}: a tensor of shape {tuple(value.shape)}"
        if isinstance(value, Tensor)
        else f"{name}: {value!r}"
        for name, value in losses.items()
    )


def check_networks_move(case: Case) -> None:
    """One step changes every network that is not frozen."""
    model = case.build()
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    case.train(model, 0)
    after = dict(model.named_parameters())
    networks = {name.partition(".")[0] for name in before}
    # A zero bias may rest a step; the weights of no network may.
    moved = {n.partition(".")[0] for n, old in before.items() if not torch.equal(old, after[n])}
    still = sorted(networks - moved)
    require(
        not still and bool(networks),
        "one training step changes every network",
        f"{some(still) or 'there is no network; nothing'} did not move",
        "self.minimise and self.optimisers (is it in them?), the objective (does it reach it, or "
        "is there a detach() on the way?), self.descend; a network that is to rest says so with "
        "requires_grad_(False)",
    )


def check_gradients_left(case: Case) -> None:
    """A step leaves no gradient behind."""
    model = case.build()
    case.train(model, 0)
    left = [name for name, p in model.named_parameters() if p.grad is not None]
    require(
        not left,
        "after a step every parameter's .grad is None: each objective has gradients of its own, "
        "and one left over would be added to the next",
        f"{some(left)} still has one",
        "self.descend in place of loss.backward(), or optimiser.zero_grad() at the end of the step",
    )


def check_training_generator(case: Case) -> None:
    """A step depends on weights, batch and the batch's generator, and on no global one."""
    model = case.build()
    with known_randomness(0) as moved:
        model.training_step(case.batch(model), 0)
        drawn_from = moved()
    require(
        not drawn_from,
        "training draws every noise from batch.generator, so that after a killed run a step is "
        "repeated to the bit",
        f"it moved {some(drawn_from)}",
        "torch.randn and the like without generator= (self.noise(batch.generator, ...) has one), "
        "torch.randperm, dropout, random and np.random",
    )
    states = [saved(model)]
    for seed in (0, 1):
        again = case.build()
        with known_randomness(seed):
            again.training_step(case.batch(again), 0)
        states.append(saved(again))
    _, repeated, elsewhere = states
    require(
        same(repeated, elsewhere),
        "training reads no global generator, not even one that it puts back",
        f"with another global seed {some(differences(repeated, elsewhere))} became other",
        "torch.manual_seed, torch.random.fork_rng and dropout in the step",
    )
    require(
        same(states[0], repeated),
        "the same weights and the same batch give the same step, to the bit",
        f"a second time {some(differences(states[0], repeated))} became other",
        "state outside the model: counters, caches, default arguments, class attributes",
    )
