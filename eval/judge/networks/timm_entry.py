"""Our evaluator under its name in timm, beside the models that users may choose there instead.

A module of its own: timm brings torchvision and torch's compiler, which take longer to import than
a set of images takes to judge, and our own network needs none of them.
"""

from timm.models import register_model

from dlvae.stage.errors import UserError
from eval.judge.networks.inception_resnet_v1 import InceptionResnetV1


@register_model
def inception_resnet_v1(
    pretrained: bool = False,
    pretrained_cfg: object = None,
    pretrained_cfg_overlay: object = None,
    cache_dir: object = None,
    **kwargs,
) -> InceptionResnetV1:
    """Entry point of timm: `timm.create_model("inception_resnet_v1", img_size=32, width=0.125)`.

    The arguments from `pretrained` to `cache_dir` are timm's; there is nothing pretrained.
    """
    if pretrained:
        raise UserError("inception_resnet_v1 has no pretrained weights; train it on your data")
    return InceptionResnetV1(**kwargs)
