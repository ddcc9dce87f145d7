"""The losses of Bao et al., which networks they reach, and their moving averages."""

import numpy as np
import pytest
import torch

from baselines.cvae_gan_bao.model import MovingMeans, half_squared_distance, mean_feature_distance
from dlvae.base import Batch, Method, Task
from dlvae.stage.errors import UserError
from dlvae.stage.registry import build_seeded
from recorded import recorded

TOY = Task("point", "toy", 2, 3, 0.5, 2, 2, 8, 100)
IMAGE = Task("image", "net32", 32, 4, 0.125, 4, 6, 5, 100)
BOTH = {"encoder", "decoder"}
# loss -> networks whose gradient it must be part of; no other network may change
REACH = {
    "kl": {"encoder"},
    "rec": BOTH,
    "pair_discriminator": BOTH,
    "pair_classifier": BOTH,
    "mean_discriminator": {"decoder"},
    "mean_classifier": {"decoder"},
    "adv_discriminator": {"discriminator"},
    "cls": {"classifier"},
}
OPTIONS = {
    "lambda_1": {"encoder"},
    "lambda_2": BOTH,
    "lambda_3": {"decoder"},
    "lambda_4": {"decoder"},
}


def make(task=TOY, method=None, **options):
    return build_seeded("cvae_gan_bao", task, method or Method(), options, "test").train()


def batch_of(task, seed=0):
    draws = torch.Generator().manual_seed(seed)
    shape = (3, task.size, task.size) if task.kind == "image" else (2,)
    images = torch.rand(1, task.batch_size, *shape, generator=draws) * 2 - 1
    labels = torch.randint(task.classes, (1, task.batch_size), generator=draws)
    return Batch(images, labels, draws)


def losses_of(model, seed=0):
    batch = batch_of(model.task, seed)
    return model.losses(batch.images[0], batch.labels[0], batch.generator)


def gradients_of(model, seed=0):
    """Run a step that moves nothing; return its gradients by network."""
    with recorded(model, moves=False) as updates:
        model.training_step(batch_of(model.task, seed), 0)
    found = {group: gradients for _, group, gradients in updates}
    both, split = found.pop("generator"), len(list(model.encoder.parameters()))
    return {"encoder": both[:split], "decoder": both[split:], **found}


def changed(first, second):
    return {
        name
        for name in first
        if not all(torch.equal(a, b) for a, b in zip(first[name], second[name], strict=True))
    }


class Average:
    """Moving average in NumPy: weights rate (1 - rate)^age, made to sum to one."""

    def __init__(self, rate):
        self.rate, self.seen = rate, []

    def __call__(self, value):
        self.seen.append(value)
        ages = np.arange(len(self.seen))[::-1]
        weights = (1 - self.rate) ** ages
        return sum(w * v for w, v in zip(weights, self.seen, strict=True)) / weights.sum()


class Reference:
    """The losses of consecutive batches, after the networks in float64 NumPy."""

    def __init__(self, model):
        self.model, self.averages = model, {}

    def average(self, *key):
        return self.averages.setdefault(key, Average(self.model.config.centre_rate))

    def networks(self, batch):
        """Return what the networks say of one batch, as float64 arrays."""
        model, x, y, draws = self.model, batch.images[0], batch.labels[0], batch.generator
        noise = torch.randn(len(x), model.d_z, generator=draws)
        y_p = torch.randint(model.task.classes, (len(x),), generator=draws)
        z_p = torch.randn(len(x), model.d_z, generator=draws)
        with torch.no_grad():
            mean, logvar = model.encoder(x, y)
            x_f = model.generate(y, mean + torch.exp(logvar / 2) * noise)
            x_p = model.generate(y_p, z_p)
            class_logits = model.classifier(x)[0]
            h, scores = model.discriminator.features_and_logits(torch.cat([x, x_f, x_p]), None)
            model.classifier.eval()
            f_c = model.classifier.features(torch.cat([x, x_f, x_p]))
            model.classifier.train()
        names = "x y y_p mean logvar x_f f_d f_c scores class_logits".split()
        found = (x, y, y_p, mean, logvar, x_f, h, f_c, scores, class_logits)
        return {
            name: value.numpy().astype(np.float64 if value.is_floating_point() else np.int64)
            for name, value in zip(names, found, strict=True)
        }

    def __call__(self, batch):
        got = self.networks(batch)
        count, out = len(got["x"]), {}
        kl = 0.5 * (np.exp(got["logvar"]) + got["mean"] ** 2 - 1 - got["logvar"])
        out["kl"] = 256 * kl.mean()
        out["rec"] = 0.5 * 3 * 128**2 * ((got["x"] - got["x_f"]) ** 2).mean()
        groups = {"f_d": (0 * got["y"], 0 * got["y"]), "f_c": (got["y"], got["y_p"])}
        for f, name, classes in (("f_d", "discriminator", 1), ("f_c", "classifier", 530)):
            unit = np.sqrt(self.average(f, "unit")(np.var(got[f], axis=0).mean()))
            real, rebuilt, fake = (got[f] / unit).reshape(3, count, -1)
            out[f"pair_{name}"] = 0.5 * 1024 * ((real - rebuilt) ** 2).mean()
            for kind, features, group in zip("rf", (real, fake), groups[f], strict=True):
                for c in np.unique(group):
                    self.average(f, kind, c)(features[group == c].mean(0))
            distances = [
                ((self.last(f, "r", c) - self.last(f, "f", c)) ** 2).mean()
                for c in range(self.model.task.classes)
                if {(f, "r", c), (f, "f", c)} <= self.averages.keys()
            ]
            out[f"mean_{name}"] = 0.5 * 1024 * classes * np.mean(distances)
        real, *fakes = got["scores"].reshape(3, count)
        log_sigmoid = lambda s: -np.log1p(np.exp(-s))  # noqa: E731
        out["adv_discriminator"] = -log_sigmoid(real).mean() - sum(
            np.log(1 - 1 / (1 + np.exp(-s))).mean() for s in fakes
        )
        p = np.exp(got["class_logits"])
        out["cls"] = -np.log((p / p.sum(1, keepdims=True))[np.arange(count), got["y"]]).mean()
        return out

    def last(self, *key):
        average = self.averages[key]
        value = average.seen.pop()  # ask again for the last one
        return average(value)


@pytest.mark.parametrize("task", [TOY, IMAGE], ids=["toy", "net32"])
def test_every_loss_against_numpy_over_three_batches(task):
    model, reference = make(task, centre_rate=0.3), Reference(make(task, centre_rate=0.3))
    for seed in range(3):
        expected, found = reference(batch_of(task, seed)), losses_of(model, seed)
        assert found.keys() == expected.keys() == REACH.keys()
        for name, value in expected.items():
            assert found[name].item() == pytest.approx(value, rel=2e-4), name


@pytest.mark.parametrize("loss", REACH)
def test_each_loss_reaches_its_networks_and_no_other(loss):
    before, model = gradients_of(make()), make()
    original = model.losses

    def tripled(*args):
        losses = original(*args)
        return losses | {loss: 3 * losses[loss]}

    model.losses = tripled
    assert changed(before, gradients_of(model)) == REACH[loss]


@pytest.mark.parametrize("option", OPTIONS)
def test_each_weight_changes_its_networks_and_no_other(option):
    assert changed(gradients_of(make()), gradients_of(make(**{option: 0.5}))) == OPTIONS[option]


@pytest.mark.parametrize("task", [TOY, IMAGE], ids=["toy", "net32"])
def test_gradients_are_those_of_the_published_objectives(task):
    """Each network's own objective on its own graph, the others' weights frozen."""
    found = gradients_of(make(task))

    def gradient(network, objective):
        model = make(task)
        for name in ("encoder", "decoder", "discriminator", "classifier"):
            getattr(model, name).requires_grad_(name == network)
        loss = objective(losses_of(model))
        return torch.autograd.grad(loss, list(getattr(model, network).parameters()))

    def l_g(losses):
        return losses["rec"] + losses["pair_discriminator"] + losses["pair_classifier"]

    def l_gd_l_gc(losses):
        return losses["mean_discriminator"] + losses["mean_classifier"]

    expected = {
        "encoder": lambda losses: 3 * losses["kl"] + l_g(losses),
        "decoder": lambda losses: l_g(losses) + 1e-3 * l_gd_l_gc(losses),
        "discriminator": lambda losses: losses["adv_discriminator"],
        "classifier": lambda losses: losses["cls"],
    }
    assert found.keys() == expected.keys()
    for name, objective in expected.items():
        for a, b in zip(found[name], gradient(name, objective), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * max(1, b.abs().max().item()))


def test_the_rate_of_the_averages_acts_from_the_second_batch_on():
    models = make(centre_rate=0.1), make(centre_rate=0.9)
    first = [gradients_of(model, 0) for model in models]
    for name in first[0]:
        for a, b in zip(first[0][name], first[1][name], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-3)
    # The encoder's too: the unit of the features is an average over batches.
    assert changed(*(gradients_of(model, 1) for model in models)) == BOTH


def test_moving_means_against_numpy():
    draw, means = np.random.default_rng(0), MovingMeans(3, 5, 0.25)
    averages = [Average(0.25) for _ in range(3)]
    expected = np.zeros((3, 5))
    for groups in ([0, 0, 1], [1, 1, 1], [0, 1, 0], [1, 0, 0]):
        vectors = draw.normal(size=(3, 5))
        for g in set(groups):
            expected[g] = averages[g](vectors[np.array(groups) == g].mean(0))
        found = means(torch.from_numpy(vectors).float(), torch.tensor(groups))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert means.known.tolist() == [True, True, False]


def test_a_group_without_vectors_rests():
    means = MovingMeans(2, 1, 0.5)
    means(torch.tensor([[1.0], [4.0]]), torch.tensor([0, 1]))
    found = means(torch.tensor([[3.0]]), torch.tensor([0]))
    assert found[1].item() == 4
    assert found[0].item() == pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)


def test_rate_one_keeps_the_batch_alone():
    means = MovingMeans(1, 2, 1.0)
    means(torch.full((4, 2), 9.0), torch.zeros(4, dtype=torch.int64))
    assert means(torch.ones(3, 2), torch.zeros(3, dtype=torch.int64)).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("rate", [0.01, 1.0])
def test_the_gradient_of_a_mean_does_not_shrink_with_the_rate(rate):
    means, groups = MovingMeans(3, 2, rate), torch.tensor([0, 0, 0, 2])
    means(torch.ones(4, 2), groups)
    vectors = torch.randn(4, 2, requires_grad=True)
    weight = torch.tensor([[1.0, 2.0], [5.0, 5.0], [3.0, 4.0]])
    (gradient,) = torch.autograd.grad((means(vectors, groups) * weight).sum(), vectors)
    expected = torch.tensor([[1 / 3, 2 / 3]] * 3 + [[3.0, 4.0]])
    torch.testing.assert_close(gradient, expected)


def test_the_averages_are_part_of_the_training_state_and_no_weights():
    model = make(IMAGE)
    names = [n for n in model.training_state()["weights"] if n.startswith("moving.")]
    assert len(names) == 2 * 3 * 2
    assert not [n for n, _ in model.named_parameters() if n.startswith("moving.")]


def test_a_pixel_distance_does_not_depend_on_the_size_and_is_the_sum_at_128_pixels():
    small, other = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    large, large_other = (image.repeat(1, 1, 4, 4) for image in (small, other))
    values = 3 * 128 * 128
    found = half_squared_distance(small, other, values)
    literal = 0.5 * (large - large_other).square().sum() / 2
    torch.testing.assert_close(found, literal)
    torch.testing.assert_close(half_squared_distance(large, large_other, values), literal)


def test_unknown_classes_are_left_out_of_the_mean_feature_distance():
    real, fake = torch.zeros(3, 4), torch.tensor([[1.0] * 4, [3.0] * 4, [50.0] * 4])
    known = torch.tensor([True, True, False])
    assert mean_feature_distance(real, fake, known).item() == 0.5 * 1024 * (1 + 9) / 2
    assert mean_feature_distance(real, fake, known & False).item() == 0


def test_the_classifier_learns_its_statistics_from_real_images_alone():
    model, reference = make(IMAGE), make(IMAGE)
    losses_of(model)
    assert all(module.training for module in model.classifier.modules())
    reference.classifier(batch_of(IMAGE).images[0])
    for name, buffer in reference.classifier.named_buffers():
        torch.testing.assert_close(model.classifier.get_buffer(name), buffer, msg=name)


def test_samples_follow_the_label_after_a_short_training():
    model = make(TOY, Method(lr=0.005))
    centres = torch.tensor([[-2.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    draws = torch.Generator().manual_seed(0)
    for step in range(200):
        labels = torch.randint(3, (1, 64), generator=draws)
        points = centres[labels] + 0.2 * torch.randn(1, 64, 2, generator=draws)
        losses = model.training_step(Batch(points, labels, draws), step)
    assert all(torch.isfinite(value) for value in losses.values())
    sampled = model.sample(torch.arange(3).repeat_interleave(200), draws).view(3, 200, 2)
    nearest = torch.cdist(sampled, centres).argmin(2)
    assert (nearest == torch.arange(3)[:, None]).float().mean() > 0.9


@pytest.mark.parametrize("options", [{"centre_rate": 0.0}, {"centre_rate": 1.1}, {"lambda_4": -1}])
def test_options_out_of_range_are_named(options):
    (name,) = options
    with pytest.raises(UserError, match=f"{name}: expected .*, found {options[name]}"):
        make(**options)
