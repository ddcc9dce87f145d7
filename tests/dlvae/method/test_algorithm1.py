"""Algorithm 1 against the plain transcription of it, in float64."""

import copy

import pytest

from tests.reference.algorithm1 import LiteralAlgorithm1

STEPS = 4
VARIANTS = {
    "code": dict(),
    "paper": dict(variant="paper", gan_loss="log", prior_label="batch"),
    "code, other keys": dict(param="logvar", reuse_batch=True, n_gm=2, tau_decay_epochs=100),
    "code, other weights": dict(lambda_cls=0.5, lambda_lkd=0.3, lambda_adv=2.0, lambda_gan=0.25),
    "images": dict(image=True, n_gm=1),
    "images, paper": dict(image=True, n_gm=1, variant="paper", lambda_kl=0.7),
}
PARTS = ("encoder_s", "encoder_u", "decoder", "classifier", "discriminator")
UNLABELLED = {
    "total": dict(),
    "mixture": dict(unlabelled_prior="mixture", param="logvar", gan_loss="log"),
    "paper": dict(variant="paper", prior_label="batch", lambda_lkd=0.3, lambda_gan=0.25),
    "images": dict(image=True, n_gm=1),
}


def check_same(model, literal, start, frozen=()):
    """Every parameter is that of the transcription, and has moved unless it is frozen."""
    expected = {
        f"{part}.{name}": parameter
        for part in PARTS
        for name, parameter in getattr(literal, part).named_parameters()
    }
    expected |= {"prior.mu": literal.mu, "prior.scale": literal.v}
    assert expected.keys() == start.keys()
    for name, parameter in model.named_parameters():
        still = (parameter == start[name]).all()
        if name.startswith(frozen):
            assert still, f"{name} moved"
        else:
            assert not still or name.endswith("bias"), f"{name} did not move"
        error = (parameter - expected[name]).abs().max().item()
        assert error < 1e-6, f"{name} differs by {error}"


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("keys", VARIANTS.values(), ids=VARIANTS)
def test_every_parameter_follows_the_literal_algorithm(make_model, make_batch, keys, fast) -> None:
    model = make_model(fast=fast, **keys)
    literal = LiteralAlgorithm1(make_model(fast=False, **keys))
    start = copy.deepcopy(dict(model.named_parameters()))
    for step in range(STEPS):
        found = model.training_step(make_batch(model, seed=step), step)
        expected = literal.training_step(make_batch(model, seed=step), step)
        for name, loss in expected.items():
            assert abs(found[name].item() - loss.item()) < 1e-5, name
    check_same(model, literal, start)


@pytest.mark.parametrize("keys", UNLABELLED.values(), ids=UNLABELLED)
def test_the_step_without_labels_follows_the_literal_one(make_model, make_batch, keys) -> None:
    model = make_model(**keys)
    literal = LiteralAlgorithm1(make_model(fast=False, **keys))
    start = copy.deepcopy(dict(model.named_parameters()))
    model.start_semi_supervised()
    for step in range(STEPS):
        found = model.semi_supervised_step(make_batch(model, seed=step), step)
        expected = literal.semi_supervised_step(make_batch(model, seed=step))
        assert found.keys() == expected.keys()
        for name, loss in expected.items():
            assert abs(found[name].item() - loss.item()) < 1e-5, name
    check_same(model, literal, start, frozen=("prior.", "classifier."))
