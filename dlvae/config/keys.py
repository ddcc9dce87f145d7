"""Every key of a preset: one section, with sections inside it."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dlvae.config.explain import listed
from dlvae.config.judges import BatchSize, Evaluator, Factors
from dlvae.config.method import Method
from dlvae.config.section import (
    Count,
    Distinct,
    Natural,
    Overlay,
    Positive,
    Section,
    SomeDistinct,
    number,
    overlay,
)
from dlvae.data.cifar10 import Cifar10Data
from dlvae.data.digits import DigitsData
from dlvae.data.faces import FacesData, UnlabelledFaces
from dlvae.data.synthetic_faces.source import SyntheticFacesData, UnlabelledSyntheticFaces
from dlvae.data.three_moons import ThreeMoonsData
from dlvae.stage.errors import nearest
from dlvae.stage.registry import model_names


def _known_model(name: str) -> str:
    known = model_names()
    if name not in known:
        raise ValueError(
            f"unknown model '{name}': expected one of {listed(known)}.{nearest(name, known)}"
        )
    return name


def _plain_name(name: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError(f"expected a name of lower-case letters, digits and _, found '{name}'")
    return name


ModelName = Annotated[str, AfterValidator(_known_model)]
PlainName = Annotated[str, AfterValidator(_plain_name)]


# --- Image sets ----------------------------------------------------------------------------------


class Network(Section):
    """Networks of the generative models."""

    backbone: Literal["net32", "net64"]
    """for images of 32 or 64 pixels"""
    width: Positive = 1.0
    """multiplier of every hidden width; 1 is the paper's networks"""
    d_s: Count
    """dimensions of z_s"""
    d_u: Count
    """dimensions of z_u"""


class Train(Section):
    """Training of a generative model, or its stage on unlabelled images."""

    steps: Count
    """updates of the decoder"""
    batch_size: BatchSize = 96
    """images per batch"""


MethodOfDataSet = overlay("MethodOfDataSet", Method, "lr", "param", "tau_decay_epochs")
MethodOfAblation = overlay("MethodOfAblation", Method)


class ImageSet(Section):
    """What every image set has; `data` is its preparation."""

    data: Section
    network: Network
    train: Train
    method: MethodOfDataSet = MethodOfDataSet()
    """laid over `method` for this data set"""
    evaluator: Evaluator = Evaluator()
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


class DataSets(Overlay):
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
    def _there_is_one(self) -> DataSets:
        if not self.model_fields_set:
            raise ValueError(f"expected at least one of {listed(DataSets.model_fields)}")
        return self


ImageSetName = Literal["digits", "synthetic_faces", "cifar10", "faces"]


# --- The toy experiment --------------------------------------------------------------------------


class ToyNetwork(Network):
    """Networks of the toy experiment."""

    backbone: Literal["toy"] = "toy"
    """for points"""
    d_s: Count = 2
    d_u: Count = 2


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

    lr: Positive = 0.0005
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


# --- Figures and studies -------------------------------------------------------------------------


class Figure2(Section):
    """The toy experiment."""

    models: SomeDistinct[ModelName] = ["cvae_gan", "ours"]
    """rows"""


class Figure3(Section):
    """Samples of one class."""

    datasets: SomeDistinct[ImageSetName]
    """rows, image sets of this preset"""
    classes: dict[str, str] = {}
    """class shown of a data set, by name: `{cifar10: automobile}`; the first one elsewhere"""


class FigureOfSet(Section):
    """Figure 6, and what figures 4, 5 and 7 have too."""

    dataset: ImageSetName
    """image set shown"""


class FigureOfClasses(FigureOfSet, Overlay):
    """Figures 4 and 5."""

    classes: SomeDistinct[str] = None
    """classes of the rows, by name; evenly spaced ones without"""


Pixel = Annotated[list[number()], Field(min_length=2, max_length=2)]


class Figure7(FigureOfSet):
    """Inpainting."""

    landmarks: Annotated[list[Pixel], Field(min_length=5, max_length=5)] | None = None
    """mean eye, eye, nose tip, mouth corner, mouth corner of the alignment, `[x, y]` each, in
    pixels of a 64 px image; the masks of eyes, nose and mouth are centred on them; null: the
    default boxes"""


class Figures(Overlay):
    """Which figures there are and what they show."""

    figure2: Figure2 = None
    """the toy experiment"""
    figure3: Figure3 = None
    """samples of one class"""
    figure4: FigureOfClasses = None
    """interpolations"""
    figure5: FigureOfClasses = None
    """swaps of codes"""
    figure6: FigureOfSet = None
    """images without a label"""
    figure7: Figure7 = None
    """inpainting"""


class Curves(Section):
    """The target `learning_curves`."""

    factor: Count = 2
    """how many times `train.steps` every training goes on to (1: no further)"""
    first_seed_factor: Count = 8
    """the same for the first seed"""


def _changes_something(keys: MethodOfAblation) -> MethodOfAblation:
    if not keys.model_fields_set:
        raise ValueError("expected at least one key of method, found none")
    return keys


class Ablations(Section):
    """Ours with parts of the method changed, for the target `ablations`."""

    dataset: ImageSetName
    """image set of this preset"""
    methods: Annotated[
        dict[PlainName, Annotated[MethodOfAblation, AfterValidator(_changes_something)]],
        Field(min_length=1),
    ]
    """name of each ablation: keys of `method` that it lays over those of the data set,
    `{no_adversary: {lambda_adv: 0}}`"""
    beside: Distinct[ModelName] = []
    """models whose rows stand below"""


# --- The whole -----------------------------------------------------------------------------------


class Preset(Section):
    """A preset, complete."""

    whole: ClassVar[str] = "a preset is a complete file"

    preset: PlainName
    """name of the results folder; part of every seed"""
    seeds: SomeDistinct[Natural] = [0]
    """seeds of the generative models; figures show the first"""
    models: SomeDistinct[ModelName] = ["cvae", "cgan", "cvae_gan", "ours"]
    """rows of the tables: `ours`, folders of `baselines/`, installed packages (entry points
    `dlvae.models`)"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto` is bf16 where the processor has it natively (the toy's networks are too small to
    gain); the mixture is always fp32"""
    threads: Count = 1
    """threads of every torch job; part of the result's last bits, hence here"""
    fast: bool = True
    """false runs the plain code in the place of what exists for speed alone"""
    protocol: str = "v2"
    """how scores are taken: a file of `config/protocol/`, or a path"""
    bn_eval: Literal["recalibrated", "batch", "running"] | None = None
    """batch norms at sampling; null: as the protocol says"""
    data_root: str | None = None
    """folder of local data: `data_root/<data set>` if there is one, else itself where one data set
    needs it. Without a folder `cifar10` is downloaded into `data/`"""
    unlabelled_root: str | None = None
    """folder of unlabelled images for `faces`"""
    imagenet_weights: str | None = None
    """weights of ImageNet's Inception for the target `imagenet`"""
    steps: Count | None = None
    """overrides the steps of every image training; the semi-supervised stage takes the smaller of
    it and its own"""
    fitted: Distinct[ModelName] = []
    """models of which there is a second form, with every prior set in closed form to the training
    codes"""
    curves: Curves | None = None
    """how far the target `learning_curves` goes; without it there is no such target"""
    method: Method = Method()
    """keys that the models share"""
    options: dict[ModelName, dict[str, Any]] = {}
    """own options of a baseline, as in its `options.py`, or of an installed model:
    `{cvae: {d_z: 64}}`"""
    datasets: DataSets
    """image sets in the order of the tables"""
    three_moons: ThreeMoons | None = None
    """the toy experiment of Figure 2"""
    figures: Figures = Figures()
    """which figures there are and what they show; a figure that is absent is left out of
    `reproduce` and named in the report"""
    candidate: str | None = None
    """the candidate of the target `compare`: a registered model, or the file or folder of samples
    from elsewhere"""
    dataset: str | None = None
    """the one image set that `compare` is about; null: all (samples from elsewhere need it where
    there are several)"""
    fail_below: dict[str, number() | dict[str, number()]] = {}
    """least values of the candidate, below which `compare` fails: `{inception_score: 7}` on every
    data set, `{digits: {inception_score: 7}}` on one"""
    ablations: Ablations | None = None
    """ours with parts of the method changed, for the target `ablations`"""
