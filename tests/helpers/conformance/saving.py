"""What is checked of a model that is saved, and of a training that is."""

import tempfile

import torch

from conformance.case import Case, saved
from conformance.words import differences, require, same, some
from dlvae.stage.registry import load_model, save_model


def check_saved_model(case: Case) -> None:
    """A saved model loads, in evaluation mode, to the same samples."""
    model = case.trained()
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder, case.name, model, {"preset": "test"})
        loaded = load_model(folder).to(case.device)
    other = list(differences(model.state_dict(), loaded.state_dict()))
    require(
        not other and not loaded.training,
        "a saved model loads to the same weights and buffers, in evaluation mode",
        f"{some(other) or 'the mode'} came back other than it was saved",
        "state_dict and load_state_dict, if the model has its own",
    )
    require(
        torch.equal(case.draw(model, [0, 1, 2]), case.draw(loaded, [0, 1, 2])),
        "a saved model loads to the same samples: what sample reads follows from task, method and "
        "options, or is among the weights",
        "after loading the same labels and generator gave other images",
        "tensors that are plain attributes (self.register_buffer keeps them), networks in a plain "
        "list (nn.ModuleList), what training_step remembers on the side",
    )


def check_resumed_training(case: Case) -> None:
    """A training that continues from its state takes the same steps, to the bit."""
    model = case.trained()
    resumed = case.build(seed=1)
    resumed.load_training_state(saved(model))
    losses = [case.train(each, 2) for each in (model, resumed)]
    states = [saved(each) for each in (model, resumed)]
    other = [f"the loss {name}" for name in differences(*losses)] + list(differences(*states))
    require(
        same(losses, losses[::-1]) and same(*states),
        "a training that was killed continues from training_state() to the same bytes",
        f"one step after loading {some(other)} is other than without the break",
        "what a step reads besides parameters and buffers: an optimiser that is not in "
        "self.optimisers, tensors and counters in plain attributes (self.register_buffer keeps "
        "them)",
    )
