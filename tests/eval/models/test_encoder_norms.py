"""Statistics of encoders' batch norms: those of the images, and of nothing that was before."""

import torch

from dlvae.base import Method, Task
from dlvae.stage.registry import build_seeded
from eval.models.decoding import Norm, estimate_encoder_norms

TASK = Task("image", "net32", 32, 4, 0.05, 4, 6, 8, 16)


def ours(seed=0):
    return build_seeded("ours", TASK, Method(), {}, seed)


def images(n=64, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, 32, 32, generator=draws) * 2 - 1


def norms(network):
    return [module for module in network.modules() if isinstance(module, Norm)]


def test_the_statistics_are_those_of_the_images():
    model, given = ours(), images()
    seen, was = [], model.training
    first = norms(model.encoder_s)[0]
    hook = first.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    estimate_encoder_norms(model, given)
    hook.remove()
    values = torch.cat([x.transpose(0, 1).flatten(1) for x in seen], 1)
    assert torch.allclose(first.running_mean, values.mean(1), atol=1e-5)
    assert torch.allclose(first.running_var, values.var(1), rtol=0.05)
    assert first.training == model.training == was


def test_what_was_before_and_the_decoder_do_not_matter():
    model, again, given = ours(), ours(), images()
    with torch.no_grad():
        for norm in norms(again):
            norm.running_mean.fill_(3.0)
    estimate_encoder_norms(model, given)
    estimate_encoder_norms(again, given)
    for name in ("encoder_s", "encoder_u"):
        for one, other in zip(*(norms(getattr(m, name)) for m in (model, again)), strict=True):
            assert torch.equal(one.running_mean, other.running_mean)
            assert torch.equal(one.running_var, other.running_var)
            assert one.momentum == norms(ours().encoder_s)[0].momentum
    assert norms(again.decoder) and all(n.running_mean.eq(3).all() for n in norms(again.decoder))
    codes = model.encode(given[:8])["z_s"]
    assert torch.equal(codes, again.encode(given[:8])["z_s"])  # by the statistics, not the batch
    assert torch.allclose(codes[:1], model.encode(given[:1])["z_s"], atol=1e-5)
