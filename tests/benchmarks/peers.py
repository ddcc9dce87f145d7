"""Training steps of public packages on our baselines' networks, at our baselines' precision.

Networks are those of `cgan` and `cvae_gan`, built of plain torch (:mod:`tests.benchmarks.literal`)
as a user of the package would bring them along, labels included.

pythae 0.1.2 runs as it is where it is installed: its `VAEGAN` in its trainer of three optimisers.
Elsewhere :class:`VaeGanStep` stands in for it, made from what the package documents and does; a
test holds the two together where both are at hand.

torch-mimicry 0.1.16, the last release, does not import on torch from 2.0 on (it needs `torch._six`,
and TensorFlow besides), so :class:`CganPdStep` is always made from what it documents and does:
discriminator first, then the generator on a batch of its own, one power iteration in each forward.
"""

from __future__ import annotations

import importlib.util
import tempfile
from importlib import metadata
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlvae.base import Batch, Method, Task
from tests.benchmarks import shapes
from tests.benchmarks.literal import (
    PlainDiscriminator,
    PlainEncoder,
    autocast,
    plain_network,
    wide,
)

RECREATED = "re-created"


class LabelledEncoder(PlainEncoder):
    """q(z|x, y): image and one-hot maps to mean and log-variance."""

    def __init__(self, task: Task) -> None:
        super().__init__(task, [task.d_u, task.d_u], label_maps=True)
        self.classes = task.classes

    def forward(self, x: Tensor, y: Tensor) -> list[Tensor]:
        """Map x (B, 3, 32, 32) and labels (B,) to two (B, d), float32."""
        maps = F.one_hot(y, self.classes)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return [wide(head) for head in super().forward(torch.cat([x, maps.to(x.dtype)], 1))]


class LabelledDecoder(nn.Module):
    """One-hot label and z to an image."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.network = plain_network(shapes.decoder(task, task.classes + task.d_u))
        self.classes = task.classes

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Map z (B, d) and labels (B,) to (B, 3, 32, 32)."""
        return self.network(torch.cat([F.one_hot(y, self.classes).to(z.dtype), z], 1))


class Step:
    """Three networks, an Adam for each, and a batch that every call trains on."""

    source = RECREATED

    def __init__(self, task: Task, method: Method, precision: str, batch: Batch) -> None:
        self.task, self.precision = task, precision
        self.x, self.y = batch.images[0].contiguous(), batch.labels[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.encoder = LabelledEncoder(task)
            self.decoder = LabelledDecoder(task)
            self.discriminator = PlainDiscriminator(task)
        betas = method.beta1, method.beta2
        self.adams = SimpleNamespace(
            **{
                name: torch.optim.Adam(getattr(self, name).parameters(), lr=method.lr, betas=betas)
                for name in ("encoder", "decoder", "discriminator")
            }
        )


class CganPdStep(Step):
    """torch-mimicry's cGAN-PD step, re-created: hinge loss, n_dis = 1, probabilities logged."""

    def __call__(self) -> dict[str, float]:
        """Update the discriminator, then the decoder; return what the package logs."""
        self.discriminator.zero_grad()
        with autocast(self.precision):
            real = self.discriminator(self.x, self.y)
            images, labels = self.generated()
            fake = self.discriminator(images.detach(), labels)
        loss_d = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        loss_d.backward()
        self.adams.discriminator.step()
        logged = {"D(x)": torch.sigmoid(real).mean().item()}
        logged["D(G(z))"] = torch.sigmoid(fake).mean().item()
        self.decoder.zero_grad()
        with autocast(self.precision):
            loss_g = -self.discriminator(*self.generated()).mean()
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

    def __call__(self) -> dict[str, float]:
        """Update all three; return the losses that the package logs."""
        with autocast(self.precision):
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
        x, y, discriminator = self.x, self.y, self.discriminator
        mean, logvar = self.encoder(x, y)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(logvar)
        x_f, z_p = self.decoder(z, y), torch.randn_like(z)
        kl = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum(1)
        h, h_f = wide(discriminator.features(x)), wide(discriminator.features(x_f))
        rec = 0.5 * F.mse_loss(h, h_f, reduction="none").sum(1)
        x_p = self.decoder(z_p, y)
        real, fake = (torch.sigmoid(discriminator(image, y)) for image in (x, x_p))
        ones = torch.ones_like(real)
        loss_d = F.binary_cross_entropy(real, ones) + F.binary_cross_entropy(fake, 0 * ones)
        return {
            "encoder": (kl + rec).mean(),
            "decoder": (0.5 * rec - 0.5 * loss_d).mean(),
            "discriminator": loss_d,
        }


class PythaeStep(VaeGanStep):
    """pythae's own model and trainer around the same networks and batch."""

    def __init__(self, task: Task, method: Method, precision: str, batch: Batch) -> None:
        super().__init__(task, method, precision, batch)
        self.source = f"pythae {metadata.version('pythae')}"
        model = self._model()
        if precision == "bf16":  # the trainer knows CUDA's autocast alone
            model.forward = torch.autocast("cpu", torch.bfloat16)(model.forward)
        self.trainer = self._trainer(model, method)

    def __call__(self) -> dict[str, float]:
        """Run the trainer over its loader, which holds one batch."""
        every, *losses = self.trainer.train_step(1)
        return dict(zip(("encoder", "decoder", "discriminator"), losses, strict=True)) | {
            "all": every
        }

    def _model(self) -> nn.Module:
        from pythae.models import VAEGAN, VAEGANConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder

        y = self.y

        class Encoder(BaseEncoder):
            def __init__(self, network) -> None:
                super().__init__()
                self.network = network

            def forward(self, x):
                mean, logvar = self.network(x, y)
                return ModelOutput(embedding=mean, log_covariance=logvar)

        class Decoder(BaseDecoder):
            def __init__(self, network) -> None:
                super().__init__()
                self.network = network

            def forward(self, z):
                return ModelOutput(reconstruction=self.network(z, y))

        class Discriminator(BaseDiscriminator):
            depth = 2  # level 1: h, level 2: the score

            def __init__(self, network) -> None:
                super().__init__()
                self.network = network

            def forward(self, x, output_layer_levels=None):
                if output_layer_levels == [1]:
                    return ModelOutput(embedding_layer_1=wide(self.network.features(x)))
                return ModelOutput(embedding=torch.sigmoid(self.network(x, y)))

        config = VAEGANConfig(
            input_dim=(3, 32, 32),
            latent_dim=self.task.d_u,
            adversarial_loss_scale=0.5,
            reconstruction_layer=1,
            margin=100.0,  # nothing is skipped
        )
        return VAEGAN(
            config, Encoder(self.encoder), Decoder(self.decoder), Discriminator(self.discriminator)
        )

    def _trainer(self, model: nn.Module, method: Method):
        from pythae.data.datasets import BaseDataset
        from pythae.trainers import (
            CoupledOptimizerAdversarialTrainer,
            CoupledOptimizerAdversarialTrainerConfig,
        )

        names = ("encoder", "decoder", "discriminator")
        rates = {f"{name}_learning_rate": method.lr for name in names}
        betas = {"betas": (method.beta1, method.beta2)}
        params = {f"{name}_optimizer_params": betas for name in names}
        data = BaseDataset(self.x, self.y)
        with tempfile.TemporaryDirectory() as folder:  # it is made, and nothing is written to it
            config = CoupledOptimizerAdversarialTrainerConfig(
                output_dir=folder,
                no_cuda=True,
                per_device_train_batch_size=len(self.x),
                **rates,
                **params,
            )
            trainer = CoupledOptimizerAdversarialTrainer(model, data, training_config=config)
            with torch.random.fork_rng(devices=[]):
                trainer.prepare_training()

        trainer.callback_handler.callbacks.clear()  # progress bars are no part of a step

        class OneBatch(list):
            dataset = data

        trainer.train_loader = OneBatch([data[:]])
        return trainer


def vae_gan_step(task: Task, method: Method, precision: str, batch: Batch) -> VaeGanStep:
    """Return pythae's step where the package is installed, else the re-created one."""
    kind = PythaeStep if importlib.util.find_spec("pythae") else VaeGanStep
    return kind(task, method, precision, batch)
