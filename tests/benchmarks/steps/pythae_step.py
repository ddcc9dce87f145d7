"""pythae's own VAE-GAN and trainer around the networks of :mod:`tests.benchmarks.steps.peers`."""

from __future__ import annotations

import importlib.util
import tempfile
from importlib import metadata

import torch
from torch import nn

from dlvae.base import Batch, Method, Task
from tests.benchmarks.steps.peers import VaeGanStep
from tests.reference.algorithm1 import wide


class PythaeStep(VaeGanStep):
    """pythae's own model and trainer around the same networks and batch."""

    def __init__(
        self,
        task: Task,
        method: Method,
        precision: str,
        batch: Batch,
        channels_last: bool = False,
    ) -> None:
        super().__init__(task, method, precision, batch, channels_last)
        self.name = f"pythae {metadata.version('pythae')}"
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
                    h, _ = self.network.features_and_logits(x, None)
                    return ModelOutput(embedding_layer_1=wide(h))
                return ModelOutput(embedding=torch.sigmoid(wide(self.network(x, y))))

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


def installed() -> bool:
    """Return whether the package is at hand."""
    return importlib.util.find_spec("pythae") is not None


def vae_gan_step(*arguments) -> VaeGanStep:
    """Return pythae's step where the package is installed, else the re-created one."""
    return (PythaeStep if installed() else VaeGanStep)(*arguments)
