"""Sizes, shapes, initial weights and label-fed layers of the networks."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlvae.base import Task
from dlvae.fast.label_maps import FoldedLabelMaps
from dlvae.nn.backbones import (
    build_decoder,
    build_discriminator,
    build_encoder,
    build_latent_classifier,
)
from dlvae.nn.blocks import LabelMapConv2d, conv_block, scaled, up_conv

FACES = Task("image", "net64", 64, 530, 1.0, 512, 512, 96, 92_000)
CIFAR10 = Task("image", "net32", 32, 10, 1.0, 100, 200, 96, 50_000)
TOY = Task("point", "toy", 2, 3, 1.0, 2, 2, 256, 60_000)
SMALL = [replace(FACES, width=0.0625, classes=5), replace(CIFAR10, width=0.25), TOY]
NAMES = ["net64", "net32", "toy"]


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def networks(task):
    yield build_encoder(task, [task.d_s])
    yield build_encoder(task, [task.d_u, task.d_u])
    yield build_decoder(task, task.d_s + task.d_u)
    yield build_discriminator(task)
    yield build_latent_classifier(task, task.d_u)


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        (FACES, [17_342_912, 17_867_712, 17_869_763, 7_929_729, 267_538]),
        (CIFAR10, [2_231_684, 2_539_184, 4_665_123, 1_197_569, 54_026]),
    ],
    ids=NAMES[:2],
)
def test_parameter_counts_of_the_published_networks(task, counts):
    with torch.device("meta"):  # sizes only: no memory, no initialisation
        found = [count(build_encoder(task, [task.d_s]))]
        found += [count(build_encoder(task, [task.d_u, task.d_u]))]
        found += [count(build_decoder(task, task.d_s + task.d_u))]
        found += [count(build_latent_classifier(task, task.d_u))]
    found.insert(3, count(build_discriminator(task)))
    assert found == counts


def test_parameter_counts_of_the_toy_networks():
    encoder_s, encoder_u, decoder, discriminator, classifier = map(count, networks(TOY))
    hidden = (2 * 32 + 32) + (32 * 64 + 64) + (64 * 64 + 64)
    assert encoder_s == hidden + 64 * 2 + 2
    assert encoder_u == hidden + 2 * (64 * 2 + 2)
    assert decoder == (4 * 64 + 64) + (64 * 64 + 64) + (64 * 32 + 32) + (32 * 2 + 2)
    assert discriminator == hidden + (64 + 1) + 3 * 64
    assert classifier == (2 * 64 + 64) + (64 * 3 + 3)


@pytest.mark.parametrize("task", SMALL, ids=NAMES)
def test_shapes_and_ranges(task):
    image = task.kind == "image"
    shape = (3, task.size, task.size) if image else (2,)
    labels = torch.tensor([0, 1, 2, 0])
    encoder_s, encoder_u, decoder, discriminator, classifier = networks(task)
    x = decoder(torch.randn(4, task.d_s + task.d_u))
    assert x.shape == (4, *shape)
    assert [z.shape for z in encoder_s(x)] == [(4, task.d_s)]
    assert [z.shape for z in encoder_u(x)] == [(4, task.d_u)] * 2
    assert discriminator(x, labels).shape == discriminator(x, None).shape == (4,)
    assert classifier(torch.randn(4, task.d_u)).shape == (4, task.classes)
    labelled = build_encoder(task, [7], labelled=True)
    assert labelled(x, labels)[0].shape == (4, 7)
    if image:
        assert x.abs().max() <= 1
        assert x.is_contiguous(memory_format=torch.channels_last)
        weights = [m.weight for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)]
        assert all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("task", SMALL, ids=NAMES)
def test_heads_are_linear_in_the_features(task, labelled):
    encoder = build_encoder(task, [7, 3], labelled).eval()
    x = torch.randn(2, *((3, task.size, task.size) if task.kind == "image" else (2,)))
    labels = (torch.tensor([0, 1]),) if labelled else ()
    features = encoder.features(x, *labels)
    for head, out in zip(encoder.heads, encoder(x, *labels), strict=True):
        torch.testing.assert_close(out, features @ head.weight.T + head.bias)


def feature_maps(network, x):
    """Sides and channels after each convolution."""
    seen = []
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.register_forward_hook(
                lambda m, i, out: seen.append((out.shape[2], out.shape[1]))
            )
    network(x)
    return seen


def test_feature_maps_of_the_published_networks():
    with torch.device("meta"):
        z, image = torch.empty(2, 1024), torch.empty(2, 3, 64, 64)
        vgg = feature_maps(build_encoder(FACES, [512]), image)
        up = feature_maps(build_decoder(FACES, 1024), z)
        small = feature_maps(build_encoder(CIFAR10, [100]), image[:, :, :32, :32])
        small_up = feature_maps(build_decoder(CIFAR10, 300), z[:, :300])
    assert vgg == (
        [(64, 64)] * 2 + [(32, 128)] * 2 + [(16, 256)] * 3 + [(8, 512)] * 3 + [(4, 512)] * 3
    )
    assert up == (
        [(4, 512)] * 3
        + [(8, 512), (8, 512), (8, 256), (16, 256), (16, 256), (16, 128)]
        + [(32, 128), (32, 64), (64, 64), (64, 3)]
    )
    assert small == [(16, 32), (8, 64), (4, 128), (2, 256)]
    assert small_up == [(4, 256), (4, 256), (8, 128), (16, 64), (32, 32), (32, 3)]
    faces = replace(FACES, width=0.125, classes=2)
    sides = [
        side
        for side, _ in feature_maps(build_discriminator(faces).trunk, torch.randn(1, 3, 64, 64))
    ]
    assert sides == [32, 16, 16, 8, 8, 4, 2]


@pytest.mark.parametrize("kernel", [3, 5])
def test_strides_halve_and_double_exactly(kernel):
    x = torch.randn(1, 4, 8, 8)
    for task in (CIFAR10, replace(CIFAR10, fast=False)):
        assert conv_block(task, 4, 8, kernel, 2)(x).shape == (1, 8, 4, 4)
        assert conv_block(task, 4, 8, kernel, 1)(x).shape == (1, 8, 8, 8)
        assert up_conv(task, 4, 8, kernel, 2)(x).shape == (1, 8, 16, 16)
        assert up_conv(task, 4, 8, kernel, 1)(x).shape == (1, 8, 8, 8)


def test_width_multiplier_scales_hidden_units_in_steps_of_eight():
    assert [scaled(32, w) for w in (1, 0.5, 0.3, 0.25, 0.01, 2)] == [32, 16, 8, 8, 8, 64]
    half = build_encoder(replace(CIFAR10, width=0.5), [100])
    convs = [m.out_channels for m in half.modules() if isinstance(m, nn.Conv2d)]
    assert convs == [16, 32, 64, 128]
    assert half.heads[0].in_features == 512 and half.heads[0].out_features == 100


@pytest.mark.parametrize("task", SMALL, ids=NAMES)
def test_initial_weights_and_batch_norm_constants(task):
    encoder_s, _, decoder, discriminator, classifier = networks(task)
    for network in (encoder_s, decoder, classifier):
        for module in network.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(module.weight)
                bound = (6 / (fan_in + fan_out)) ** 0.5
                assert bound * 0.8 < module.weight.abs().max() <= bound
                assert module.bias is None or not module.bias.any()
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                assert module.eps == 1e-3 and module.momentum == 0.1
    weights = [p for n, p in discriminator.named_parameters() if n.endswith("original")]
    values = torch.cat([w.flatten() for w in weights])
    assert values.std().item() == pytest.approx(0.02, rel=0.1)
    assert not any(p.any() for n, p in discriminator.named_parameters() if n.endswith("bias"))


@pytest.mark.parametrize("kind", [LabelMapConv2d, FoldedLabelMaps])
@pytest.mark.parametrize(("kernel", "stride"), [(5, 2), (3, 1)])
def test_label_maps_equal_the_convolution_of_concatenated_maps(kind, kernel, stride):
    size = (16,) if kind is FoldedLabelMaps else ()
    layer = kind(6, 8, kernel, stride, *size).double()
    x, labels = torch.randn(5, 3, 16, 16, dtype=torch.double), torch.tensor([0, 5, 2, 2, 3])
    maps = F.one_hot(labels, 6).double()[:, :, None, None].expand(-1, -1, 16, 16)
    plain = F.conv2d(torch.cat([x, maps], 1), layer.weight, None, stride, kernel // 2)
    out = layer(x, labels)
    torch.testing.assert_close(out, plain)
    (found,) = torch.autograd.grad(out.square().sum(), layer.weight)
    (expected,) = torch.autograd.grad(plain.square().sum(), layer.weight)
    torch.testing.assert_close(found, expected)


def test_labelled_toy_encoder_reads_the_concatenated_one_hot():
    encoder = build_encoder(TOY, [2, 2], labelled=True)
    assert encoder.first.in_features == 2 + 3
    x = torch.randn(1, 2)
    first, second = (encoder(x, torch.tensor([c]))[0] for c in (0, 1))
    assert not torch.equal(first, second)
