"""Keys of the data sets: images, networks and training of each, and the toy experiment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from dlvae.config.explain import listed
from dlvae.config.judges import BatchSize, EvaluatorKeys, Factors
from dlvae.config.method_keys import Method
from dlvae.config.section import Count, Dimensions, Natural, Overlay, Rate, Section, Width, overlay
from dlvae.data.cifar10 import Cifar10Data
from dlvae.data.digits import DigitsData
from dlvae.data.faces import FacesData, UnlabelledFaces
from dlvae.data.synthetic_faces.source import SyntheticFacesData, UnlabelledSyntheticFaces
from dlvae.data.three_moons import ThreeMoonsData


class Network(Section):
    """Networks of the generative models."""

    backbone: Literal["net32", "net64"]
    """for images of 32 or 64 pixels"""
    width: Width = 1.0
    """multiplier of every hidden width; 1 is the paper's networks"""
    d_s: Dimensions
    """dimensions of z_s"""
    d_u: Dimensions
    """dimensions of z_u"""


class Train(Section):
    """Training of a generative model, or its stage on unlabelled images."""

    steps: Count
    """updates of the decoder"""
    batch_size: BatchSize = 96
    """images per batch"""


MethodOfDataSet = overlay("MethodOfDataSet", Method, "lr", "param", "tau_decay_epochs")


class ImageSet(Section):
    """What every image set has; `data` is its preparation."""

    data: Section
    network: Network
    train: Train
    method: MethodOfDataSet = MethodOfDataSet()
    """laid over `method` for this data set"""
    evaluator: EvaluatorKeys = EvaluatorKeys()
    """training of the two evaluators"""

    @field_validator("network")
    @classmethod
    def _fits(cls, network: Network, info: ValidationInfo) -> Network:
        # The backbones are named by the side they are made for; asking them would import torch.
        size = getattr(info.data.get("data"), "size", None)
        if size not in (None, int(network.backbone.removeprefix("net"))):
            raise ValueError(
                f"backbone '{network.backbone}' does not fit images of {size} px: expected net32 "
                "with data.size 32, or net64 with 64"
            )
        return network


class Digits(ImageSet):
    """The image set `digits`."""

    data: DigitsData = DigitsData()


class Cifar10(ImageSet):
    """The image set `cifar10`."""

    data: Cifar10Data = Cifar10Data()


class Faces(ImageSet):
    """The image set `faces`."""

    data: FacesData = FacesData()
    unlabelled: UnlabelledFaces | None = None
    """unlabelled images"""
    semi_supervised: Train | None = None
    """the stage on unlabelled images"""


class SyntheticFaces(ImageSet):
    """The image set `synthetic_faces`."""

    data: SyntheticFacesData = SyntheticFacesData()
    factors: Factors | None = None
    """training of the factor regressor"""
    unlabelled: UnlabelledSyntheticFaces | None = None
    """unlabelled images"""
    semi_supervised: Train | None = None
    """the stage on unlabelled images"""

    @field_validator("unlabelled")
    @classmethod
    def _are_others(
        cls, other: UnlabelledSyntheticFaces | None, info: ValidationInfo
    ) -> UnlabelledSyntheticFaces | None:
        """Refuse unlabelled people who also occur with a label: Figure 6 shows unseen ones."""
        data = info.data.get("data")
        if not (data and other) or data.seed != other.seed:
            return other
        first, second = data.first_identity, other.first_identity
        if first < second + other.identities and second < first + data.identities:
            raise ValueError(
                f"identities {second} to {second + other.identities - 1} overlap the labelled "
                f"ones, {first} to {first + data.identities - 1}; set first_identity to "
                f"{first + data.identities} or more"
            )
        return other


class DataSetKeys(Overlay):
    """Image sets, in the order of the tables."""

    model_config = ConfigDict(json_schema_extra={"noun": "data set"})

    digits: Digits = None
    """the handwritten digits of scikit-learn"""
    synthetic_faces: SyntheticFaces = None
    """rendered faces with known factors"""
    cifar10: Cifar10 = None
    """CIFAR-10, local or downloaded"""
    faces: Faces = None
    """aligned faces of your own"""

    @model_validator(mode="after")
    def _there_is_one(self) -> DataSetKeys:
        if not self.model_fields_set:
            raise ValueError(f"expected at least one of {listed(DataSetKeys.model_fields)}")
        return self


# --- The toy experiment --------------------------------------------------------------------------


class ToyNetwork(Network):
    """Networks of the toy experiment."""

    backbone: Literal["toy"] = "toy"
    """for points"""
    d_s: Dimensions = 2
    d_u: Dimensions = 2


class ToyTrain(Section):
    """Training of the toy experiment."""

    batch_size: BatchSize = 256
    """points per batch"""
    epochs: Count = 50
    """passes over the points"""
    snapshot_epochs: Annotated[list[Natural], Field(min_length=1)] = [0, 10, 20, 30, 40, 50]
    """columns of Figure 2, none beyond `epochs`"""

    @field_validator("snapshot_epochs")
    @classmethod
    def _are_reached(cls, snapshots: list[int], info: ValidationInfo) -> list[int]:
        """Refuse snapshots that no training would reach: Figure 2 would lack their columns."""
        epochs = info.data.get("epochs")
        if epochs and (late := [epoch for epoch in snapshots if epoch > epochs]):
            raise ValueError(
                f"expected at most train.epochs, {epochs}, found {listed(late)}; leave them out or "
                f"set three_moons.train.epochs to {max(late)}"
            )
        return snapshots


class ToyMethod(MethodOfDataSet):
    """Laid over `method`."""

    lr: Rate = 0.0005
    """as the paper states it for the toy"""


class ThreeMoons(Section):
    """The toy experiment of Figure 2."""

    data: ThreeMoonsData = ThreeMoonsData()
    """the points"""
    network: ToyNetwork = ToyNetwork()
    """networks of the generative models"""
    train: ToyTrain = ToyTrain()
    """their training"""
    method: ToyMethod = ToyMethod()
    """laid over `method`"""
