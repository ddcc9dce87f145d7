"""The conformance suite itself: a broken model fails the check that is meant for it, in words."""

import re
import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from baselines.cvae.model import CVAE
from conformance import CHECKS, TASKS, Broken, Case, check_folder
from dlvae.method.losses import full_precision
from dlvae.stage import registry
from installed import install


class LabelIgnored(CVAE):
    def sample(self, labels, generator):
        return super().sample(torch.zeros_like(labels), generator)


class NoiseIgnored(CVAE):
    def sample(self, labels, generator):
        return super().sample(labels, torch.Generator().manual_seed(7))


class GlobalNoiseInSample(CVAE):
    def sample(self, labels, generator):
        z = torch.randn(len(labels), self.d_z)
        with self.sampling(), self.autocast():
            return full_precision(self.generate(labels, z))


class GlobalNoisePutBack(CVAE):
    def sample(self, labels, generator):
        with torch.random.fork_rng():
            z = torch.randn(len(labels), self.d_z)
        with self.sampling(), self.autocast():
            return full_precision(self.generate(labels, z))


class GlobalNoiseInTraining(CVAE):
    def noise(self, generator, *shape):
        # Only where a step asks for it: the generator of a sample is used.
        if self.training:
            return torch.randn(*shape)
        return super().noise(generator, *shape)

    def sample(self, labels, generator):
        z = torch.randn(len(labels), self.d_z, generator=generator)
        with self.sampling(), self.autocast():
            return full_precision(self.generate(labels, z))


class StatisticsMovedBySampling(CVAE):
    def sample(self, labels, generator):
        images = super().sample(labels, generator)
        with torch.no_grad():
            self.encoder(images, labels)  # in whatever mode it is: batch norms move
        return images


class NoSampling(CVAE):
    def sample(self, labels, generator):
        return full_precision(self.generate(labels, self.noise(generator, len(labels), self.d_z)))


class BytesForImages(CVAE):
    def sample(self, labels, generator):
        return (super().sample(labels, generator) + 1) * 127.5


class ChannelsLast(CVAE):
    def sample(self, labels, generator):
        return super().sample(labels, generator).permute(0, 2, 3, 1)


class HalfPrecisionSamples(CVAE):
    def sample(self, labels, generator):
        return super().sample(labels, generator).bfloat16()


class OptimiserNotSaved(CVAE):
    def __init__(self, task, method, config):
        super().__init__(task, method, config)
        self.hidden = self.optimisers
        self.optimisers = {"other": torch.optim.Adam(self.decoder.parameters())}

    def training_step(self, batch, step):
        shown, self.optimisers = self.optimisers, self.hidden
        losses = super().training_step(batch, step)
        self.optimisers = shown
        return losses


class OptimiserOfOthers(CVAE):
    def __init__(self, task, method, config):
        super().__init__(task, method, config)
        self.optimisers["more"] = torch.optim.Adam([nn.Parameter(torch.zeros(3))])


class NeverMoves(CVAE):
    def __init__(self, task, method, config):
        super().__init__(task, method, config)
        self.critic = nn.Linear(4, 4)


class NotANumber(CVAE):
    def training_step(self, batch, step):
        losses = super().training_step(batch, step)
        return losses | {"kl": losses["kl"] * torch.nan}


class LossesWithGraph(CVAE):
    def training_step(self, batch, step):
        super().training_step(batch, step)
        _, losses = self.autoencode(batch.images[0], batch.labels[0], batch.generator)
        return losses


class GradientsLeft(CVAE):
    def training_step(self, batch, step):
        losses = super().training_step(batch, step)
        for parameter in self.decoder.parameters():
            parameter.grad = torch.zeros_like(parameter)
        return losses


class NumbersForLosses(CVAE):
    def training_step(self, batch, step):
        return {name: float(loss) for name, loss in super().training_step(batch, step).items()}


class TensorNotSaved(CVAE):
    def __init__(self, task, method, config):
        super().__init__(task, method, config)
        self.offset = 0.0

    def training_step(self, batch, step):
        losses = super().training_step(batch, step)
        self.offset = self.offset + 0.1
        return losses

    def sample(self, labels, generator):
        return (super().sample(labels, generator) + self.offset).clamp(-1, 1)


class CodesWithoutName(CVAE):
    def encode(self, images):
        with self.sampling():
            mean, logvar = self.posterior(images, torch.zeros(len(images), dtype=torch.int64))
        return {"z": mean, "z_logvar": logvar}


BROKEN = {
    LabelIgnored: ("samples_the_label", "the label has no effect"),
    NoiseIgnored: ("samples_from_its_generator_alone", "the noise has no effect"),
    GlobalNoiseInSample: (
        "samples_from_its_generator_alone",
        "it moved torch's global generator.*without generator=",
    ),
    GlobalNoisePutBack: ("samples_from_its_generator_alone", "with another global seed"),
    GlobalNoiseInTraining: (
        "trains_from_its_generator_alone",
        "it moved torch's global generator.*self.noise",
    ),
    StatisticsMovedBySampling: (
        "samples_without_a_trace",
        "networks in training mode: encoder.*changed afterwards: weights.encoder.*running_mean",
    ),
    BytesForImages: ("samples_in_shape_and_range", r"in the range \[.*\d\d.*look at:.*last layer"),
    ChannelsLast: ("samples_in_shape_and_range", r"channels come last.*permute\(0, 3, 1, 2\)"),
    HalfPrecisionSamples: ("samples_in_shape_and_range", "bfloat16.*full_precision"),
    OptimiserNotSaved: (
        "continues_to_the_same_bytes",
        "weights.*an optimiser that is not in self.optimisers",
    ),
    OptimiserOfOthers: ("is_defined_in_full", "optimiser more holds tensors that are none"),
    NeverMoves: ("moves_every_network", "critic did not move.*in them"),
    NotANumber: ("returns_finite_detached_losses", "loss kl is NaN"),
    NumbersForLosses: ("returns_finite_detached_losses", "0-dim tensors.*rec: [0-9]"),
    LossesWithGraph: ("returns_finite_detached_losses", "rec, kl still has its graph.*detach"),
    GradientsLeft: ("leaves_no_gradient", "decoder.*still has one.*loss.backward"),
    TensorNotSaved: ("loads_to_the_same_samples", "plain attributes.*register_buffer"),
    CodesWithoutName: ("has_the_abilities_it_offers", "z_u and z_u_logvar.*returned z "),
}
# Wrong with images, or batch norms, alone.
OF_IMAGES = {StatisticsMovedBySampling, BytesForImages, ChannelsLast}


@pytest.fixture
def offered(monkeypatch, tmp_path):
    """Offer a class as an installed package does: offered(class) is the name of a model."""
    install(tmp_path, {"broken": "broken_model:MODEL"}, {})
    monkeypatch.syspath_prepend(tmp_path)

    def offer(model_class):
        module = ModuleType("broken_model")
        module.MODEL = model_class
        monkeypatch.setitem(sys.modules, "broken_model", module)
        return "broken"

    return offer


def failures(name, task="toy"):
    """The words of every check that a model fails, by name of the check."""
    found = {}
    for check, function in CHECKS.items():
        try:
            function(Case(name, TASKS[task]))
        except Broken as error:
            found[check] = str(error)
    return found


@pytest.mark.parametrize("broken", BROKEN, ids=lambda model: model.__name__)
def test_a_broken_model_fails_the_check_meant_for_it_alone(offered, broken):
    check, words = BROKEN[broken]
    found = failures(offered(broken), "net32" if broken in OF_IMAGES else "toy")
    assert list(found) == [check], found
    message = found[check]
    assert re.search(words, message, re.DOTALL), message
    assert [line.partition(":")[0].strip() for line in message.splitlines()[1:]] == [
        "the contract",
        "this model",
        "look at",
    ]


def test_a_sample_outside_sampling_is_named(offered):
    found = failures(offered(NoSampling), "net32")
    assert "networks in training mode: decoder" in found["samples_without_a_trace"]
    assert "networks recording gradients: decoder" in found["samples_without_a_trace"]
    assert "did not reach the statistics of decoder" in found["samples_alike_in_any_batch"]


def test_a_module_without_a_model_is_named(offered):
    with pytest.raises(Broken, match="(?s)ends with MODEL = .*MODEL of broken_model is None"):
        CHECKS["is_defined_in_full"](Case(offered(None), TASKS["toy"]))


def test_a_folder_without_a_card_or_with_other_options_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "BASELINES", tmp_path)
    folder = tmp_path / "cvae"
    folder.mkdir()
    (folder / "model.py").write_text("")
    with pytest.raises(Broken, match="card.md has 0 characters"):
        check_folder(folder)
    (folder / "card.md").write_text("What it is. " * 20)
    with pytest.raises(Broken, match="(?s)Config of options.py.*LatentOptions.*section.Options"):
        check_folder(folder)
