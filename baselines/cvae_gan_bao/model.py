"""CVAE-GAN of Bao et al. (ICCV 2017) with all of its networks and losses: see card.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from baselines.conditional import ConditionalVAE, Posterior
from baselines.cvae_gan_bao.moving import MovingMeans
from baselines.cvae_gan_bao.options import Config
from dlvae.base import Batch
from dlvae.method.losses import cross_entropy, discriminator_loss, full_precision, mse
from dlvae.method.optim import gradients
from dlvae.nn.backbones import build_discriminator, build_encoder

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


@dataclass(frozen=True)
class Judgement:
    """What discriminator and classifier say of one triple of batches (x, x_f, x_p).

    Attributes:
        scores: logits of the discriminator, three of (B,).
        f_d, f_c: features of discriminator and classifier, three of (B, F) each, in their units.
        class_logits: the classifier's logits (B, C) of x.
    """

    scores: tuple[Tensor, ...]
    f_d: tuple[Tensor, ...]
    f_c: tuple[Tensor, ...]
    class_logits: Tensor


class BaoCVAEGAN(ConditionalVAE):
    """Label-fed encoder and decoder; the decoder matches features instead of an adversarial loss.

    Objectives (Algorithm 1 of Bao et al.):

    ============= ==========================================
    encoder       lambda_1 L_KL + lambda_2 L_G
    decoder       lambda_2 L_G + lambda_3 L_GD + lambda_4 L_GC
    discriminator L_D of (x, x_f, x_p), log loss
    classifier    L_C of x, cross entropy
    ============= ==========================================
    """

    Config = Config
    trained = ("encoder", "decoder", "discriminator", "classifier")

    def build_networks(self) -> None:
        """Make encoder, discriminator, classifier and the moving averages of their features."""
        super().build_networks()
        task, rate = self.task, self.config.centre_rate
        self.discriminator = build_discriminator(task, projection=False)
        self.classifier = build_encoder(task, [task.classes])
        sizes = {
            "discriminator": (1, self.discriminator.output.in_features),
            "classifier": (task.classes, self.classifier.heads[0].in_features),
        }
        self.moving = nn.ModuleDict(
            {
                name: nn.ModuleDict(
                    {
                        "real": MovingMeans(groups, features, rate),
                        "fake": MovingMeans(groups, features, rate),
                        "variance": MovingMeans(1, 1, rate),
                    }
                )
                for name, (groups, features) in sizes.items()
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

    def judge(self, images: Tensor, forward: Posterior, prior_image: Tensor) -> Judgement:
        """Pass x, x_f and x_p through discriminator and classifier."""
        fakes = torch.cat([forward.reconstruction, prior_image])
        with self.autocast():
            # The running statistics follow real images only, and first: the backward pass of
            # what comes after needs them unchanged.
            (class_logits,) = self.classifier(images)
            with self.fixed_classifier():
                with torch.no_grad():
                    real_f_c = self.classifier.features(images)
                f_c = torch.cat([real_f_c, self.classifier.features(fakes)])
            # The discriminator has no batch norm: one call does for all three.
            f_d, scores = self.discriminator.features_and_logits(torch.cat([images, fakes]), None)
        return Judgement(
            scores.chunk(3),
            self.in_units("discriminator", f_d).chunk(3),
            self.in_units("classifier", f_c).chunk(3),
            class_logits,
        )

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

    def pairwise_losses(
        self, images: Tensor, forward: Posterior, judged: Judgement
    ) -> dict[str, Tensor]:
        """Return the three terms of L_G: pixels, features of discriminator and classifier."""
        (d, d_f, _), (c, c_f, _) = judged.f_d, judged.f_c
        return {
            "rec": half_squared_distance(forward.reconstruction, images, IMAGE_VALUES),
            "pair_discriminator": half_squared_distance(d_f, d.detach(), FEATURE_VALUES),
            "pair_classifier": half_squared_distance(c_f, c, FEATURE_VALUES),
        }

    def mean_feature_losses(
        self, judged: Judgement, labels: Tensor, prior_labels: Tensor
    ) -> dict[str, Tensor]:
        """Move the centres of x and x_p; return L_GD and L_GC between them."""
        losses, one_group = {}, torch.zeros_like(labels)
        for name, (real, _, fake), real_group, fake_group in (
            ("discriminator", judged.f_d, one_group, one_group),
            ("classifier", judged.f_c, labels, prior_labels),
        ):
            means = self.moving[name]
            losses[f"mean_{name}"] = mean_feature_distance(
                means["real"](real.detach(), real_group),
                means["fake"](fake, fake_group),
                means["real"].known & means["fake"].known,
            )
        losses["mean_classifier"] = CLASSES * losses["mean_classifier"]
        return losses

    def losses(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> dict:
        """Return every loss, unweighted, from one forward pass; the centres move."""
        forward = self.autoencode(images, labels, generator)
        prior_labels = self.prior_labels(labels, generator)
        z = self.noise(generator, len(images), self.d_z)
        with self.autocast():
            # Apart from x_f: a joint batch would mix their batch-norm statistics.
            prior_image = self.generate(prior_labels, z)
        judged = self.judge(images, forward, prior_image)
        real, *fakes = judged.scores
        return {
            "kl": LATENT_VALUES / self.d_z * forward.kl,
            **self.pairwise_losses(images, forward, judged),
            **self.mean_feature_losses(judged, labels, prior_labels),
            "adv_discriminator": discriminator_loss(real, fakes, "log"),
            "cls": cross_entropy(judged.class_logits, labels),
        }

    def generator_objective(self, losses: dict[str, Tensor]) -> Tensor:
        """Return the sum whose gradients are those of the encoder's and of the decoder's objective.

        L_KL does not depend on the decoder, and neither L_GD nor L_GC on the encoder.
        """
        config = self.config
        pairs = losses["rec"] + losses["pair_discriminator"] + losses["pair_classifier"]
        return (
            config.lambda_1 * losses["kl"]
            + config.lambda_2 * pairs
            + config.lambda_3 * losses["mean_discriminator"]
            + config.lambda_4 * losses["mean_classifier"]
        )

    def training_step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Update all four networks once, all gradients before the first update."""
        losses = self.losses(batch.images[0], batch.labels[0], batch.generator)
        groups = self.groups
        encoder, decoder = groups["encoder"], groups["decoder"]
        both = gradients(self.generator_objective(losses), [*encoder, *decoder])
        self.apply_all(
            {
                "encoder": both[: len(encoder)],
                "decoder": both[len(encoder) :],
                "discriminator": gradients(losses["adv_discriminator"], groups["discriminator"]),
                "classifier": gradients(losses["cls"], groups["classifier"]),
            }
        )
        return {name: loss.detach() for name, loss in losses.items()}


MODEL = BaoCVAEGAN
