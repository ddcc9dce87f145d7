"""CVAE-GAN of Bao et al. (ICCV 2017) with all of its networks and losses: see card.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.conditional import ConditionalVAE
from baselines.cvae_gan_bao.options import Config
from dlvae.base import Batch
from dlvae.config.method_keys import Method
from dlvae.method.losses import cross_entropy, discriminator_loss, full_precision, mse
from dlvae.nn.backbones import build_discriminator, build_encoder
from dlvae.task import Task

# What the sums run over in the paper, where the weights hold: see card.md, Normalisation.
IMAGE_VALUES = 3 * 128 * 128
LATENT_VALUES = 256
CLASSES = 530
FEATURE_VALUES = 1024  # not stated there
SMALLEST_VARIANCE = 1e-8  # of features that are read in units of their deviation


def half_squared_distance(x: Tensor, y: Tensor, values: int) -> Tensor:
    """1/2 ||x - y||^2 of (B, ...) as if a sample had ``values`` values, batch mean (L_G)."""
    return 0.5 * values * mse(x, y)


def mean_feature_distance(real: Tensor, fake: Tensor, known: Tensor) -> Tensor:
    """1/2 ||real - fake||^2 of centres (groups, F), mean over the ``known`` groups (bool).

    As if a feature vector had ``FEATURE_VALUES`` values; 0 while no group is known.
    """
    per_group = (real - fake).square().mean(1)
    return 0.5 * FEATURE_VALUES * (per_group * known).sum() / known.sum().clamp(min=1)


class MovingMeans(nn.Module):
    """Moving average of the mean vector of each group (class).

    A batch that has vectors of a group moves that group's mean towards theirs by ``rate``; a
    group without vectors in the batch rests. Like Adam's moments the averages start from zero
    and are divided by the sum of their weights, so that the first batch alone makes the first
    mean.

    Buffers, part of the saved state: ``total`` (groups, size), the weighted sums, and ``weight``
    (groups,), 0 for a group that never had a vector.
    """

    def __init__(self, groups: int, size: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("total", torch.zeros(groups, size))
        self.register_buffer("weight", torch.zeros(groups))

    @property
    def known(self) -> Tensor:
        """Whether a group has had a vector, bool (groups,)."""
        return self.weight > 0

    def forward(self, vectors: Tensor, groups: Tensor) -> Tensor:
        """Move the means by vectors (B, size) of the groups (B,) and return them, (groups, size).

        Their gradient is that of the group's mean in this batch, undiminished by ``rate``. An
        objective that compares expectations E f has the derivative (difference of expectations)
        times d E f: many batches stand for the first factor, this batch for the second.
        """
        member = F.one_hot(groups, len(self.weight)).to(vectors.dtype)  # (B, groups)
        count = member.sum(0)
        mean = (member.T @ vectors) / count.clamp(min=1)[:, None]
        with torch.no_grad():
            rate = self.rate * (count > 0).to(vectors.dtype)
            self.total.lerp_(mean, rate[:, None])
            self.weight.lerp_(torch.ones_like(rate), rate)
            average = self.total / torch.where(self.known, self.weight, 1)[:, None]
        return average + (mean - mean.detach())


class BaoCVAEGAN(ConditionalVAE):
    """Label-fed encoder and decoder; the decoder matches features instead of an adversarial loss.

    Encoder and decoder descend on one sum (Algorithm 1 of Bao et al.): L_KL does not depend on the
    decoder, and neither L_GD nor L_GC on the encoder.
    """

    Config = Config

    def __init__(self, task: Task, method: Method, config: Config) -> None:
        super().__init__(task, method, config)
        self.discriminator = build_discriminator(task, projection=False)
        self.classifier = build_encoder(task, [task.classes])
        self.moving = nn.ModuleDict(
            {
                "discriminator": self._averages(1, self.discriminator.output.in_features),
                "classifier": self._averages(task.classes, self.classifier.heads[0].in_features),
            }
        )
        generator = {
            "kl": config.lambda_1,
            "rec": config.lambda_2,
            "pair_discriminator": config.lambda_2,
            "pair_classifier": config.lambda_2,
            "mean_discriminator": config.lambda_3,
            "mean_classifier": config.lambda_4,
        }
        groups = {
            "generator": generator,
            "discriminator": {"adv_discriminator": 1.0},
            "classifier": {"cls": 1.0},
        }
        both = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.minimise({"step": groups}, generator=both)

    def _averages(self, groups: int, features: int) -> nn.ModuleDict:
        """Return the moving averages of features of a network, and of their variance."""
        rate = self.config.centre_rate
        return nn.ModuleDict(
            {
                "real": MovingMeans(groups, features, rate),
                "fake": MovingMeans(groups, features, rate),
                "variance": MovingMeans(1, 1, rate),
            }
        )

    @contextmanager
    def fixed_classifier(self) -> Iterator[None]:
        """The classifier as a function of single images: running batch-norm statistics.

        With batch statistics the means of generated features would be those of real ones whatever
        the decoder does, and there would be nothing left to match.
        """
        mode = self.classifier.training
        self.classifier.eval()
        try:
            yield
        finally:
            self.classifier.train(mode)

    def losses(self, x: Tensor, y: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Return every loss, unweighted, from one forward pass; the moving averages move."""
        x_f, of_vae = self.autoencode(x, y, generator)
        y_p = self.prior_labels(len(y), generator, y)
        z = self.noise(generator, len(x), self.d_z)
        with self.autocast():
            # Apart from x_f: a joint batch would mix their batch-norm statistics.
            x_p = self.generate(y_p, z)
            fakes = torch.cat([x_f, x_p])
            # The classifier's running statistics follow real images only, and first: the backward
            # pass of what comes after needs them unchanged.
            (class_logits,) = self.classifier(x)
            with self.fixed_classifier():
                with torch.no_grad():
                    real_f_c = self.classifier.features(x)
                f_c = torch.cat([real_f_c, self.classifier.features(fakes)])
            # The discriminator has no batch norm: one call does for all three.
            f_d, scores = self.discriminator.features_and_logits(torch.cat([x, fakes]), None)
        d, d_f, d_p = self.in_units("discriminator", f_d).chunk(3)
        c, c_f, c_p = self.in_units("classifier", f_c).chunk(3)
        on_real, *on_fakes = scores.chunk(3)
        one_group = torch.zeros_like(y)
        mean_d = self.mean_feature_loss("discriminator", d, d_p, one_group, one_group)
        mean_c = self.mean_feature_loss("classifier", c, c_p, y, y_p)
        return {
            "kl": LATENT_VALUES / self.d_z * of_vae["kl"],
            "rec": half_squared_distance(x_f, x, IMAGE_VALUES),
            "pair_discriminator": half_squared_distance(d_f, d.detach(), FEATURE_VALUES),
            "pair_classifier": half_squared_distance(c_f, c, FEATURE_VALUES),
            "mean_discriminator": mean_d,
            "mean_classifier": CLASSES * mean_c,
            "adv_discriminator": discriminator_loss(on_real, on_fakes, "log"),
            "cls": cross_entropy(class_logits, y),
        }

    def in_units(self, name: str, features: Tensor) -> Tensor:
        """Divide features (3 B, F) of x, x_f and x_p by their standard deviation, float32.

        Its square is the variance of a feature over the three batches, averaged over features
        and over steps.
        """
        features = full_precision(features)
        variance = features.detach().var(0, correction=0).mean().view(1, 1)
        group = torch.zeros(1, dtype=torch.int64, device=features.device)
        average = self.moving[name]["variance"](variance, group)
        return features / average.clamp(min=SMALLEST_VARIANCE).sqrt()

    def mean_feature_loss(
        self, name: str, real: Tensor, fake: Tensor, real_group: Tensor, fake_group: Tensor
    ) -> Tensor:
        """Move the centres of features of x and x_p by group; return the distance between them."""
        means = self.moving[name]
        return mean_feature_distance(
            means["real"](real.detach(), real_group),
            means["fake"](fake, fake_group),
            means["real"].known & means["fake"].known,
        )

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update all four networks once, all gradients before the first update."""
        losses = self.losses(batch.images[0], batch.labels[0], batch.generator)
        return self.descend("step", losses)


MODEL = BaoCVAEGAN
