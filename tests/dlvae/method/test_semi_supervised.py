"""The semi-supervised stage: what it freezes, what it reads, and its restart."""

import copy

import pytest
import torch
from torch.nn.utils import parametrize

from dlvae.base import Batch
from dlvae.method.losses import reconstruction_loss

FROZEN = ("prior.", "classifier.")


@pytest.fixture(params=["total", "mixture"])
def trained(request, make_model, make_batch):
    """Model after two supervised steps, turned to the semi-supervised stage."""
    model = make_model(unlabelled_prior=request.param, prior_label="batch")
    for step in range(2):
        model.training_step(make_batch(model, step), step)
    model.start_semi_supervised()
    return model


def unlabelled(batch: Batch) -> Batch:
    return Batch(batch.images, torch.full_like(batch.labels, -1), batch.generator)


def test_mixture_and_classifier_are_frozen_and_the_rest_moves(trained, make_batch) -> None:
    before = {name: p.clone() for name, p in trained.named_parameters()}
    assert trained.batches_per_step == 1
    for step in range(3):
        losses = trained.semi_supervised_step(unlabelled(make_batch(trained, step)), step)
    for name, parameter in trained.named_parameters():
        frozen = name.startswith(FROZEN)
        assert torch.equal(parameter, before[name]) == frozen, name
        assert parameter.requires_grad != frozen, name
    expected = {"rec", "kl", "lkd", "adv_discriminator", "adv_decoder"}
    assert losses.keys() == expected
    assert all(loss.ndim == 0 and not loss.requires_grad for loss in losses.values())


def test_the_optimiser_starts_afresh(trained) -> None:
    (optimiser,) = trained.optimisers.values()
    assert not optimiser.state_dict()["state"]


def test_discriminator_is_unconditional_but_for_prior_samples(trained, make_batch) -> None:
    calls, asked = [], []
    trained.discriminator.register_forward_pre_hook(lambda _, args: calls.append(args))
    sample = trained.prior.sample
    trained.prior.sample = lambda y, e: asked.append(y) or sample(y, e)
    batch = unlabelled(make_batch(trained))
    trained.semi_supervised_step(batch, 0)
    (images, none), (prior_images, labels) = calls
    assert none is None and len(images) == 2 * trained.task.batch_size
    assert torch.equal(images[: trained.task.batch_size], batch.images[0])
    assert len(prior_images) == trained.task.batch_size
    assert torch.equal(labels, asked[0])
    assert labels.min() >= 0 and labels.max() < trained.task.classes


def test_both_calls_judge_with_the_weights_of_one_power_iteration(trained, make_batch) -> None:
    made = []
    for module in trained.discriminator.modules():
        if isinstance(module, parametrize.ParametrizationList):
            module.register_forward_hook(lambda module, *_: made.append(module))
    trained.semi_supervised_step(unlabelled(make_batch(trained)), 0)
    assert made and len(made) == len(set(made))


def test_labels_are_not_read(trained, make_batch) -> None:
    twin, batch = copy.deepcopy(trained), make_batch(trained)
    expected = trained.semi_supervised_step(batch, 0)
    assert twin.semi_supervised_step(unlabelled(make_batch(twin)), 0) == expected


def test_likelihood_is_that_of_the_key(trained, make_batch) -> None:
    batch = make_batch(trained)
    z_s = trained.encode(batch.images[0])["z_s"]
    by_key = {"total": trained.prior.log_total, "mixture": trained.prior.log_mixture}
    expected = -by_key[trained.method.unlabelled_prior](z_s).mean()
    found = trained.semi_supervised_step(batch, 0)["lkd"]
    torch.testing.assert_close(found, expected.detach())


def test_restart_continues_to_the_same_weights(trained, make_model, make_batch) -> None:
    trained.semi_supervised_step(make_batch(trained, 0), 0)
    state = copy.deepcopy(trained.training_state())
    trained.semi_supervised_step(make_batch(trained, 1), 1)
    keys = dict(unlabelled_prior=trained.method.unlabelled_prior, prior_label="batch")
    resumed = make_model(**keys)
    resumed.start_semi_supervised()
    resumed.load_training_state(state)
    resumed.semi_supervised_step(make_batch(resumed, 1), 1)
    for name, value in trained.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_encoder_s_has_the_papers_balance_in_both_variants(make_model) -> None:
    """L_rec + 0.1 L_lkd with L_rec = 1/2 ||x - x_f||^2, up to a factor that Adam does not see."""
    image, copied = torch.rand(2, 1, 3, 32, 32)
    for variant in ("code", "paper"):
        model = make_model(image=True, variant=variant)
        supervised = model.objectives["stage_2"]["encoder_u"]
        model.start_semi_supervised()
        weights = model.objectives["semi_supervised"]
        rec = weights["encoder_s"]["rec"] * reconstruction_loss(image, copied, variant)
        papers = 0.5 * (image - copied).square().sum() / 0.1
        assert (rec / weights["encoder_s"]["lkd"]).item() == pytest.approx(papers.item(), rel=1e-5)
        assert supervised == {**weights["encoder_u"], "adv_encoder": 1.0}
