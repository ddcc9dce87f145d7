"""Training steps of public packages on our baselines' networks, at our baselines' precision.

Networks are those of `cgan` and `cvae_gan`, built of plain torch (`fast: false`) as a user of the
package would bring them along, labels included.

pythae 0.1.2 runs as it is where it is installed (:mod:`tests.benchmarks.steps.pythae_step`): its
`VAEGAN` in its trainer of three optimisers. Elsewhere :class:`VaeGanStep` stands in for it, made
from what the package documents and does; a test holds the two together where both are at hand.

torch-mimicry 0.1.16, the last release, does not import on torch from 2.0 on (it needs `torch._six`,
and TensorFlow besides), so :class:`CganPdStep` is always made from what it documents and does:
discriminator first, then the generator on a batch of its own, one power iteration in each forward.

Their algorithms are not ours. pythae reconstructs features of the discriminator instead of pixels
and walks through it four times; torch-mimicry generates a second batch for the generator, and has
more power iterations. Ratios say what a user of the package waits for, on the same networks.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlvae.base import Batch, Method, Task
from dlvae.nn.backbones import build_decoder, build_discriminator, build_encoder
from tests.benchmarks.steps.setups import plain
from tests.reference.algorithm1 import wide


class LabelledEncoder(nn.Module):
    """q(z|x, y): image and one-hot maps to mean and log-variance."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.network = build_encoder(task, [task.d_u, task.d_u], labelled=True)

    def forward(self, x: Tensor, y: Tensor) -> list[Tensor]:
        """Map x (B, 3, 32, 32) and labels (B,) to two (B, d), float32."""
        return [wide(head) for head in self.network(x, y)]


class LabelledDecoder(nn.Module):
    """One-hot label and z to an image."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.network = build_decoder(task, task.classes + task.d_u)
        self.classes = task.classes

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Map z (B, d) and labels (B,) to (B, 3, 32, 32)."""
        return self.network(torch.cat([F.one_hot(y, self.classes).to(z.dtype), z], 1))


class Step:
    """Three networks, an Adam for each, and a batch that every call trains on.

    Networks and images are in torch's default layout, or in channels_last if asked for.
    """

    name: str

    def __init__(
        self,
        task: Task,
        method: Method,
        precision: str,
        batch: Batch,
        channels_last: bool = False,
    ) -> None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.task, self.precision = task, precision
        self.x, self.y = batch.images[0].contiguous(memory_format=layout), batch.labels[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.encoder = LabelledEncoder(plain(task))
            self.decoder = LabelledDecoder(plain(task))
            self.discriminator = build_discriminator(plain(task))
        for network in (self.encoder, self.decoder, self.discriminator):
            network.to(memory_format=layout)
        betas = method.beta1, method.beta2
        self.adams = SimpleNamespace(
            **{
                name: torch.optim.Adam(getattr(self, name).parameters(), lr=method.lr, betas=betas)
                for name in ("encoder", "decoder", "discriminator")
            }
        )

    def autocast(self):
        """Return the context of forward passes."""
        bf16 = self.precision == "bf16"
        return torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()

    def score(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the discriminator's logits (B,), float32."""
        return wide(self.discriminator(images, labels))

    def features(self, images: Tensor) -> Tensor:
        """Return the input (B, F) of the discriminator's last layer, float32."""
        return wide(self.discriminator.features_and_logits(images, None)[0])


class CganPdStep(Step):
    """torch-mimicry's cGAN-PD step, re-created: hinge loss, n_dis = 1, probabilities logged."""

    name = "torch-mimicry (re-created)"

    def __call__(self) -> dict[str, float]:
        """Update the discriminator, then the decoder; return what the package logs."""
        self.discriminator.zero_grad()
        with self.autocast():
            real = self.score(self.x, self.y)
            images, labels = self.generated()
            fake = self.score(images.detach(), labels)
        loss_d = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        loss_d.backward()
        self.adams.discriminator.step()
        logged = {"D(x)": torch.sigmoid(real).mean().item()}
        logged["D(G(z))"] = torch.sigmoid(fake).mean().item()
        self.decoder.zero_grad()
        with self.autocast():
            loss_g = -self.score(*self.generated()).mean()
        loss_g.backward()
        self.adams.decoder.step()
        return logged | {"errD": loss_d.item(), "errG": loss_g.item()}

    def generated(self) -> tuple[Tensor, Tensor]:
        """Draw labels and images."""
        y = torch.randint(self.task.classes, self.y.shape)
        return self.decoder(torch.randn(len(y), self.task.d_u), y), y


class VaeGanStep(Step):
    """pythae's VAE-GAN step, re-created: L_rec on features of the discriminator, three backwards.

    The encoder minimises L_kl + L_rec, the decoder half of L_rec less half of the discriminator's
    loss, the discriminator the cross entropy of real images and samples. Gradients are cleared for
    one network at a time, while each backward pass fills those of all, as in the package. The
    margins that may skip a network's update are left out on both sides.
    """

    name = "pythae (re-created)"

    def __call__(self) -> dict[str, float]:
        """Update all three; return the losses that the package logs."""
        with self.autocast():
            losses = self.losses()
        for name, loss in losses.items():
            getattr(self.adams, name).zero_grad()
            loss.backward(retain_graph=name != "discriminator")
        for name in losses:
            getattr(self.adams, name).step()
        return {name: loss.item() for name, loss in losses.items()} | {
            "all": sum(losses.values()).item()
        }

    def losses(self) -> dict[str, Tensor]:
        """Return the objective of each network from one forward pass."""
        x, y = self.x, self.y
        mean, logvar = self.encoder(x, y)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(logvar)
        x_f, z_p = self.decoder(z, y), torch.randn_like(z)
        kl = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum(1)
        h, h_f = self.features(x), self.features(x_f)
        rec = 0.5 * F.mse_loss(h, h_f, reduction="none").sum(1)
        x_p = self.decoder(z_p, y)
        real, fake = (torch.sigmoid(self.score(image, y)) for image in (x, x_p))
        ones = torch.ones_like(real)
        loss_d = F.binary_cross_entropy(real, ones) + F.binary_cross_entropy(fake, 0 * ones)
        return {
            "encoder": (kl + rec).mean(),
            "decoder": (0.5 * rec - 0.5 * loss_d).mean(),
            "discriminator": loss_d,
        }
