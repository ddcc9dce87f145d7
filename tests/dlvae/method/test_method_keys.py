"""Each method key changes the loss it names and nothing else; bad values are refused."""

import copy
from dataclasses import replace

import pytest
import torch

from dlvae.base import Method, Task
from dlvae.method.algorithm1 import sigma_rate
from dlvae.method.objectives import our_objectives
from dlvae.method.prior import GaussianMixture
from dlvae.stage.errors import UserError
from recorded import gradients_of

TOY = Task("point", "toy", 2, 3, 0.25, 2, 2, 12, 24)
IMAGE = Task("image", "net32", 32, 4, 0.1, 5, 6, 6, 120)
STAGE_1 = {"stage_1 encoder_s", "stage_1 mu", "stage_1 sigma"}
NETWORKS = ("encoder_s", "encoder_u", "classifier", "decoder", "discriminator")


def stage_2(*networks: str) -> set[str]:
    return {f"stage_2 {network}" for network in networks}


@pytest.fixture
def first_step(make_model, make_batch):
    """Losses and gradients of the first training step under some method keys."""

    def run(semi_supervised: bool = False, prepare=None, **keys):
        model = make_model(**keys)
        if prepare:
            prepare(model)
        if semi_supervised:
            model.start_semi_supervised()
        step = model.semi_supervised_step if semi_supervised else model.training_step
        losses = {}
        batch = make_batch(model)
        gradients = gradients_of(model, lambda: losses.update(step(batch, 0)))
        return losses, gradients

    return run


def differing(a: dict, b: dict) -> set[str]:
    """Names under which two dicts of losses or gradients differ."""

    def same(x, y) -> bool:
        pairs = zip(x, y, strict=True) if isinstance(x, list) else [(x, y)]
        return all(torch.allclose(p, q, rtol=1e-10, atol=1e-14) for p, q in pairs)

    assert a.keys() == b.keys()
    return {name for name in a if not same(a[name], b[name])}


def test_variant(first_step, make_model) -> None:
    losses, gradients = first_step()
    paper_losses, paper_gradients = first_step(variant="paper")
    assert differing(losses, paper_losses) == set()  # D = 2, where 1/2 ||.||^2 = mse
    changed = stage_2("encoder_s", "encoder_u", "decoder")
    assert differing(gradients, paper_gradients) == changed
    # Algorithm 1, lines 25 and 28 weigh L_rec and L_lkd by 1 and lambda_lkd, the code by 10 times.
    group = "stage_2 encoder_s"
    for paper, code in zip(paper_gradients[group], gradients[group], strict=True):
        torch.testing.assert_close(10 * paper, code)


def test_objectives_of_both_variants() -> None:
    """The table of docs and paper, with L_rec a mean (code) or half a sum (paper) of squares."""
    code, paper = (our_objectives(IMAGE, Method(variant=v)) for v in ("code", "paper"))
    l_gm = {"cls": 1.0, "lkd_gm": 0.1}
    for table in (code, paper):
        assert table["stage_1"] == {"encoder_s": l_gm, "mu": l_gm, "sigma": l_gm}
    shared = {"classifier": {"adv_classifier": 1.0}, "discriminator": {"adv_discriminator": 1.0}}
    kl, values = pytest.approx(1 / 6), 3 * 32 * 32
    assert code["stage_2"] == shared | {
        "encoder_s": {"rec": 10.0, "lkd": 1.0},
        "encoder_u": {"rec": 10.0, "kl": kl, "adv_encoder": 1.0},
        "decoder": {"rec": 10.0, "adv_decoder": 1.0},
    }
    assert paper["stage_2"] == shared | {
        "encoder_s": {"rec": 1.0, "lkd": 0.1},
        "encoder_u": {"rec": pytest.approx(10 / values), "kl": kl, "adv_encoder": 1.0},
        "decoder": {"rec": 1.0, "adv_decoder": 1.0},
    }
    keys = dict(lambda_rec=4.0, lambda_lkd=0.5, lambda_kl=0.25)
    custom = our_objectives(IMAGE, Method(**keys))["stage_2"]
    assert custom["encoder_s"] == {"rec": 4.0, "lkd": 2.0}
    assert custom["encoder_u"] == {"rec": 4.0, "kl": 0.25, "adv_encoder": 1.0}


def test_gan_loss(first_step) -> None:
    (losses, gradients), (log_losses, log_gradients) = first_step(), first_step(gan_loss="log")
    assert differing(losses, log_losses) == {"adv_discriminator", "adv_decoder"}
    assert differing(gradients, log_gradients) == stage_2("decoder", "discriminator")


def test_param(first_step) -> None:
    """At equal Sigma_c all is equal but the gradient of the raw parameter, by the chain rule."""

    def logvar_as_precision(model) -> None:
        with torch.no_grad():
            model.prior.scale.copy_(GaussianMixture(3, 2).double().precision().log().neg())

    losses, gradients = first_step()
    other_losses, other = first_step(param="logvar", prepare=logvar_as_precision)
    assert differing(losses, other_losses) == set()
    assert differing(gradients, other) == {"stage_1 sigma"}
    mixture = GaussianMixture(3, 2).double()
    d_tau = gradients["stage_1 sigma"][0] / torch.sigmoid(mixture.scale)
    torch.testing.assert_close(other["stage_1 sigma"][0], -mixture.precision() * d_tau)


def test_reuse_batch_and_n_gm_choose_the_batches(make_model, make_batch, monkeypatch) -> None:
    for n_gm in (1, 3):
        for reuse, count in ((False, n_gm + 1), (True, n_gm)):
            model = make_model(n_gm=n_gm, reuse_batch=reuse)
            assert model.batches_per_step == count
            batch, seen = make_batch(model), {"encoder_s": [], "encoder_u": []}
            for name, images in seen.items():
                hook = lambda _, args, images=images: images.append(args[0])  # noqa: E731
                getattr(model, name).register_forward_pre_hook(hook)
            model.training_step(batch, 0)
            order = [*range(n_gm), n_gm - 1 if reuse else n_gm]
            assert len(seen["encoder_s"]) == len(order)
            for images, index in zip(seen["encoder_s"], order, strict=True):
                assert torch.equal(images, batch.images[index])
            (stage_2,) = seen["encoder_u"]
            assert torch.equal(stage_2, batch.images[order[-1]])


def test_reuse_batch_leaves_stage_1_alone(first_step) -> None:
    gradients, reused = first_step()[1], first_step(reuse_batch=True)[1]
    assert differing(gradients, reused) == stage_2(*NETWORKS)


def test_prior_label(first_step, make_model, make_batch, monkeypatch) -> None:
    losses, gradients = first_step()
    batch_losses, batch_gradients = first_step(prior_label="batch")
    assert differing(losses, batch_losses) == {"adv_discriminator", "adv_decoder"}
    assert differing(gradients, batch_gradients) == stage_2("decoder", "discriminator")
    for key in ("uniform", "batch"):
        model, asked = make_model(prior_label=key), []
        sample = model.prior.sample
        monkeypatch.setattr(
            model.prior, "sample", lambda y, e, s=sample, a=asked: a.append(y) or s(y, e)
        )
        batch = make_batch(model)
        scored = []
        model.discriminator.register_forward_pre_hook(lambda _, args, s=scored: s.append(args[1]))
        model.training_step(batch, 0)
        assert torch.equal(asked[0], batch.labels[-1]) == (key == "batch")
        # The discriminator is told the true label of x and x_f and the drawn one of x_p.
        expected = torch.cat([batch.labels[-1], batch.labels[-1], asked[0]])
        assert torch.equal(scored[0], expected)


def test_unlabelled_prior(first_step) -> None:
    losses, gradients = first_step(semi_supervised=True)
    mixture_losses, mixture_gradients = first_step(semi_supervised=True, unlabelled_prior="mixture")
    assert differing(losses, mixture_losses) == {"lkd"}
    assert differing(gradients, mixture_gradients) == {"semi_supervised encoder_s"}
    supervised = first_step(unlabelled_prior="mixture")
    assert differing(first_step()[0], supervised[0]) == set()
    assert differing(first_step()[1], supervised[1]) == set()


def test_the_rate_of_tau_is_the_published_one_at_the_published_size() -> None:
    faces = Task("image", "net64", 64, 530, 1, 512, 512, 96, 92_000)
    for step, lr in ((0, 5e-4), (9583, 5e-4), (9584, 5e-5), (19167, 5e-6), (52_000, 5e-9)):
        assert sigma_rate(faces, Method(), step) == pytest.approx(lr)


@pytest.mark.parametrize("n_gm", (1, 3))
@pytest.mark.parametrize(
    "batch_size, images, epochs", ((12, 24, 1), (32, 2000, 10), (96, 50_000, 5))
)
def test_tau_travels_as_far_in_any_run_then_a_tenth(n_gm, batch_size, images, epochs) -> None:
    task = replace(TOY, batch_size=batch_size, train_images=images)
    method = Method(n_gm=n_gm, tau_decay_epochs=epochs)
    per_period = round(epochs * images / batch_size)
    rates = [n_gm * sigma_rate(task, method, step) for step in range(2 * per_period)]
    assert sum(rates[:per_period]) == pytest.approx(14.375, rel=1e-3)
    assert sum(rates[per_period:]) == pytest.approx(1.4375, rel=1e-2)


def test_the_rate_of_tau_reaches_its_optimiser_alone(make_model, make_batch) -> None:
    """An epoch of 24 images ends after two iterations with batches of 12."""
    model = make_model(tau_decay_epochs=1)
    first = 14.375 / (3 * 2)
    for step, lr in enumerate((first, first, first / 10, first / 10, first / 100)):
        model.training_step(make_batch(model, step), step)
        (first_stage, second_stage) = (o.param_groups for o in model.optimisers.values())
        assert [part["lr"] for part in first_stage] == [5e-4, pytest.approx(lr)]
        assert [part["lr"] for part in second_stage] == [5e-4]


def test_running_moments_change_where_x_p_is_drawn_and_nothing_else(first_step) -> None:
    (losses, gradients), (moved, others) = first_step(), first_step(running_moments=True)
    assert differing(losses, moved) == {"adv_discriminator", "adv_decoder"}
    assert differing(gradients, others) == stage_2("decoder", "discriminator")


@pytest.mark.parametrize(
    ("key", "default", "reached"),
    [
        ("lambda_cls", 1.0, STAGE_1),
        ("lambda_lkd", 0.1, STAGE_1 | stage_2("encoder_s")),
        ("lambda_adv", 1.0, stage_2("encoder_u")),
        ("lambda_gan", 1.0, stage_2("decoder")),
    ],
)
def test_a_weight_scales_its_term_alone(first_step, key, default, reached) -> None:
    """Losses stay; a group's gradient is a + weight * b, with b = 0 in all but those reached."""
    (losses, once), (more_losses, thrice) = first_step(), first_step(**{key: 3 * default})
    assert differing(losses, more_losses) == set() and differing(once, thrice) == reached
    none_losses, none = first_step(**{key: 0.0})
    assert differing({name: losses[name] for name in none_losses}, none_losses) == set()
    assert differing({name: once[name] for name in none}, none) == reached
    for name in reached:
        for a, b, c in zip(none[name], once[name], thrice[name], strict=True):
            torch.testing.assert_close(c - b, 2 * (b - a))


RESTS = {
    "lambda_adv": ("classifier", {"adv_encoder", "adv_classifier"}),
    "lambda_gan": ("discriminator", {"adv_decoder", "adv_discriminator"}),
}


@pytest.mark.parametrize("key", RESTS)
def test_an_adversary_of_weight_0_is_neither_trained_nor_asked(
    first_step, make_model, make_batch, key
) -> None:
    network, gone = RESTS[key]
    (losses, gradients), (all_losses, all_gradients) = first_step(**{key: 0.0}), first_step()
    assert all_losses.keys() - losses.keys() == gone
    assert all_gradients.keys() - gradients.keys() == stage_2(network)
    model, full, decoded = make_model(**{key: 0.0}), make_model(), []
    for name, value in model.state_dict().items():  # every network starts as ever
        assert torch.equal(value, full.state_dict()[name]), name
    before = {name: v.clone() for name, v in getattr(model, network).state_dict().items()}
    getattr(model, network).register_forward_pre_hook(lambda *_: pytest.fail("was asked"))
    model.decoder.register_forward_pre_hook(lambda _, args: decoded.append(args[0]))
    model.training_step(make_batch(model), 0)
    assert len(decoded) == (1 if key == "lambda_gan" else 2)  # x_p is for the discriminator alone
    model.start_semi_supervised()
    assert network not in model.groups
    semi_losses = model.semi_supervised_step(make_batch(model, 1), 0)
    assert gone.isdisjoint(semi_losses)
    for name, value in getattr(model, network).state_dict().items():
        assert torch.equal(value, before[name]), name


def test_fixed_sigma(first_step, make_model, make_batch) -> None:
    def at_identity(model) -> None:
        with torch.no_grad():
            model.prior.scale.copy_(GaussianMixture(3, 2, fixed=True).scale)

    losses, gradients = first_step(prepare=at_identity)
    fixed_losses, fixed = first_step(fixed_sigma=True)
    assert differing(losses, fixed_losses) == set()
    assert gradients.keys() - fixed.keys() == {"stage_1 sigma"}
    assert differing({name: gradients[name] for name in fixed}, fixed) == set()
    for param in ("precision", "logvar"):
        model = make_model(fixed_sigma=True, param=param, dtype=torch.float32)
        means = model.prior.mu.clone()
        for step in range(2):
            assert model.training_step(make_batch(model, step), step)["clamp_share"] == 0
        assert torch.equal(model.prior.precision(), torch.ones_like(means))
        assert not torch.equal(model.prior.mu, means)


def test_what_rests_needs_no_state_to_continue(make_model, make_batch) -> None:
    keys = dict(lambda_adv=0.0, lambda_gan=0.0, fixed_sigma=True)
    model, resumed = make_model(**keys), make_model(**keys)
    model.training_step(make_batch(model, 0), 0)
    resumed.load_training_state(copy.deepcopy(model.training_state()))
    for each in (model, resumed):
        each.training_step(make_batch(each, 1), 1)
    for name, value in model.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("variant", "papr", "paper"),
        ("gan_loss", "hing", "hinge"),
        ("param", "precison", "precision"),
        ("prior_label", "unifrom", "uniform"),
        ("unlabelled_prior", "totl", "total"),
    ],
)
def test_unknown_values_are_named_with_the_nearest(make_model, key, value, hint) -> None:
    with pytest.raises(UserError, match=rf"method\.{key}.*{value}.*Did you mean '{hint}'"):
        make_model(**{key: value})


def test_n_gm_must_be_positive(make_model) -> None:
    with pytest.raises(UserError, match="n_gm"):
        make_model(n_gm=0)
