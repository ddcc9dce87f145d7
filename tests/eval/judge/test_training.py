import json
import sys
from argparse import Namespace

import numpy as np
import pytest
import torch

from dlvae.data.dataset import load_split
from dlvae.stage.artefact import sha256_file
from dlvae.stage.errors import UserError
from dlvae.stage.seeds import seeded_globally
from dlvae.stage.weights import load_weights
from eval.judge.__main__ import train_member
from eval.judge.classifiers.resnet9 import ResNet9
from eval.judge.evaluator import load_evaluator
from eval.judge.factor_regressor import load_factors, r_squared, train_factors
from eval.judge.join import join_members
from eval.judge.training import Learner, Recipe, reduced, run_command

STAGES = [train_member, train_factors]


def job(data, folder, config, **changes):
    """Arguments of the command line."""
    made = {
        "out": folder / "out",
        "resume_root": folder / "resume",
        "run_log": folder / "run.jsonl",
    }
    made |= {"threads": 1, "precision": "auto", "fingerprint": "", "save_seconds": 30.0}
    return Namespace(**made | {"data": data, "images": None, "config": config} | changes)


def files(folder):
    return {name: (folder / "out" / name).read_bytes() for name in FILES}


FILES = ("weights.safetensors", "card.json")


@pytest.mark.parametrize("train", STAGES)
def test_a_stopped_training_continues_to_the_same_bytes(
    train, tiny_data, tiny_config, tmp_path, monkeypatch
):
    train(job(tiny_data, tmp_path / "whole", tiny_config))
    stopped = job(tiny_data, tmp_path / "stopped", tiny_config, save_seconds=0.0)
    step, taken = Learner.step, []

    def stopping(learner, batch, index):
        if index == 3 and 3 not in taken:
            taken.append(index)
            raise KeyboardInterrupt
        taken.append(index)
        return step(learner, batch, index)

    monkeypatch.setattr(Learner, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        train(stopped)
    assert not (tmp_path / "stopped" / "out").exists()
    train(stopped)
    assert taken == [0, 1, 2, 3, 3, 4, 5]
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    assert not any((tmp_path / "stopped" / "resume").glob("*"))


def ensemble(data, config, folder, members=2):
    """Train members and join them: the card, and their folders."""
    folders = [folder / f"member{i}" for i in range(members)]
    for i, member in enumerate(folders):
        train_member(job(data, folder, config | {"member": i}, out=member))
    return join_members(folders, folder / "out"), folders


def test_an_ensemble_learns_and_is_read_back(tiny_data, tiny_config, tmp_path):
    tiny_config |= {"arch": "resnet9", "width": 0.125, "epochs": 10, "kind": "plain"}
    card, folders = ensemble(tiny_data, tiny_config, tmp_path)
    assert card == json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["class_names"] == ["red", "green", "blue"] and card["kind"] == "plain"
    assert card["weights_sha256"] == sha256_file(tmp_path / "out" / "weights.safetensors")
    assert card["members"] == [sha256_file(f / "weights.safetensors") for f in folders]
    assert "member" not in card["config"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["steps"] == 2 * 30 and manifest["images_seen"] == 2 * 480

    test = load_split(tiny_data, "test")
    evaluator = load_evaluator(tmp_path / "out")
    assert not evaluator.training
    features, logits = evaluator.predict(test.images)
    assert features.shape == (12, 2 * 16) and logits.shape == (12, 2, 3)
    assert np.mean(logits.mean(1).argmax(1) == test.labels) >= 0.9
    assert card["parameters"] == sum(p.numel() for p in evaluator.parameters())
    # Evaluation mode: an image's logits do not depend on its neighbours.
    np.testing.assert_allclose(evaluator.predict(test.images[:1])[1], logits[:1], atol=1e-5)
    # Each member is the network that was trained, and they differ.
    network, weights = evaluator.members[1], load_weights(folders[1] / "weights.safetensors")
    assert all(torch.equal(part, weights[name]) for name, part in network.state_dict().items())
    assert not np.allclose(logits[:, 0], logits[:, 1], atol=1e-3)


def test_kinds_differ_in_what_they_see_and_the_same_member_is_the_same(
    tiny_data, tiny_config, tmp_path
):
    tiny_config |= {"arch": "resnet9", "width": 0.125, "epochs": 1}
    for name, kind in {"a": "robust", "b": "robust", "c": "plain"}.items():
        card = train_member(job(tiny_data, tmp_path / name, tiny_config | {"kind": kind}))
        assert card["kind"] == kind
    first, again, plain = (files(tmp_path / name) for name in "abc")
    assert first == again and first["weights.safetensors"] != plain["weights.safetensors"]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"width": 0.25}, "width of the other members, 0.125, found 0.25"), ({"member": 0}, "twice")],
)
def test_members_that_do_not_belong_together_are_refused(
    change, words, tiny_data, tiny_config, tmp_path
):
    tiny_config |= {"arch": "resnet9", "width": 0.125, "epochs": 0.5, "kind": "plain"}
    for name, changes in {"a": {"member": 0}, "b": {"member": 1} | change}.items():
        train_member(job(tiny_data, tmp_path / name, tiny_config | changes))
    with pytest.raises(UserError, match=words):
        join_members([tmp_path / name / "out" for name in "ab"], tmp_path / "joined")
    with pytest.raises(UserError, match="found none"):
        join_members([], tmp_path / "joined")


def test_a_model_of_timm_as_evaluator(tiny_data, tiny_config, tmp_path):
    card, _ = ensemble(tiny_data, tiny_config | {"arch": "test_resnet", "width": 1.0}, tmp_path)
    images = load_split(tiny_data, "test").images
    logits = load_evaluator(tmp_path / "out").predict(images)[1]
    assert card["arch"] == "test_resnet" and logits.shape == (12, 2, 3)


def test_an_unknown_kind_is_a_user_error(tiny_data, tiny_config, tmp_path):
    with pytest.raises(UserError, match="Did you mean 'plain'"):
        train_member(job(tiny_data, tmp_path, tiny_config | {"kind": "plane"}))


def test_factor_regressor_learns_and_its_card_tells(tiny_data, tiny_config, tmp_path):
    tiny_config |= {"width": 0.25, "epochs": 25, "pad_crop": 0}
    card = train_factors(job(tiny_data, tmp_path, tiny_config))
    assert card["usable"] == ["red", "green"]
    assert card["r2"]["constant"] is None
    regressor, test = load_factors(tmp_path / "out"), load_split(tiny_data, "test")
    assert regressor.names == ["red", "green", "constant"]
    predicted = regressor.predict(test.images)
    assert r_squared(test.factors, predicted)[:2] == [card["r2"]["red"], card["r2"]["green"]]
    np.testing.assert_allclose(predicted[:, 2], 5.0, atol=1.0)


def test_r_squared_is_one_for_the_truth_and_zero_for_the_mean():
    truth = np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]])
    assert r_squared(truth, truth) == [1.0, None]
    assert r_squared(truth, np.full((3, 2), 3.0)) == [0.0, None]


def test_schedule_warms_up_linearly_and_ends_near_zero():
    recipe = Recipe(epochs=10, batch_size=10, lr=0.4, warmup_epochs=2)
    learner = Learner(torch.nn.Linear(1, 1), None, recipe, images=20)
    rates = [learner.rate(step) for step in range(20)]
    np.testing.assert_allclose(rates[:5], [0.1, 0.2, 0.3, 0.4, 0.4])
    assert all(a > b for a, b in zip(rates[4:], rates[5:], strict=False))
    np.testing.assert_allclose(rates[12], 0.2)  # half way down the cosine
    assert 0 < rates[-1] < 0.01


def test_a_training_begins_on_smaller_images_for_so_many_passes(
    tiny_data, tiny_config, tmp_path, monkeypatch
):
    tiny_config |= {"arch": "resnet9", "width": 0.125, "kind": "plain"}
    forward, sides = ResNet9.forward, []

    def seen(network, images):
        sides.append(images.shape[2:])
        return forward(network, images)

    monkeypatch.setattr(ResNet9, "forward", seen)
    small = {"small": {"size": 16, "epochs": 1}}
    train_member(job(tiny_data, tmp_path, tiny_config | small))
    assert sides == [(16, 16)] * 3 + [(32, 32)] * 3  # 48 images in batches of 16, twice
    words = "small.size: expected less than the 32 pixels of the images, found 32"
    with pytest.raises(UserError, match=words):
        small = {"small": {"size": 32, "epochs": 1}}
        train_member(job(tiny_data, tmp_path / "same", tiny_config | small))


def test_smaller_images_keep_range_layout_and_what_is_in_them():
    ramp = torch.linspace(-1, 1, 32).expand(2, 3, 32, 32)
    found = reduced(ramp, 16)
    assert found.shape == (2, 3, 16, 16) and found.is_contiguous(memory_format=torch.channels_last)
    # Pixel k lies between pixels 2 k and 2 k + 1; the ends see an edge.
    middles = ramp[0, 0, 0].view(16, 2).mean(1)
    np.testing.assert_allclose(found[1, 2, 5, 1:-1], middles[1:-1], atol=1e-6)
    stripes = torch.tensor([-1.0, 1.0]).repeat(16).expand(1, 3, 32, 32)
    assert reduced(stripes, 16)[..., 1:-1].abs().max() < 1e-6  # finer than 16 pixels can show


def test_the_share_of_untouched_images_reaches_robust_members_alone(
    tiny_data, tiny_config, tmp_path
):
    tiny_config |= {"arch": "resnet9", "width": 0.125, "epochs": 1}

    def weights(name, **changes):
        train_member(job(tiny_data, tmp_path / name, tiny_config | changes))
        return files(tmp_path / name)["weights.safetensors"]

    silent, said, all_of_them = (
        weights(name, **more)
        for name, more in {"a": {}, "b": {"untouched": 0.15}, "c": {"untouched": 1}}.items()
    )
    assert silent == said != all_of_them


def test_initial_weights_depend_on_the_seed_and_leave_the_global_generator_alone():
    def weights(*seed):
        with seeded_globally("test", *seed):
            return torch.nn.Linear(3, 3).weight

    state = torch.random.get_rng_state()
    first, second, other = (weights(seed) for seed in (0, 0, 1))
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("train", STAGES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 3}, "Did you mean 'epochs'"),
        (
            {"batch_size": 1},
            "batch_size: expected an integer of at least 2 and at most 100000, found 1",
        ),
        ({"dropout": 1.0}, "dropout: expected .* below 1, found 1.0"),
    ],
)
def test_bad_settings_are_user_errors(train, change, message, tiny_data, tiny_config, tmp_path):
    with pytest.raises(UserError, match=message):
        train(job(tiny_data, tmp_path, tiny_config | change))


def test_missing_context_is_a_user_error(tiny_data, tmp_path):
    with pytest.raises(UserError, match="missing key 'evaluator.seed'.*'evaluator.dataset'"):
        train_member(job(tiny_data, tmp_path, {"preset": "smoke"}))


@pytest.mark.parametrize("load", [load_evaluator, load_factors])
def test_a_folder_without_a_network_is_a_user_error(load, tmp_path):
    with pytest.raises(UserError, match="card.json"):
        load(tmp_path)
    (tmp_path / "card.json").write_text('{"dataset": "tiny"}')
    with pytest.raises(UserError, match="python -m eval."):
        load(tmp_path)


def test_command_line_hands_over_files_and_settings(tmp_path, monkeypatch):
    arguments = "train --data d --out o --resume-root r --run-log l --threads 1 --precision fp32"
    monkeypatch.setattr(sys, "argv", [*arguments.split(), "--config", '{"seed": 3}'])
    given = []
    monkeypatch.setattr("eval.judge.training.use_threads", given.append)
    run_command(None, given.append)
    threads, args = given
    assert threads == 1 and args.config == {"seed": 3} and args.images is None
    assert (str(args.resume_root), args.precision, args.save_seconds) == ("r", "fp32", 30.0)
