"""Algorithm 1 against a slow literal transcription in float64.

The transcription shares the networks with the model and nothing else: densities come from
torch.distributions, one loop iteration per class, every objective has a forward pass of its own
with explicit detaches, and Adam is written out.
"""

import copy
import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

STEPS = 4
VARIANTS = {
    "code": dict(),
    "paper": dict(variant="paper", gan_loss="log", prior_label="batch"),
    "code, other keys": dict(param="logvar", reuse_batch=True, n_gm=2, tau_decay_epochs=100),
    "code, other weights": dict(lambda_cls=0.5, lambda_lkd=0.3, lambda_adv=2.0, lambda_gan=0.25),
}


class Literal:
    """Weights and Adam states of a model, updated by Algorithm 1 line by line."""

    def __init__(self, model) -> None:
        self.net = copy.deepcopy(model)  # only its networks and parameters are used
        self.method, self.task = model.method, model.task
        self.moments: dict[tuple[str, int], list] = {}

    def variances(self) -> Tensor:
        raw = self.net.prior.scale
        return 1 / (1 + raw.exp()).log() if self.method.param == "precision" else raw.exp()

    def log_density(self, z: Tensor, k: int) -> Tensor:
        return Normal(self.net.prior.mu[k], self.variances()[k].sqrt()).log_prob(z).sum(1)

    def own_log_density(self, z: Tensor, y: Tensor) -> Tensor:
        return torch.stack([self.log_density(z[i : i + 1], int(k))[0] for i, k in enumerate(y)])

    def adam(self, optimiser: str, parameters: list[Tensor], gradients, lr: float) -> None:
        for index, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
            state = self.moments.setdefault((optimiser, index), [torch.zeros_like(p), 0])
            state[0] = 0.9 * state[0] + 0.1 * g * g
            state[1] += 1
            corrected = state[0] / (1 - 0.9 ** state[1])
            with torch.no_grad():
                p -= lr * g / (corrected.sqrt() + 1e-8)  # beta1 = 0

    def stage_1(self, x: Tensor, y: Tensor, tau_lr: float) -> None:
        z = self.net.encoder_s(x)[0]
        logs = torch.stack([self.log_density(z, k) for k in range(self.task.classes)], 1)
        posterior = logs.exp() / logs.exp().sum(1, keepdim=True)
        rows = torch.arange(len(y))
        l_cls, l_lkd = -posterior[rows, y].log().mean(), -logs[rows, y].mean()
        l_gm = self.method.lambda_cls * l_cls + self.method.lambda_lkd * l_lkd
        psi, prior = list(self.net.encoder_s.parameters()), self.net.prior
        d_psi, d_mu, d_scale = (
            torch.autograd.grad(l_gm, group, retain_graph=True)
            for group in (psi, [prior.mu], [prior.scale])
        )
        self.adam("psi by L_GM", psi, d_psi, 5e-4)
        self.adam("mu", [prior.mu], d_mu, 5e-4)
        self.adam("tau", [prior.scale], d_scale, tau_lr)

    def codes(self, x: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mean, logvar = self.net.encoder_u(x)
        return self.net.encoder_s(x)[0], mean, logvar, mean + (logvar / 2).exp() * epsilon

    def decode(self, z_s: Tensor, z_u: Tensor) -> Tensor:
        return self.net.decoder(torch.cat([z_s, z_u], 1))

    def objectives(self, x, y, y_p, epsilon, epsilon_s, z_u_p) -> dict[str, Tensor]:
        """Objective of each network, from forward passes that share nothing."""
        net, code = self.net, self.method.variant == "code"

        def l_rec(x_f: Tensor) -> Tensor:
            if code:
                return 10 * ((x - x_f) ** 2).mean()
            return 0.5 * ((x - x_f) ** 2).sum(1).mean()

        def minus_log(logits: Tensor, real: bool) -> Tensor:
            d = 1 / (1 + (-logits).exp())
            return -(d if real else 1 - d).log().mean()

        with torch.no_grad():
            z_s0, _, _, z_u0 = self.codes(x, epsilon)
            mu, variance = net.prior.mu, self.variances()
            noise = zip(y_p, epsilon_s, strict=True)
            z_s_p = torch.stack([mu[k] + variance[k].sqrt() * e for k, e in noise])
            x_f0, x_p0 = self.decode(z_s0, z_u0), self.decode(z_s_p, z_u_p)
        net.discriminator.train()  # one power iteration per training step, here
        scores = net.discriminator(torch.cat([x, x_f0, x_p0]), torch.cat([y, y, y_p])).chunk(3)
        net.discriminator.eval()
        if self.method.gan_loss == "hinge":
            l_d = torch.relu(1 - scores[0]).mean() + sum(
                torch.relu(1 + s).mean() for s in scores[1:]
            )
        else:
            l_d = minus_log(scores[0], True) + sum(minus_log(s, False) for s in scores[1:])

        x_f, x_p = self.decode(z_s0, z_u0), self.decode(z_s_p, z_u_p)
        on_f, on_p = net.discriminator(x_f, y), net.discriminator(x_p, y_p)
        hinge = self.method.gan_loss == "hinge"
        l_gd = (
            -on_f.mean() - on_p.mean() if hinge else minus_log(on_f, True) + minus_log(on_p, True)
        )

        z_s, _, _, _ = self.codes(x, epsilon)
        l_lkd = -self.own_log_density(z_s, y).mean()
        lambda_lkd = self.method.lambda_lkd
        psi = l_rec(self.decode(z_s, z_u0)) + (10 if code else 1) * lambda_lkd * l_lkd

        _, mean, logvar, z_u = self.codes(x, epsilon)
        standard = Normal(torch.zeros_like(mean), torch.ones_like(mean))
        l_kl = kl_divergence(Normal(mean, (logvar / 2).exp()), standard).sum(1).mean()
        q = torch.softmax(net.classifier(z_u), 1)
        l_e = -(q.log() / self.task.classes).sum(1).mean()
        rec_u = l_rec(self.decode(z_s0, z_u)) * (1 if code else 10 / x[0].numel())
        omega = -torch.softmax(net.classifier(z_u0), 1)[torch.arange(len(y)), y].log().mean()
        return {
            "encoder_s": psi,
            "encoder_u": self.method.lambda_adv * l_e + l_kl / self.task.d_u + rec_u,
            "classifier": omega,
            "decoder": l_rec(x_f) + self.method.lambda_gan * l_gd,
            "discriminator": l_d,
        }

    def iteration(self, batch, step: int) -> None:
        n_gm, decay = self.method.n_gm, self.method.tau_decay_epochs
        drawn = step * self.task.batch_size
        updates = n_gm * decay * self.task.train_images / self.task.batch_size
        published = 10 * 92_000 / 96 * 3  # in as many epochs, at 5e-4
        first = 5e-4 * published / updates
        tau_lr = first / 10 ** math.floor(drawn / self.task.train_images / decay)
        for i in range(n_gm):
            self.stage_1(batch.images[i], batch.labels[i], tau_lr)
        last = n_gm - 1 if self.method.reuse_batch else n_gm
        x, y = batch.images[last], batch.labels[last]
        y_p = torch.randint(self.task.classes, y.shape, generator=batch.generator)
        noise = torch.randn(len(y), 6, generator=batch.generator).to(x.dtype)
        y_p = y if self.method.prior_label == "batch" else y_p
        objectives = self.objectives(x, y, y_p, *noise.split([2, 2, 2], 1))
        parameters = {name: list(getattr(self.net, name).parameters()) for name in objectives}
        gradients = {
            name: torch.autograd.grad(objectives[name], parameters[name]) for name in objectives
        }
        for name, gradient in gradients.items():
            self.adam(name, parameters[name], gradient, 5e-4)


@pytest.mark.parametrize("keys", VARIANTS.values(), ids=VARIANTS)
def test_every_parameter_follows_the_literal_algorithm(make_model, make_batch, keys) -> None:
    model = make_model(**keys)
    literal, start = Literal(model), copy.deepcopy(dict(model.named_parameters()))
    for step in range(STEPS):
        model.training_step(make_batch(model, seed=step), step)
        literal.iteration(make_batch(model, seed=step), step)
    expected = dict(literal.net.named_parameters())
    for name, parameter in model.named_parameters():
        assert not torch.equal(parameter, start[name]), f"{name} did not move"
        error = (parameter - expected[name]).abs().max().item()
        assert error < 1e-6, f"{name} differs by {error}"
