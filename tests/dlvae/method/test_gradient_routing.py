"""Which loss reaches which parameters: the table of stop-gradients, group by group.

Each loss in turn is multiplied by a constant where it is computed. The groups whose gradient
changes are those that it reaches; all others must get the very same gradient as before.
"""

from collections.abc import Callable

import pytest
import torch

from dlvae import base
from dlvae.fast import adversary
from dlvae.method import algorithm1
from dlvae.method import prior as prior_module
from dlvae.method.prior import GaussianMixture

FACTOR = 3.0
STAGE_1 = {"mixture", "precision"}
ALL_GROUPS = STAGE_1 | {"encoder_s", "encoder_u", "classifier", "decoder", "discriminator"}

# loss -> (where it is computed, name there, groups it reaches); "rec" depends on the variant.
SUPERVISED = {
    "L_cls": (prior_module, "cross_entropy", STAGE_1),
    "L_lkd, stage 1": (GaussianMixture, "classification_losses", STAGE_1),
    "L_lkd, stage 2": (GaussianMixture, "log_likelihood", {"encoder_s"}),
    "L_kl": (algorithm1, "kl_standard_normal", {"encoder_u"}),
    "L_E^adv": (algorithm1, "uniform_cross_entropy", {"encoder_u"}),
    "L_C^adv": (algorithm1, "cross_entropy", {"classifier"}),
    "L_rec": (algorithm1, "mse", {"encoder_s", "encoder_u", "decoder"}),
    "L_D^adv": (adversary, "discriminator_loss", {"discriminator"}),
    "L_GD^adv": (adversary, "generator_loss", {"decoder"}),
}
UNLABELLED = {
    "L_cls": (prior_module, "cross_entropy", set()),
    "L_lkd, stage 2": (GaussianMixture, "log_total", {"encoder_s"}),
    "L_kl": (algorithm1, "kl_standard_normal", {"encoder_u"}),
    "L_E^adv": (algorithm1, "uniform_cross_entropy", set()),
    "L_C^adv": (algorithm1, "cross_entropy", set()),
    "L_rec": (algorithm1, "mse", {"encoder_s", "encoder_u", "decoder"}),
    "L_D^adv": (adversary, "discriminator_loss", {"discriminator"}),
    "L_GD^adv": (adversary, "generator_loss", {"decoder"}),
}


def scaled(original: Callable) -> Callable:
    """Return the loss times FACTOR; of a pair (L_cls, L_lkd), only L_lkd."""

    def call(*args):
        value = original(*args)
        return (value[0], FACTOR * value[1]) if isinstance(value, tuple) else FACTOR * value

    return call


def changed_groups(before: dict, after: dict) -> set[str]:
    """Groups with a changed gradient; a loss must reach a group as a whole or not at all."""
    assert before.keys() == after.keys()
    changed = set()
    for name in before:
        pairs = zip(before[name], after[name], strict=True)
        same = [torch.allclose(a, b, rtol=1e-9, atol=1e-15) for a, b in pairs]
        assert all(same) or not any(same), f"{name} is reached in part: {same}"
        if not all(same):
            changed.add(name)
    return changed


def reconstruction_name(variant: str) -> str:
    return "mse" if variant == "code" else "half_squared_error"


@pytest.mark.parametrize("gan_loss", ["hinge", "log"])
@pytest.mark.parametrize("variant", ["code", "paper"])
def test_supervised(
    make_model, make_batch, gradients_of, monkeypatch, variant: str, gan_loss: str
) -> None:
    keys = dict(variant=variant, gan_loss=gan_loss)
    model = make_model(**keys)

    def gradients() -> dict:
        return gradients_of(model, lambda: model.training_step(make_batch(model), 0))

    before = gradients()
    assert before.keys() == ALL_GROUPS
    for loss, (owner, name, reached) in SUPERVISED.items():
        name = reconstruction_name(variant) if name == "mse" else name
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, scaled(getattr(owner, name)))
            # L_rec is looked up when a model is made.
            patch.setattr(model, "weights", algorithm1.stage2_weights(model.task, model.method))
            assert changed_groups(before, gradients()) == reached, loss
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("variant", ["code", "paper"])
def test_semi_supervised(make_model, make_batch, gradients_of, monkeypatch, variant: str) -> None:
    model = make_model(variant=variant)
    model.start_semi_supervised()

    def gradients() -> dict:
        return gradients_of(model, lambda: model.semi_supervised_step(make_batch(model), 0))

    before = gradients()
    assert before.keys() == {"encoder_s", "encoder_u", "decoder", "discriminator"}
    for loss, (owner, name, reached) in UNLABELLED.items():
        name = reconstruction_name(variant) if name == "mse" else name
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, scaled(getattr(owner, name)))
            weights = algorithm1.semi_supervised_weights(model.task, model.method)
            patch.setattr(model, "weights", weights)
            assert changed_groups(before, gradients()) == reached, loss
    assert all(parameter.grad is None for parameter in model.parameters())


def test_groups_are_the_networks(make_model) -> None:
    """Together with Encoder_s's two optimisers the groups hold every parameter once."""
    model = make_model()
    psi = list(map(id, model.encoder_s.parameters()))
    groups = {name: list(map(id, group)) for name, group in model.groups.items()}
    assert groups["mixture"] == [*psi, id(model.prior.mu)]
    assert groups["precision"] == [id(model.prior.scale)]
    for name in ("encoder_s", "encoder_u", "decoder", "discriminator", "classifier"):
        assert groups[name] == list(map(id, getattr(model, name).parameters()))
    held = [parameter for group in groups.values() for parameter in group]
    assert sorted(held) == sorted([*map(id, model.parameters()), *psi])
    for name, optimiser in model.optimisers.items():
        (group,) = optimiser.param_groups
        assert list(map(id, group["params"])) == groups[name]
        assert group["betas"] == (0.0, 0.9) and group["eps"] == 1e-8 and group["lr"] == 5e-4


def test_updates_wait_for_all_gradients(make_model, make_batch, monkeypatch) -> None:
    """No optimiser of stage 2 steps before the last gradient of stage 2 is taken."""
    model, events = make_model(), []
    grad, apply = torch.autograd.grad, algorithm1.apply_gradients
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: events.append("g") or grad(*a, **k))
    for module in (algorithm1, base):
        monkeypatch.setattr(module, "apply_gradients", lambda *a: events.append("u") or apply(*a))
    model.training_step(make_batch(model), 0)
    stage_2 = "".join(events).removeprefix("guu" * 3)
    assert stage_2.rstrip("u").strip("g") == "" and stage_2.count("u") == 5
