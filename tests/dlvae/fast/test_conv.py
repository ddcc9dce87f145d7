"""Strided convolutions of small images against the library's, and their derivatives."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from dlvae.fast import conv

SHAPES = [(8, 8), (4, 4), (2, 2), (6, 4), (2, 4), (16, 16)]
KINDS = [
    (conv.StridedConv2d, nn.Conv2d),
    (conv.StridedConvTranspose2d, nn.ConvTranspose2d),
]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def layers(ours, library, kernel, bias, dtype=torch.float64, d_out=7):
    """The same layer of stride 2 twice, ours and the library's."""
    more = {"output_padding": 1} if library is nn.ConvTranspose2d else {}
    fast = ours(5, d_out, kernel, 2, kernel // 2, bias=bias, **more).to(dtype)
    plain = library(5, d_out, kernel, 2, kernel // 2, bias=bias, **more).to(dtype)
    fast.load_state_dict(plain.state_dict())
    layout = torch.channels_last
    return fast.to(memory_format=layout), plain.to(memory_format=layout)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize(("ours", "library"), KINDS)
def test_value_and_gradients_are_the_librarys(ours, library, kernel, bias, shape):
    fast, plain = layers(ours, library, kernel, bias)
    x = torch.randn(3, 5, *shape, dtype=torch.float64).to(memory_format=torch.channels_last)
    results = []
    for layer in (fast, plain):
        source = x.clone().requires_grad_()
        out = layer(source)
        assert out.is_contiguous(memory_format=torch.channels_last)
        out_gradients = torch.autograd.grad(out.sin().sum(), [source, *layer.parameters()])
        results.append([out, *out_gradients])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("ours", "library"), KINDS)
def test_value_and_gradients_with_many_channels(ours, library):
    """Too many for the phases; small maps still take the matrix products."""
    fast, plain = layers(ours, library, 5, True, d_out=256)
    x = torch.randn(2, 5, 4, 4, dtype=torch.float64)
    results = []
    for layer in (fast, plain):
        source = x.clone().requires_grad_()
        out = layer(source)
        results.append(torch.autograd.grad(out.sin().sum(), [source, *layer.parameters()]))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("dtype", "side", "d_out", "own"),
    [
        (torch.float64, 2, 256, True),  # small map
        (torch.float32, 2, 256, False),
        (torch.float64, 16, 256, False),
        (torch.float32, 16, 7, True),  # few channels
    ],
)
@pytest.mark.parametrize(("ours", "library"), KINDS)
def test_where_the_own_forms_are_used(ours, library, dtype, side, d_out, own):
    fast, _ = layers(ours, library, 5, False, dtype, d_out)
    side = side if library is nn.ConvTranspose2d else 2 * side
    out = fast(torch.randn(3, 5, side, side, dtype=dtype))
    assert out.grad_fn.name().startswith("_Strided") == own


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("ours", "library"), KINDS)
def test_derivatives_of_both_orders(ours, library, kernel, bias):
    fast, _ = layers(ours, library, kernel, bias)
    side = 2 if library is nn.ConvTranspose2d else 4
    x = torch.randn(2, 5, side, side, dtype=torch.float64, requires_grad=True)
    names, values = zip(*fast.named_parameters(), strict=True)

    def call(x, *parameters):
        return torch.func.functional_call(fast, dict(zip(names, parameters, strict=True)), x)

    assert torch.autograd.gradcheck(call, (x, *values), fast_mode=True)
    assert torch.autograd.gradgradcheck(call, (x, *values), fast_mode=True)


@pytest.mark.parametrize("shape", [(8, 8), (4, 4), (2, 2)])
@pytest.mark.parametrize(("ours", "library"), KINDS)
def test_autocast_computes_in_bfloat16_within_rounding(ours, library, shape):
    fast, _ = layers(ours, library, 5, True, torch.float32)
    x = torch.randn(3, 5, *shape, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = fast(x)
    assert out.dtype is torch.bfloat16
    sources = [x, *fast.parameters()]
    found = torch.autograd.grad(out.float().square().sum(), sources)
    exact = [source.detach().double().requires_grad_() for source in sources]
    call = F.conv_transpose2d if library is nn.ConvTranspose2d else F.conv2d
    more = (1,) if library is nn.ConvTranspose2d else ()
    expected = call(*exact, 2, 2, *more)
    assert (out - expected).abs().max() < 0.02 * expected.abs().max()
    gradients = torch.autograd.grad(expected.square().sum(), exact)
    for one, other in zip(found, gradients, strict=True):
        assert one.dtype is torch.float32
        assert (one - other).abs().max() < 0.02 * other.abs().max()


def test_the_same_bytes_twice():
    fast, _ = layers(*KINDS[0], 5, False, torch.bfloat16)
    x = torch.randn(64, 5, 8, 8, dtype=torch.bfloat16)
    runs = [torch.autograd.grad(fast(x).float().square().sum(), fast.weight)[0] for _ in range(2)]
    assert torch.equal(*runs)


def test_a_normalised_weight_is_made_once_per_call():
    fast, _ = layers(*KINDS[0], 3, False)
    spectral_norm(fast)
    calls = []
    fast.parametrizations.weight[0].register_forward_hook(lambda *_: calls.append(1))
    fast(torch.randn(2, 5, 4, 4, dtype=torch.float64))
    assert len(calls) == 1
