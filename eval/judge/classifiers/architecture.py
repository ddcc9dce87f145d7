"""Evaluator networks by name: our two or any model of timm, built without pretrained weights."""

from __future__ import annotations

import torch
from torch import nn

from dlvae.stage.errors import UserError, nearest
from eval.judge.classifiers.inception_resnet_v1 import InceptionResnetV1
from eval.judge.classifiers.resnet9 import ResNet9

OURS = "inception_resnet_v1"
OWN = {OURS: InceptionResnetV1, "resnet9": ResNet9}


def build_network(
    arch: str, classes: int, size: int, width: float = 1.0, dropout: float = 0.2
) -> nn.Module:
    """Build a classifier, channels last in memory; its weights come from torch's global generator.

    Args:
        arch: ``inception_resnet_v1``, ``resnet9`` or a name of ``timm.list_models()``.
        classes: number of logits.
        size: side of the square images in pixels.
        width: multiplies the hidden channels; of our own two only.
        dropout: share of the pooled features dropped in training, where the model has that.

    Raises:
        UserError: unknown architecture, or one that cannot take images of this size.
    """
    options = {"num_classes": classes, "drop_rate": dropout}
    if arch in OWN:
        network = OWN[arch](**options, img_size=size, width=width)
    else:
        network = _foreign(arch, size, width, options)
    return network.to(memory_format=torch.channels_last)


def _foreign(arch: str, size: int, width: float, options: dict) -> nn.Module:
    """Build a model of timm and see that it takes such images."""
    import timm

    # is_model knows registered names alone, so a name that timm would fetch elsewhere is refused.
    if not timm.is_model(arch):
        raise UserError(
            f"evaluator.arch: unknown model '{arch}'; expected {', '.join(OWN)} or a name of "
            f"timm.list_models().{nearest(arch, [*OWN, *timm.list_models()])}"
        )
    if width != 1.0:
        raise UserError(
            f"evaluator.width: {arch} has one width, found {width}; set evaluator.width to 1"
        )
    defaults = timm.get_pretrained_cfg(arch)
    if defaults is not None and defaults.fixed_input_size:
        options = {**options, "img_size": size}
    try:
        network = timm.create_model(arch, pretrained=False, **options)
        with torch.no_grad():
            features = network.eval().forward_features(torch.zeros(2, 3, size, size))
            network.forward_head(features, pre_logits=True)
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(
            f"evaluator.arch: {arch} cannot classify {size} x {size} RGB images ({error}); choose "
            f"another model of timm or {OURS}"
        ) from error
    return network.train()
