"""What is checked before a model has done anything."""

import importlib
from pathlib import Path

from torch import nn

from conformance.case import Case
from conformance.words import require, some
from dlvae.base import GenerativeModel
from dlvae.config.section import Options
from dlvae.stage.registry import module_name, options_section

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
    require(
        isinstance(config, type) and issubclass(config, Options),
        "the attribute Config is a dlvae.config.section.Options, with the model's own options",
        f"{found.__name__}.Config is {config!r}",
        f"{found.__name__}: Config = Config, from options.py",
    )
    bare = [key for key, option in config.model_fields.items() if option.is_required()]
    require(
        not bare,
        "every option of Config has a default",
        f"{some(bare)} has none",
        "Config in options.py",
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
    """A folder of `baselines/` has a card, and its options are those of options.py."""
    card = folder / "card.md"
    length = len(card.read_text(encoding="utf-8")) if card.is_file() else 0
    require(
        length > CARD_LENGTH,
        "card.md says what the model is, its source, its losses and how it departs from the source",
        f"{card} has {length} characters",
        "card.md of another baseline",
    )
    config = importlib.import_module(module_name(folder.name)).MODEL.Config
    require(
        options_section(folder.name) is config,
        "the attribute Config is the class Config of options.py, read before any job without torch",
        f"{config!r}, and options.py: {options_section(folder.name)!r}",
        f"{folder / 'options.py'}",
    )
