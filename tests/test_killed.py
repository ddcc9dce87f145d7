"""SIGKILL of one training of each kind, then a rerun: the same final weights."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from dlvae.data.dataset import Split, save_dataset
from dlvae.stage.artefact import sha256_file

ROOT = Path(__file__).resolve().parent.parent
CARD = {"dataset": "t", "source": "made up", "licence": "none", "flip": True, "preparation": {}}
METHOD = {"n_gm": 1}
NETWORK = {"backbone": "net32", "width": 0.1, "d_s": 4, "d_u": 4}


def prepared(folder, labelled=True):
    """Write a small prepared data set of noise, with two factors."""
    draw = np.random.default_rng(0)

    def split(count):
        labels = np.arange(count, dtype=np.int64) % 3 if labelled else np.full(count, -1)
        return Split(
            images=draw.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
            points=None,
            labels=labels,
            classes=np.array(["a", "b", "c"] if labelled else [], dtype="U1"),
            factors=draw.normal(size=(count, 2)).astype(np.float32),
            factor_names=np.array(["azimuth", "elevation"]),
        )

    names = ["train", "test"] if labelled else ["train"]
    save_dataset(folder, {name: split(24) for name in names}, CARD)
    return folder


def generator_config(model, stage="supervised"):
    return {
        "preset": "t",
        "dataset": "t",
        "model": model,
        "seed": 0,
        "stage": stage,
        "network": NETWORK,
        "train": {"steps": 80, "batch_size": 4},
        "method": METHOD,
        "options": {},
    }


NETWORK_CONFIG = {"preset": "t", "dataset": "t", "seed": 0, "width": 0.05, "epochs": 8}
KINDS = {
    "ours": ("dlvae.train", generator_config("ours")),
    "cvae": ("dlvae.train", generator_config("cvae")),
    "cgan": ("dlvae.train", generator_config("cgan")),
    "cvae_gan": ("dlvae.train", generator_config("cvae_gan")),
    "cvae_gan_bao": ("dlvae.train", generator_config("cvae_gan_bao")),
    "semi_supervised": ("dlvae.train", generator_config("ours", "semi_supervised")),
    "evaluator": ("eval.judge", NETWORK_CONFIG | {"batch_size": 8}),
    # Long enough that no processor ends it between its first saved state and the kill.
    "factors": ("eval.judge.factor_regressor", NETWORK_CONFIG | {"batch_size": 8, "epochs": 60}),
}


def start(kind, folder, run, save_seconds):
    module, config = KINDS[kind]
    semi = kind == "semi_supervised"
    out = folder / run
    command = [sys.executable, "-m", module, "--config", json.dumps(config), "--out", out / "out"]
    command += ["--data", folder / ("unlabelled" if semi else "data"), "--fingerprint", "f"]
    command += ["--resume-root", out / "resume", "--run-log", out / "run.jsonl"]
    command += ["--save-seconds", save_seconds]
    command += ["--init", folder / "init"] if semi else []
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    with open(out.with_suffix(".log"), "a") as log:
        return subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env=environment, stderr=log, stdout=log
        )


def finish(process, folder, run):
    assert process.wait() == 0, (folder / f"{run}.log").read_text()
    return sha256_file(folder / run / "out" / "weights.safetensors")


def trained_state(resume):
    """Tell whether a state is saved that is not the initial one."""
    states = [torch.load(path, weights_only=True) for path in resume.glob("*/state.pt")]
    return any(state["step"] > 0 for state in states)


def kill_after_a_saved_state(process, resume):
    """Kill at a random moment after the first trained state; tell whether it was in time."""
    while process.poll() is None and not trained_state(resume):
        time.sleep(0.01)
    time.sleep(random.random() * 0.2)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_continues_to_the_same_weights(tmp_path, kind):
    prepared(tmp_path / "data")
    if kind == "semi_supervised":
        from dlvae.base import Method, Task
        from dlvae.stage.registry import build_seeded, save_model

        prepared(tmp_path / "unlabelled", labelled=False)
        task = Task("image", "net32", 32, 3, 0.1, 4, 4, batch_size=4, train_images=24)
        model = build_seeded("ours", task, Method(**METHOD), {}, "t")
        save_model(tmp_path / "init", "ours", model, {})
    whole = finish(start(kind, tmp_path, "whole", 1000), tmp_path, "whole")
    resume = tmp_path / "killed" / "resume"
    killed = kill_after_a_saved_state(start(kind, tmp_path, "killed", 0), resume)
    assert killed, (tmp_path / "killed.log").read_text()
    assert list(resume.glob("*/state.pt"))
    assert not (tmp_path / "killed" / "out" / "weights.safetensors").exists()
    assert finish(start(kind, tmp_path, "killed", 1000), tmp_path, "killed") == whole
    assert not list(resume.glob("*/state.pt")), "the resumable state is removed at the end"
    steps = [
        json.loads(line)["step"]
        for line in (tmp_path / "killed" / "run.jsonl").read_text().splitlines()
    ]
    assert steps.count(1) == 1, "the second run continued instead of starting anew"
