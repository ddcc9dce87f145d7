"""Algorithm 1 as one writes it down: plain torch, eager, one line of the paper after the other.

What every test of the method is held against, and the other side of the benchmark `training_step`.
Networks of torch.nn alone, torch.optim.Adam as it comes, a forward pass of the discriminator for
every batch of images, a backward pass for every objective. It is no straw man: forward passes of
encoders and decoder are made once, no gradient is computed for a network that an objective only
passes through (``inputs=``), and the spectral norm takes one power iteration per update.
"""

from __future__ import annotations

import copy
import math
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from dlvae.base import Batch
from dlvae.method.networks import LrLiVAENetworks


class LiteralAlgorithm1:
    """Copies of a model's networks and parameters, and one iteration of Algorithm 1 on them.

    Built with ``fast: false`` the model's networks are torch.nn's layers, one after the other.
    """

    def __init__(self, model: LrLiVAENetworks, precision: str = "fp32") -> None:
        self.task, self.method, self.precision = model.task, model.method, precision
        self.encoder_s, self.encoder_u, self.decoder, self.classifier, self.discriminator = (
            copy.deepcopy(network)
            for network in (
                model.encoder_s,
                model.encoder_u,
                model.decoder,
                model.classifier,
                model.discriminator,
            )
        )
        self.mu = nn.Parameter(model.prior.mu.detach().clone())
        self.v = nn.Parameter(model.prior.scale.detach().clone())
        psi = list(self.encoder_s.parameters())
        self.groups = {
            "l_gm": [*psi, self.mu],
            "sigma": [self.v],
            "psi": psi,
            "phi": list(self.encoder_u.parameters()),
            "omega": list(self.classifier.parameters()),
            "theta": list(self.decoder.parameters()),
            "theta_d": list(self.discriminator.parameters()),
        }
        self.make_optimisers()

    def make_optimisers(self) -> None:
        """Make an optimiser for each group; again after a change of the parameters' type."""
        betas = self.method.beta1, self.method.beta2
        self.optimisers = {
            name: torch.optim.Adam(group, lr=self.method.lr, betas=betas)
            for name, group in self.groups.items()
        }

    def networks(self) -> tuple[nn.Module, ...]:
        """Return psi, phi, theta, omega and theta_d."""
        return (
            self.encoder_s,
            self.encoder_u,
            self.decoder,
            self.classifier,
            self.discriminator,
        )

    def use_layout(self, layout: torch.memory_format) -> None:
        """Keep the weights of convolutions, and so all maps between them, in a memory layout."""
        for network in self.networks():
            network.to(memory_format=layout)

    def autocast(self):
        """Return the context of forward passes in "fp32" or "bf16"."""
        bf16 = self.precision == "bf16"
        return torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()

    def training_step(self, batch: Batch, step: int = 0) -> dict[str, Tensor]:
        """Run one iteration; return its losses."""
        for i in range(self.method.n_gm):
            losses = self.stage_1(batch.images[i], batch.labels[i], step)
        last = self.method.n_gm - 1 if self.method.reuse_batch else self.method.n_gm
        return losses | self.stage_2(batch.images[last], batch.labels[last], batch.generator)

    def stage_1(self, x: Tensor, y: Tensor, step: int) -> dict[str, Tensor]:
        """Lines 3 to 8."""
        with self.autocast():
            (z_s,) = self.encoder_s(x)
        z_s, tau = wide(z_s), self.tau()
        difference = z_s[:, None] - self.mu  # (B, C, d_s)
        logits = 0.5 * (tau.log() - tau * difference.square()).sum(2)
        l_cls, l_lkd = F.cross_entropy(logits, y), self.l_lkd(z_s, y)
        l_gm = self.method.lambda_cls * l_cls + self.method.lambda_lkd * l_lkd
        self.optimisers["sigma"].param_groups[0]["lr"] = self.sigma_rate(step)
        self.zero_grad("l_gm", "sigma")
        l_gm.backward()
        self.step("l_gm", "sigma")
        with torch.no_grad():  # tau within [1/100, 100]
            bounds = torch.tensor([0.01, 100.0], dtype=torch.float64)
            low, high = (bounds.expm1() if self.method.param == "precision" else 1 / bounds).log()
            self.v.clamp_(*sorted((low.item(), high.item())))
        return {"cls": l_cls.detach(), "lkd_gm": l_lkd.detach()}

    def stage_2(self, x: Tensor, y: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Lines 10 to 29: every gradient, then every update."""
        method, discriminator = self.method, self.discriminator
        with parametrize.cached(), self.autocast():
            y_p, mean, logvar, z_s, z_u, x_f, x_p = self.passes(x, y, generator)
            on_code = wide(self.classifier(z_u))
            on_frozen_code = wide(self.classifier(z_u.detach()))
            d_real = wide(discriminator(x, y))
            d_f = wide(discriminator(x_f.detach(), y))
            d_p = wide(discriminator(x_p.detach(), y_p))
            g_f, g_p = wide(discriminator(x_f, y)), wide(discriminator(x_p, y_p))
        l_rec, l_kl, l_lkd = self.l_rec(x_f, x), l_kl_of(mean, logvar), self.l_lkd(z_s, y)
        l_e, l_c = -F.log_softmax(on_code, 1).mean(), F.cross_entropy(on_frozen_code, y)
        l_d, l_gd = self.adversarial(d_real, d_f, d_p, g_f, g_p)
        rec, rec_u, lambda_kl = self.weights(x)
        self.update(
            {
                "psi": rec * l_rec + rec * method.lambda_lkd * l_lkd,
                "phi": method.lambda_adv * l_e + lambda_kl * l_kl + rec_u * l_rec,
                "omega": l_c,
                "theta": rec * l_rec + method.lambda_gan * l_gd,
                "theta_d": l_d,
            }
        )
        losses = {"rec": l_rec, "kl": l_kl, "lkd": l_lkd, "adv_encoder": l_e}
        losses |= {"adv_classifier": l_c, "adv_discriminator": l_d, "adv_decoder": l_gd}
        return {name: loss.detach() for name, loss in losses.items()}

    def semi_supervised_step(self, batch: Batch) -> dict[str, Tensor]:
        """Section 3.6: no labels, so neither L_GM nor the classifier; mu_c and Sigma_c stay.

        L_lkd is that of one Gaussian with the mixture's mean and variance (Eq. 11), or of the
        mixture (Eq. 6). The discriminator sees x and x_f without a label.
        """
        x, method, discriminator = batch.images[0], self.method, self.discriminator
        with parametrize.cached(), self.autocast():
            y_p, mean, logvar, z_s, _, x_f, x_p = self.passes(x, None, batch.generator)
            d_real, d_f = wide(discriminator(x, None)), wide(discriminator(x_f.detach(), None))
            d_p = wide(discriminator(x_p.detach(), y_p))
            g_f, g_p = wide(discriminator(x_f, None)), wide(discriminator(x_p, y_p))
        mu, tau = self.mu.detach(), self.tau().detach()
        if method.unlabelled_prior == "total":
            mu_t = mu.mean(0)
            variance = (1 / tau).mean(0) + mu.square().mean(0) - mu_t.square()  # as Eq. 11 has it
            squares = (z_s - mu_t).square() / variance
            l_lkd = 0.5 * (squares + (2 * math.pi * variance).log()).sum(1).mean()
        else:
            squares = tau * (z_s[:, None] - mu).square()  # (B, C, d_s)
            densities = (0.5 * (tau / (2 * math.pi)).log() - 0.5 * squares).sum(2).exp()
            l_lkd = -densities.mean(1).log().mean()
        l_rec, l_kl = self.l_rec(x_f, x), l_kl_of(mean, logvar)
        l_d, l_gd = self.adversarial(d_real, d_f, d_p, g_f, g_p)
        rec, rec_u, lambda_kl = self.weights(x)
        # The balance of the paper in both variants: L_rec = 1/2 ||x - x_f||^2 beside 0.1 L_lkd.
        to_mse = 2 / x[0].numel() if method.variant == "code" else 1
        self.update(
            {
                "psi": rec * l_rec + rec * to_mse * method.lambda_lkd * l_lkd,
                "phi": lambda_kl * l_kl + rec_u * l_rec,
                "theta": rec * l_rec + method.lambda_gan * l_gd,
                "theta_d": l_d,
            }
        )
        losses = {"rec": l_rec, "kl": l_kl, "lkd": l_lkd}
        losses |= {"adv_discriminator": l_d, "adv_decoder": l_gd}
        return {name: loss.detach() for name, loss in losses.items()}

    def passes(self, x: Tensor, y: Tensor | None, generator: torch.Generator) -> tuple:
        """Lines 11 to 21: labels of x_p, posterior of z_u, z_s, z_u, x_f and x_p."""
        task = self.task
        y_p = torch.randint(task.classes, (len(x),), generator=generator)
        noise = torch.randn(len(x), 2 * task.d_u + task.d_s, generator=generator).to(x.dtype)
        epsilon, epsilon_s, z_u_p = noise.split([task.d_u, task.d_s, task.d_u], 1)
        y_p = y if y is not None and self.method.prior_label == "batch" else y_p
        z_s_p = (self.mu[y_p] + self.tau()[y_p].rsqrt() * epsilon_s).detach()
        mean, logvar = (wide(head) for head in self.encoder_u(x))
        z_s = wide(self.encoder_s(x)[0])
        z_u = mean + (0.5 * logvar).exp() * epsilon
        x_f = self.decoder(torch.cat([z_s, z_u], 1))
        return y_p, mean, logvar, z_s, z_u, x_f, self.decoder(torch.cat([z_s_p, z_u_p], 1))

    def l_rec(self, x_f: Tensor, x: Tensor) -> Tensor:
        """Return the mean squared error in the code, 1/2 ||x - x_f||^2 in the paper."""
        scale = 1 if self.method.variant == "code" else 0.5 * x[0].numel()
        return F.mse_loss(wide(x_f), x) * scale

    def adversarial(
        self, d_real: Tensor, d_f: Tensor, d_p: Tensor, g_f: Tensor, g_p: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return L_D^adv and L_GD^adv, Eq. 10 or as hinges."""
        if self.method.gan_loss == "hinge":
            l_d = F.relu(1 - d_real).mean() + F.relu(1 + d_f).mean() + F.relu(1 + d_p).mean()
            return l_d, -g_f.mean() - g_p.mean()
        l_d = -F.logsigmoid(d_real).mean()  # D is the sigmoid
        l_d = l_d - F.logsigmoid(-d_f).mean() - F.logsigmoid(-d_p).mean()
        return l_d, -F.logsigmoid(g_f).mean() - F.logsigmoid(g_p).mean()

    def weights(self, x: Tensor) -> tuple[float, float, float]:
        """Return the weights of L_rec, of L_rec for Encoder_u, and of L_kl."""
        method, code = self.method, self.method.variant == "code"
        rec_u = method.lambda_rec / (1 if code else x[0].numel())
        lambda_kl = 1 / self.task.d_u if method.lambda_kl is None else method.lambda_kl
        return method.lambda_rec if code else 1, rec_u, lambda_kl

    def update(self, objectives: dict[str, Tensor]) -> None:
        """Take every gradient, each by its own group, then make every update."""
        for name, objective in objectives.items():
            self.zero_grad(name)
            objective.backward(inputs=self.groups[name], retain_graph=True)
        self.step(*objectives)

    def tau(self) -> Tensor:
        """Precisions (C, d_s)."""
        return F.softplus(self.v) if self.method.param == "precision" else (-self.v).exp()

    def l_lkd(self, z_s: Tensor, y: Tensor) -> Tensor:
        """-log N(z_s; mu_y, Sigma_y) of Eq. 7, batch mean."""
        tau = self.tau()[y]
        squares = tau * (z_s - self.mu[y]).square()
        return 0.5 * (squares - tau.log() + math.log(2 * math.pi)).sum(1).mean()

    def sigma_rate(self, step: int) -> float:
        """Rate of Sigma_c: as much travel in the first epochs as published, then a tenth of it."""
        task, epochs = self.task, self.method.tau_decay_epochs
        updates = self.method.n_gm * epochs * task.train_images / task.batch_size
        published = 5e-4 * 10 * 92_000 / 96 * 3
        passed = step * task.batch_size / task.train_images / epochs
        return published / updates / 10 ** math.floor(passed)

    def zero_grad(self, *names: str) -> None:
        """Clear the gradients of optimisers."""
        for name in names:
            self.optimisers[name].zero_grad()

    def step(self, *names: str) -> None:
        """Update by optimisers."""
        for name in names:
            self.optimisers[name].step()


def l_kl_of(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, I)) in nats, batch mean."""
    return 0.5 * (logvar.exp() + mean.square() - 1 - logvar).sum(1).mean()


def wide(x: Tensor) -> Tensor:
    """Return `x` in float32 if it is bfloat16."""
    return x.float() if x.dtype == torch.bfloat16 else x
