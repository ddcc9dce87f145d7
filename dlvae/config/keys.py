"""Every key of a preset: one section, with sections inside it."""

from __future__ import annotations

import importlib
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from dlvae.config.data_keys import DataSetKeys, ThreeMoons
from dlvae.config.explain import listed
from dlvae.config.method_keys import Method
from dlvae.config.section import (
    Count,
    Distinct,
    Natural,
    Overlay,
    Section,
    SomeDistinct,
    Threads,
    number,
    overlay,
)
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.errors import nearest
from dlvae.stage.registry import model_names

# Rows of the paper's tables, the strongest baseline before ours.
PAPER = [*importlib.import_module("baselines").IN_THE_PAPER, "ours"]


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
ImageSetName = Literal["digits", "synthetic_faces", "cifar10", "faces"]
MethodOfAblation = overlay("MethodOfAblation", Method)


class Figure2(Section):
    """The toy experiment."""

    models: SomeDistinct[ModelName] = PAPER[-2:]
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


Pixel = Annotated[list[number(ge=0, le=64)], Field(min_length=2, max_length=2)]


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


class PresetKeys(Section):
    """A preset, complete."""

    whole: ClassVar[str] = "a preset is a complete file"

    preset: PlainName
    """name of the results folder; part of every seed"""
    seeds: SomeDistinct[Natural] = [0]
    """seeds of the generative models; figures show the first"""
    models: SomeDistinct[ModelName] = PAPER
    """rows of the tables: `ours`, folders of `baselines/`, installed packages (entry points
    `dlvae.models`)"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto` is bf16 where the processor has it natively (the toy's networks are too small to
    gain); the mixture is always fp32"""
    threads: Threads = 1
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
    photos: str | None = None
    """folder of photos, one folder for each person in it, for the target `prepare_faces`"""
    prepare_faces: PrepareFaces = PrepareFaces()
    """how that target makes aligned faces of them"""
    imagenet_weights: str | None = None
    """weights of ImageNet's Inception for the target `imagenet`"""
    steps: Count | None = None
    """overrides the steps of every image training; the semi-supervised stage takes the smaller of
    it and its own"""
    fitted: Distinct[str] = []
    """models of which there is a second form, with every prior set in closed form to the training
    codes; also ablations, by the names of their models: `ours_paper` of `ablations.methods.paper`.
    The page of the ablations then has ours and the models beside in both forms as well"""
    curves: Curves | None = None
    """how far the target `learning_curves` goes; without it there is no such target"""
    method: Method = Method()
    """keys that the models share"""
    options: dict[ModelName, dict[str, Any]] = {}
    """own options of a baseline, as in its `options.py`, or of an installed model:
    `{cvae: {d_z: 64}}`"""
    datasets: DataSetKeys
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
    cost_of: SomeDistinct[str] = ["reproduce"]
    """targets whose hours and storage `cost` prints; it runs none of their jobs"""
    stored_models_mb: Natural = 8
    """megabytes of trained models that `freeze` stores beside the scores, ours first, those of the
    first seed; of what has no room, and of images from a folder of yours, hashes alone"""
    ablations: Ablations | None = None
    """ours with parts of the method changed, for the target `ablations`"""
