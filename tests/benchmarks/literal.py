"""Algorithm 1 as one writes it down: plain torch, eager, one line of the paper after the other.

The other side of the benchmark `training_step`. Networks of torch.nn alone, torch.optim.Adam as it
comes, a forward pass of the discriminator for every batch of images, a backward pass for every
objective. It is no straw man: forward passes of encoders and decoder are made once, no gradient is
computed for a network that an objective only passes through (``inputs=``), and the spectral norm
takes one power iteration per update. A test shows that it is the same mathematics as ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from dlvae.base import Batch, Method, Task
from tests.benchmarks import shapes
from tests.benchmarks.shapes import Layer

ACTIVATIONS = {"leaky": lambda: nn.LeakyReLU(0.1), "relu": nn.ReLU, "tanh": nn.Tanh}


def plain_network(layers: Sequence[Layer]) -> nn.Sequential:
    """Build layers one after the other, with the reshapes between maps and vectors."""
    modules: list[nn.Module] = []
    before = layers[0].kind
    for layer in layers:
        if (before, layer.kind) == ("conv", "linear"):
            average = [nn.AdaptiveAvgPool2d(1)] if layer.then == "leaky" else []
            modules += [*average, nn.Flatten()]
        if (before, layer.kind) == ("linear", "up"):
            modules.append(nn.Unflatten(1, (layer.c_in, layer.side, layer.side)))
        modules.append(_plain_layer(layer))
        if layer.then == "norm":
            norm = nn.BatchNorm1d if layer.kind == "linear" else nn.BatchNorm2d
            modules += [norm(layer.c_out, eps=1e-3), nn.ReLU()]
        elif layer.then:
            modules.append(ACTIVATIONS[layer.then]())
        before = layer.kind
    return nn.Sequential(*modules)


def _plain_layer(layer: Layer) -> nn.Module:
    bias = layer.then != "norm"
    if layer.kind == "linear":
        return nn.Linear(layer.c_in, layer.c_out, bias=bias)
    args = layer.c_in, layer.c_out, layer.kernel, layer.stride, layer.kernel // 2
    if layer.kind == "conv":
        return nn.Conv2d(*args, bias=bias)
    return nn.ConvTranspose2d(*args, output_padding=layer.stride - 1, bias=bias)


class PlainEncoder(nn.Module):
    """A trunk and one linear layer per head; with `label_maps` one-hot maps join the image."""

    def __init__(self, task: Task, heads: Sequence[int], label_maps: bool = False) -> None:
        super().__init__()
        layers, head = shapes.encoder(task, sum(heads), label_maps)
        self.trunk = plain_network(layers)
        self.heads = nn.ModuleList(nn.Linear(head.c_in, units) for units in heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (B, 3 + maps, 32, 32) to one (B, d) per head."""
        h = self.trunk(x)
        return [head(h) for head in self.heads]


class PlainDiscriminator(nn.Module):
    """The projection discriminator with torch's spectral norm on every layer.

    Weights are made once per forward pass, or once within an outer ``parametrize.cached()``, and
    outside autocast: bf16 is too coarse for the power iteration.
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        *trunk, output = shapes.discriminator(task)
        self.trunk = plain_network(trunk)
        self.output = nn.Linear(output.c_in, 1)
        self.embedding = nn.Embedding(task.classes, output.c_in)
        layers = (nn.Conv2d, nn.Linear, nn.Embedding)
        self.normalised = [module for module in self.modules() if isinstance(module, layers)]
        for layer in self.normalised:
            nn.init.normal_(layer.weight, std=0.02)
            spectral_norm(layer)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits FC(h) + <V y, h> as (B,), float32."""
        with parametrize.cached():
            h = self.features(x)
            return wide(self.output(h).squeeze(1) + (h * self.embedding(y)).sum(1))

    def features(self, x: Tensor) -> Tensor:
        """Return h (B, features)."""
        with parametrize.cached():
            with torch.autocast("cpu", enabled=False):
                for layer in self.normalised:
                    _ = layer.weight
            return self.trunk(x)


def wide(x: Tensor) -> Tensor:
    """Return `x` in float32 if it is bfloat16."""
    return x.float() if x.dtype == torch.bfloat16 else x


def autocast(precision: str):
    """Return the context of forward passes in "fp32" or "bf16"."""
    return torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else nullcontext()


class LiteralAlgorithm1:
    """Networks, optimisers and one iteration of Algorithm 1 with the losses of the code."""

    def __init__(self, task: Task, method: Method, precision: str = "fp32") -> None:
        self.task, self.method, self.precision = task, method, precision
        d_s, d_u = task.d_s, task.d_u
        self.encoder_s = PlainEncoder(task, [d_s])
        self.encoder_u = PlainEncoder(task, [d_u, d_u])
        self.decoder = plain_network(shapes.decoder(task, d_s + d_u))
        self.classifier = plain_network(shapes.classifier(task))
        self.discriminator = PlainDiscriminator(task)
        self.mu = nn.Parameter(nn.init.xavier_uniform_(torch.empty(task.classes, d_s)))
        self.v = nn.Parameter(torch.full((task.classes, d_s), 0.54))
        self.groups = {
            "l_gm": [*self.encoder_s.parameters(), self.mu],
            "tau": [self.v],
            "psi": list(self.encoder_s.parameters()),
            "phi": list(self.encoder_u.parameters()),
            "omega": list(self.classifier.parameters()),
            "theta": list(self.decoder.parameters()),
            "theta_d": list(self.discriminator.parameters()),
        }
        self.make_optimisers()

    def make_optimisers(self) -> None:
        """Make the seven optimisers; again after a change of the parameters' type."""
        betas = self.method.beta1, self.method.beta2
        self.optimisers = {
            name: torch.optim.Adam(group, lr=self.method.lr, betas=betas)
            for name, group in self.groups.items()
        }

    def use_channels_last(self) -> None:
        """Keep the weights of convolutions, and so all maps between them, in channels_last."""
        for network in self.networks():
            network.to(memory_format=torch.channels_last)

    def tau(self) -> Tensor:
        """Precisions (C, d_s)."""
        return F.softplus(self.v)

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        """Run one iteration; return its losses."""
        for x, y in zip(batch.images[:-1], batch.labels[:-1], strict=True):
            losses = self.stage_1(x, y)
        return losses | self.stage_2(batch.images[-1], batch.labels[-1], batch.generator)

    def stage_1(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Lines 3 to 8."""
        with autocast(self.precision):
            (z_s,) = self.encoder_s(x)
        z_s = wide(z_s)
        difference = z_s[:, None] - self.mu  # (B, C, d_s)
        logits = 0.5 * (self.tau().log() - self.tau() * difference.square()).sum(2)
        l_cls, l_lkd = F.cross_entropy(logits, y), self.l_lkd(z_s, y)
        self.zero_grad("l_gm", "tau")
        (l_cls + self.method.lambda_lkd * l_lkd).backward()
        self.step("l_gm", "tau")
        with torch.no_grad():  # tau within [1/100, 100]
            self.v.clamp_(*torch.tensor([0.01, 100.0], dtype=torch.float64).expm1().log().tolist())
        return {"cls": l_cls.detach(), "lkd_gm": l_lkd.detach()}

    def stage_2(self, x: Tensor, y: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Lines 10 to 29: every gradient, then every update."""
        task, groups = self.task, self.groups
        y_p = torch.randint(task.classes, (len(y),), generator=generator)
        noise = torch.randn(len(y), 2 * task.d_u + task.d_s, generator=generator).to(x.dtype)
        epsilon, epsilon_s, z_u_p = noise.split([task.d_u, task.d_s, task.d_u], 1)
        z_s_p = (self.mu[y_p] + self.tau()[y_p].rsqrt() * epsilon_s).detach()
        discriminator = self.discriminator
        with parametrize.cached(), autocast(self.precision):
            mean, logvar = (wide(head) for head in self.encoder_u(x))
            z_s = wide(self.encoder_s(x)[0])
            z_u = mean + (0.5 * logvar).exp() * epsilon
            x_f = self.decoder(torch.cat([z_s, z_u], 1))
            x_p = self.decoder(torch.cat([z_s_p, z_u_p], 1))
            on_code = wide(self.classifier(z_u))
            on_frozen_code = wide(self.classifier(z_u.detach()))
            d_real = discriminator(x, y)
            d_f, d_p = discriminator(x_f.detach(), y), discriminator(x_p.detach(), y_p)
            g_f, g_p = discriminator(x_f, y), discriminator(x_p, y_p)
        l_rec = F.mse_loss(wide(x_f), x)
        l_kl = 0.5 * (logvar.exp() + mean.square() - 1 - logvar).sum(1).mean()
        l_lkd = self.l_lkd(z_s, y)
        l_e, l_c = -F.log_softmax(on_code, 1).mean(), F.cross_entropy(on_frozen_code, y)
        l_d = F.relu(1 - d_real).mean() + F.relu(1 + d_f).mean() + F.relu(1 + d_p).mean()
        l_gd = -g_f.mean() - g_p.mean()

        rec = self.method.lambda_rec
        objectives = {
            "psi": rec * l_rec + rec * self.method.lambda_lkd * l_lkd,
            "phi": l_e + l_kl / task.d_u + rec * l_rec,
            "omega": l_c,
            "theta": rec * l_rec + l_gd,
            "theta_d": l_d,
        }
        for name, objective in objectives.items():
            self.zero_grad(name)
            objective.backward(inputs=groups[name], retain_graph=True)
        self.step(*objectives)
        losses = {"rec": l_rec, "kl": l_kl, "lkd": l_lkd, "adv_encoder": l_e}
        losses |= {"adv_classifier": l_c, "adv_discriminator": l_d, "adv_decoder": l_gd}
        return {name: loss.detach() for name, loss in losses.items()}

    def l_lkd(self, z_s: Tensor, y: Tensor) -> Tensor:
        """-log N(z_s; mu_y, Sigma_y) of Eq. 7, batch mean."""
        tau = self.tau()[y]
        squares = tau * (z_s - self.mu[y]).square()
        return 0.5 * (squares - tau.log() + math.log(2 * math.pi)).sum(1).mean()

    def zero_grad(self, *names: str) -> None:
        """Clear the gradients of optimisers."""
        for name in names:
            self.optimisers[name].zero_grad()

    def step(self, *names: str) -> None:
        """Update by optimisers."""
        for name in names:
            self.optimisers[name].step()

    def networks(self) -> Iterable[nn.Module]:
        """Return psi, phi, theta, omega and theta_d."""
        return (
            self.encoder_s,
            self.encoder_u,
            self.decoder,
            self.classifier,
            self.discriminator,
        )
