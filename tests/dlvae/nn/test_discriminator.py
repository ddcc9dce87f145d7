"""The projection discriminator and its spectral norm."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlvae.base import Task
from dlvae.nn.backbones import build_discriminator

IMAGE = Task("image", "net32", 32, 10, 0.25, 8, 8, 8, 100)
TOY = Task("point", "toy", 2, 3, 1.0, 2, 2, 8, 100)


@pytest.fixture
def discriminator():
    torch.manual_seed(0)
    return build_discriminator(IMAGE)


def inputs(count=4):
    return torch.rand(count, 3, 32, 32) * 2 - 1, torch.arange(count)


def power_vectors(network):
    found = {n: b.clone() for n, b in network.named_buffers() if n.endswith(("_u", "_v"))}
    assert len(found) == 2 * len(matrices(network))
    return found


def matrices(network):
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear, nn.Embedding))]
    return [layer.weight.flatten(1) for layer in layers]


@pytest.mark.parametrize("task", [IMAGE, TOY], ids=["image", "toy"])
def test_every_layer_is_spectrally_normalised_the_embedding_too(task):
    torch.manual_seed(0)  # fifty iterations are too few for a rare draw of the weights
    network = build_discriminator(task)
    x = torch.randn(2, *((3, 32, 32) if task.kind == "image" else (2,)))
    for _ in range(50):
        network(x, torch.tensor([0, 1]))
    network.eval()
    with torch.no_grad():
        norms = [torch.linalg.matrix_norm(weight, 2).item() for weight in matrices(network)]
    layers = 4 + 1 if task.kind == "image" else 3
    assert len(norms) == layers + 2
    assert norms == pytest.approx([1.0] * len(norms), abs=0.02)


def test_one_power_iteration_per_forward_in_training(discriminator):
    weight = discriminator.output.parametrizations.weight.original.detach()
    layer = discriminator.trunk[2].parametrizations.weight
    matrix, v = layer.original.detach().flatten(1), layer[0]._v.clone()
    discriminator(*inputs())
    u = F.normalize(matrix @ v, dim=0)
    torch.testing.assert_close(layer[0]._u, u)
    torch.testing.assert_close(layer[0]._v, F.normalize(matrix.T @ u, dim=0))
    assert torch.equal(weight, discriminator.output.parametrizations.weight.original)


def test_power_vectors_stand_still_in_evaluation_mode(discriminator):
    discriminator.eval()
    before = power_vectors(discriminator)
    first = discriminator(*inputs())
    discriminator(*inputs())
    after = power_vectors(discriminator)
    assert before and all(torch.equal(before[name], after[name]) for name in before)
    assert first.shape == (4,)


def test_power_vectors_are_part_of_the_saved_state(discriminator):
    for _ in range(3):
        discriminator(*inputs())
    other = build_discriminator(IMAGE)
    other.load_state_dict(discriminator.state_dict())
    x, labels = inputs()
    assert torch.equal(other(x, labels), discriminator(x, labels))
    assert power_vectors(other).keys() <= set(discriminator.state_dict())


def test_logit_is_the_head_plus_the_projection(discriminator):
    discriminator.eval()
    x, labels = inputs()
    h = discriminator.trunk(x)
    projection = (discriminator.embedding.weight[labels] * h).sum(1)
    torch.testing.assert_close(discriminator(x, labels), discriminator(x, None) + projection)
    torch.testing.assert_close(discriminator(x, None), discriminator.output(h)[:, 0])


def test_features_are_the_input_of_the_last_layer(discriminator):
    discriminator.eval()
    x, labels = inputs()
    h, logits = discriminator.features_and_logits(x, labels)
    torch.testing.assert_close(h, discriminator.trunk(x))
    assert torch.equal(logits, discriminator(x, labels))


def test_without_projection_there_is_no_weight_for_a_label(discriminator):
    network = build_discriminator(IMAGE, projection=False)
    names, others = (dict(n.named_parameters()).keys() for n in (network, discriminator))
    assert others - names == {"embedding.parametrizations.weight.original"}
    logits = network(inputs()[0], None)
    assert torch.autograd.grad(logits.sum(), list(network.parameters()))  # all of them count


def test_one_call_for_several_batches_equals_calls_of_their_own(discriminator):
    discriminator.eval()
    x, labels = inputs(6)
    parts = torch.cat([discriminator(x[:2], labels[:2]), discriminator(x[2:], labels[2:])])
    torch.testing.assert_close(discriminator(x, labels), parts)


def test_bf16_autocast_leaves_the_power_iteration_in_float32(discriminator):
    other = build_discriminator(IMAGE)
    other.load_state_dict(discriminator.state_dict())
    x, labels = inputs()
    plain = discriminator(x, labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = other(x, labels)
    for name, vector in power_vectors(discriminator).items():
        assert torch.equal(vector, other.get_buffer(name))
    torch.testing.assert_close(coarse.float(), plain, atol=0.05, rtol=0.05)
