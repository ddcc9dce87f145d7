"""What is checked before a model has done anything."""

import dataclasses
import importlib
from pathlib import Path

from torch import nn

from conformance.case import Case
from conformance.words import require, some
from dlvae.base import GenerativeModel
from dlvae.stage.registry import default_options, module_name

CARD_LENGTH = 200  # characters: less says neither what a model is nor where it comes from


def check_definition(case: Case) -> None:
    """The module has a `MODEL`, its `Config` has defaults, and what is trained has a name."""
    _check_class(case.name)
    model = case.build()
    count = model.batches_per_step
    require(
        isinstance(count, int) and count >= 1,
        "batches_per_step is how many batches a training step reads, an integer of at least 1",
        f"it is {count!r}",
        "batches_per_step, in the class or set in __init__",
    )
    _check_optimisers(model)
    networks = _decoder_networks(model)
    require(
        bool(networks) and all(isinstance(network, nn.Module) for network in networks),
        "decoder_networks() lists the networks that make images from codes; their batch norms are "
        "re-estimated before sampling. It is [self.decoder] unless you say otherwise",
        f"it returned {networks!r}",
        "__init__: call that network self.decoder, or define decoder_networks",
    )


def _check_class(name: str) -> None:
    module = importlib.import_module(module_name(name))
    found = getattr(module, "MODEL", None)
    require(
        isinstance(found, type) and issubclass(found, GenerativeModel),
        "the module of a model ends with MODEL = <its class>, a dlvae.base.GenerativeModel",
        f"MODEL of {module.__name__} is {found!r}",
        f"the last line of {module.__name__}",
    )
    config = getattr(found, "Config", None)
    fields = dataclasses.fields(config) if dataclasses.is_dataclass(config) else None
    require(
        fields is not None,
        "the attribute Config is a dataclass of the model's own options, empty if there are none",
        f"{found.__name__}.Config is {config!r}",
        f"{found.__name__}: Config = Config",
    )
    bare = [
        option.name
        for option in fields
        if option.default is dataclasses.MISSING and option.default_factory is dataclasses.MISSING
    ]
    require(
        not bare,
        "every option of Config has a default",
        f"{some(bare)} has none",
        "Config, and default.yaml beside it",
    )


def _check_optimisers(model: GenerativeModel) -> None:
    require(
        bool(model.optimisers),
        "self.optimisers holds every optimiser by name: that is what a saved training keeps",
        "there is none",
        "__init__: self.minimise says what trains which network, and makes an Adam for it",
    )
    own = {id(parameter) for parameter in model.parameters()}
    foreign = [
        name
        for name, optimiser in model.optimisers.items()
        if not own >= {id(p) for group in optimiser.param_groups for p in group["params"]}
    ]
    require(
        not foreign,
        "an optimiser holds parameters of the model",
        f"the optimiser {some(foreign)} holds tensors that are none",
        "__init__: networks and nn.Parameter are attributes of the model itself (self.x = ...), "
        "not items of a plain list or dict",
    )


def _decoder_networks(model: GenerativeModel) -> list[nn.Module] | str:
    try:
        return model.decoder_networks()
    except AttributeError as error:
        return str(error)


def check_folder(folder: Path) -> None:
    """A folder of `baselines/` has a card, and its default.yaml says what `Config` says."""
    card = folder / "card.md"
    length = len(card.read_text(encoding="utf-8")) if card.is_file() else 0
    require(
        length > CARD_LENGTH,
        "card.md says what the model is, its source, its losses and how it departs from the source",
        f"{card} has {length} characters",
        "card.md of another baseline",
    )
    config = importlib.import_module(module_name(folder.name)).MODEL.Config
    written, coded = default_options(folder.name), dataclasses.asdict(config())
    require(
        written == coded,
        "default.yaml holds every option of Config with its default: it is read before any job, "
        "without torch",
        f"default.yaml: {written}; Config: {coded}",
        f"{folder / 'default.yaml'}",
    )
