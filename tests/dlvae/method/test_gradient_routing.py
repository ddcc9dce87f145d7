"""Which loss reaches which parameters: the table of stop-gradients, group by group.

Each loss in turn is multiplied by a constant where it is computed. The groups whose gradient
changes are those that it reaches; all others must get the very same gradient as before.
"""

from collections.abc import Callable

import pytest
import torch

from dlvae.method import algorithm1, losses
from dlvae.method import prior as prior_module
from dlvae.method.prior import GaussianMixture
from recorded import gradients_of

FACTOR = 3.0
STAGE_1 = {"stage_1 encoder_s", "stage_1 mu", "stage_1 sigma"}
NETWORKS = {"encoder_s", "encoder_u", "classifier", "decoder", "discriminator"}

# loss -> (where it is computed, name there, networks it reaches in stage 2 or the stage without
# labels); "mse" stands for the variant's L_rec.
WITHOUT_LABELS = {
    "L_kl": (algorithm1, "kl_standard_normal", {"encoder_u"}),
    "L_rec": (losses, "mse", {"encoder_s", "encoder_u", "decoder"}),
    "L_D^adv": (losses, "discriminator_loss", {"discriminator"}),
    "L_GD^adv": (losses, "generator_loss", {"decoder"}),
}
STAGE_2 = WITHOUT_LABELS | {
    "L_lkd": (GaussianMixture, "log_likelihood", {"encoder_s"}),
    "L_E^adv": (algorithm1, "uniform_cross_entropy", {"encoder_u"}),
    "L_C^adv": (algorithm1, "cross_entropy", {"classifier"}),
}
UNLABELLED = WITHOUT_LABELS | {
    "L_cls": (prior_module, "cross_entropy", set()),
    "L_lkd": (GaussianMixture, "log_total", {"encoder_s"}),
    "L_E^adv": (algorithm1, "uniform_cross_entropy", set()),
    "L_C^adv": (algorithm1, "cross_entropy", set()),
}
STAGE_1_LOSSES = {
    "L_cls": (prior_module, "cross_entropy"),
    "L_lkd": (GaussianMixture, "classification_losses"),
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


def check(gradients: Callable[[], dict], variant: str, table: dict, monkeypatch) -> None:
    """Scale each loss of a table: name -> (owner, name there, groups it reaches)."""
    before = gradients()
    for loss, (owner, name, reached) in table.items():
        name = "half_squared_error" if (name, variant) == ("mse", "paper") else name
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, scaled(getattr(owner, name)))
            assert changed_groups(before, gradients()) == reached, loss


def of_stage(stage: str, table: dict) -> dict:
    return {
        loss: (owner, name, {f"{stage} {network}" for network in reached})
        for loss, (owner, name, reached) in table.items()
    }


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("gan_loss", ["hinge", "log"])
@pytest.mark.parametrize("variant", ["code", "paper"])
def test_supervised(make_model, make_batch, monkeypatch, variant, gan_loss, fast) -> None:
    model = make_model(variant=variant, gan_loss=gan_loss, fast=fast)

    def gradients() -> dict:
        return gradients_of(model, lambda: model.training_step(make_batch(model), 0))

    assert gradients().keys() == STAGE_1 | {f"stage_2 {network}" for network in NETWORKS}
    table = {loss: (*where, STAGE_1) for loss, where in STAGE_1_LOSSES.items()}
    check(gradients, variant, table, monkeypatch)
    check(gradients, variant, of_stage("stage_2", STAGE_2), monkeypatch)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("variant", ["code", "paper"])
def test_semi_supervised(make_model, make_batch, monkeypatch, variant, fast) -> None:
    model = make_model(variant=variant, fast=fast)
    model.start_semi_supervised()

    def gradients() -> dict:
        return gradients_of(model, lambda: model.semi_supervised_step(make_batch(model), 0))

    trained = NETWORKS - {"classifier"}
    assert gradients().keys() == {f"semi_supervised {network}" for network in trained}
    check(gradients, variant, of_stage("semi_supervised", UNLABELLED), monkeypatch)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_groups_are_the_networks(make_model) -> None:
    """Two optimisers: with Encoder_s in both, they hold every parameter once."""
    model = make_model()
    assert model.optimisers.keys() == {"stage_1", "stage_2"}
    held = []
    for stage, names in (("stage_1", ["encoder_s", "mu", "sigma"]), ("stage_2", NETWORKS)):
        assert model.objectives[stage].keys() == set(names)
        own = [p for name in model.objectives[stage] for p in model.groups[name]]
        together, *sigma = model.optimisers[stage].param_groups
        assert [id(p) for part in (together, *sigma) for p in part["params"]] == list(map(id, own))
        for part in (together, *sigma):
            assert part["betas"] == (0.0, 0.9) and part["eps"] == 1e-8 and part["lr"] == 5e-4
        assert [part["params"] for part in sigma] == [[model.prior.scale]] * (stage == "stage_1")
        held += own
    assert model.groups["mu"] == [model.prior.mu]
    for name in NETWORKS:
        assert list(map(id, model.groups[name])) == [
            id(p) for p in getattr(model, name).parameters()
        ]
    psi = list(model.encoder_s.parameters())
    assert sorted(map(id, held)) == sorted(map(id, [*model.parameters(), *psi]))


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
def test_updates_wait_for_all_gradients(make_model, make_batch, monkeypatch, fast) -> None:
    """Stage 2 steps once, after the last of its gradients."""
    model, events = make_model(fast=fast), []
    grad = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: events.append("g") or grad(*a, **k))
    for optimiser in model.optimisers.values():
        step = optimiser.step
        optimiser.step = lambda step=step: events.append("u") or step()
    model.training_step(make_batch(model), 0)
    stage_1 = "gu" if fast else "gggu"
    assert "".join(events).removeprefix(stage_1 * 3).lstrip("g") == "u"
