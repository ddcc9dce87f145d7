import pytest
import torch

from dlvae.stage.errors import UserError
from eval.judge.classifiers.architecture import build_network
from eval.judge.classifiers.inception_resnet_v1 import InceptionResidual


def conv(n_in, n_out, taps):
    """Weights of a convolution of so many taps, and the two of its batch norm per channel."""
    return n_in * n_out * taps + 2 * n_out


def full_width_parameters(classes):
    """Parameters of the layer table, added up by hand."""
    stem = conv(3, 32, 9) + conv(32, 32, 9) + conv(32, 64, 9)
    stem += conv(64, 80, 1) + conv(80, 192, 9) + conv(192, 256, 9)
    a = 3 * conv(256, 32, 1) + 3 * conv(32, 32, 9) + 96 * 256 + 256
    reduction_a = conv(256, 384, 9) + conv(256, 192, 1) + conv(192, 192, 9) + conv(192, 256, 9)
    b = 2 * conv(896, 128, 1) + 2 * conv(128, 128, 7) + 256 * 896 + 896
    reduction_b = 3 * conv(896, 256, 1) + conv(256, 384, 9) + 3 * conv(256, 256, 9)
    c = 2 * conv(1792, 192, 1) + 2 * conv(192, 192, 3) + 384 * 1792 + 1792
    head = conv(1792, 512, 1) + 512 * classes + classes
    return stem + 5 * a + reduction_a + 10 * b + reduction_b + 6 * c + head


def grids(network, size):
    """Output shapes (channels, side) of the stages for one image."""
    network = network.eval()
    x, shapes = torch.zeros(1, 3, size, size), []
    with torch.no_grad():
        stages = (network.stem, network.blocks_a, network.reduction_a, network.blocks_b)
        for stage in (*stages, network.reduction_b, network.blocks_c):
            x = stage(x)
            shapes.append((x.shape[1], x.shape[2]))
    return shapes


@pytest.mark.parametrize("size", [32, 64])
def test_full_width_has_the_parameters_and_grids_of_the_table(size):
    network = build_network("inception_resnet_v1", 10, size)
    assert sum(p.numel() for p in network.parameters()) == full_width_parameters(10)
    wide = [(256, 16), (256, 16), (896, 8), (896, 8), (1792, 4), (1792, 4)]
    assert grids(network, size) == wide
    assert network.fc.in_features == 512 and network.fc.out_features == 10
    assert {m.eps for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {1e-3}


def test_depth_does_not_depend_on_width_and_scales_are_the_tables():
    network = build_network("inception_resnet_v1", 10, 32, width=0.0625)
    blocks = [m for m in network.modules() if isinstance(m, InceptionResidual)]
    assert [block.scale for block in blocks] == [0.17] * 5 + [0.10] * 10 + [0.20] * 5 + [1.0]
    assert [block.activate for block in blocks] == [True] * 20 + [False]
    assert grids(network, 32)[-1] == (112, 4)
    assert 0 < sum(p.numel() for p in network.parameters()) < 130_000


def test_last_block_keeps_negative_values_and_the_others_do_not():
    network = build_network("inception_resnet_v1", 10, 32, width=0.0625).eval()
    x = torch.randn(2, 112, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert network.blocks_c[0](x).min() == 0
        assert network.blocks_c[-1](x).min() < 0


def test_a_block_adds_its_scaled_branches():
    block = build_network("inception_resnet_v1", 10, 32, width=0.0625).blocks_b[0].eval()
    x = torch.randn(2, 56, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        joined = torch.cat([branch(x) for branch in block.branches], dim=1)
        expected = torch.relu(x + 0.10 * block.up(joined))
        torch.testing.assert_close(block(x.clone()), expected)


@pytest.mark.parametrize("arch", ["test_resnet", "test_vit"])
def test_any_model_of_timm_by_name(arch):
    network = build_network(arch, 5, 32)
    assert network.training
    trunk = network.forward_features(torch.zeros(2, 3, 32, 32))
    assert network.forward_head(trunk).shape == (2, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("inception_resnet_v2x", 5, 32), "Did you mean 'inception_resnet_v2'"),
        (("hf-hub:someone/something", 5, 32), "unknown model"),
        (("inception_resnet_v1", 5, 48), "RGB images of 32 or 64 pixels"),
        (("test_resnet", 5, 32, 0.5), "set evaluator.width to 1"),
        (("inception_v3", 5, 32), "cannot classify 32 x 32"),
    ],
)
def test_unusable_architectures_are_user_errors(arguments, message):
    with pytest.raises(UserError, match=message):
        build_network(*arguments)


@pytest.mark.parametrize("size", [32, 64])
def test_the_shallow_network_has_nine_layers_and_scales_its_channels(size):
    network = build_network("resnet9", 7, size, width=0.25)
    kinds = [type(module).__name__ for module in network.modules()]
    assert kinds.count("Conv2d") + kinds.count("Linear") == 9 + 1  # and the bottleneck
    images = torch.randn(2, 3, size, size)
    trunk = network.eval().forward_features(images)
    assert trunk.shape == (2, 128, size // 8, size // 8)
    embedding = network.forward_head(trunk, pre_logits=True)
    assert embedding.shape == (2, 32)
    torch.testing.assert_close(embedding, network.bottleneck(trunk.mean((2, 3))))
    torch.testing.assert_close(network(images), network.fc(embedding))
    assert network(images).shape == (2, 7)


def test_the_shallow_network_refuses_a_side_that_it_cannot_halve():
    with pytest.raises(UserError, match="not 36 x 36"):
        build_network("resnet9", 7, 36)
