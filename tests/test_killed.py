"""A training of each kind is killed, or asked to stop, then run again: the same final weights."""

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


def prepared(folder, labelled=True, points=False):
    """Write a small prepared data set of noise, with two factors, or of points."""
    draw = np.random.default_rng(0)

    def split(count):
        if points:
            labels, classes = np.arange(count, dtype=np.int64) % 3, np.array(["a", "b", "c"])
            drawn = draw.normal(size=(count, 2)).astype(np.float32)
            return Split(None, drawn, labels, classes, None, None)
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


TOY = {"network": {"backbone": "toy", "width": 1.0, "d_s": 2, "d_u": 2}}
TOY |= {"train": {"steps": 150, "batch_size": 4}}
NETWORK_CONFIG = {"preset": "t", "dataset": "t", "seed": 0, "width": 0.05, "epochs": 8}
KINDS = {
    "ours": ("dlvae.train", generator_config("ours")),
    "cvae": ("dlvae.train", generator_config("cvae")),
    "cgan": ("dlvae.train", generator_config("cgan")),
    "cvae_gan": ("dlvae.train", generator_config("cvae_gan")),
    "cvae_gan_bao": ("dlvae.train", generator_config("cvae_gan_bao")),
    "semi_supervised": ("dlvae.train", generator_config("ours", "semi_supervised")),
    "toy": ("dlvae.train", generator_config("ours") | TOY),
    # Long enough that no processor ends it between a saved state and its end.
    "evaluator": ("eval.judge", NETWORK_CONFIG | {"batch_size": 8, "epochs": 20}),
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


def saved_step(resume):
    """Return the steps of the saved state, 0 for the initial one or none."""
    states = [torch.load(path, weights_only=True) for path in resume.glob("*/state.pt")]
    return max((state["step"] for state in states), default=0)


def end_after_a_saved_state(process, resume, number):
    """Send a signal at a random moment after one more trained state; the seconds to the end."""
    before = saved_step(resume)
    while process.poll() is None and saved_step(resume) <= before:
        time.sleep(0.01)
    time.sleep(random.random() * 0.2)
    process.send_signal(number)
    sent = time.monotonic()
    process.wait()
    return time.monotonic() - sent


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_and_killed_training_continues_to_the_same_weights(tmp_path, kind):
    prepared(tmp_path / "data", points=kind == "toy")
    if kind == "semi_supervised":
        from dlvae.base import Method, Task
        from dlvae.stage.registry import build_seeded, save_model

        prepared(tmp_path / "unlabelled", labelled=False)
        task = Task("image", "net32", 32, 3, 0.1, 4, 4, batch_size=4, train_images=24)
        model = build_seeded("ours", task, Method(**METHOD), {}, "t")
        save_model(tmp_path / "init", "ours", model, {})
    whole = finish(start(kind, tmp_path, "whole", 1000), tmp_path, "whole")
    resume, log = tmp_path / "ended" / "resume", tmp_path / "ended.log"

    number = list(KINDS).index(kind) % 2 and signal.SIGINT or signal.SIGTERM
    asked = start(kind, tmp_path, "ended", 0)
    assert end_after_a_saved_state(asked, resume, number) < 10
    assert asked.returncode == 128 + number, log.read_text()
    step = saved_step(resume)
    assert f"stopped by {number.name}: the state after step {step} of" in log.read_text()

    killed = start(kind, tmp_path, "ended", 0)
    end_after_a_saved_state(killed, resume, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL, log.read_text()
    assert f"resumed at step {step} of" in log.read_text()

    assert list(resume.glob("*/state.pt"))
    assert not (tmp_path / "ended" / "out" / "weights.safetensors").exists()
    assert finish(start(kind, tmp_path, "ended", 1000), tmp_path, "ended") == whole
    assert not list(resume.glob("*")), "the resumable state is removed at the end"
    assert "Traceback" not in log.read_text()
    steps = [
        json.loads(line)["step"]
        for line in (tmp_path / "ended" / "run.jsonl").read_text().splitlines()
    ]
    assert steps.count(1) == 1, "the second run continued instead of starting anew"
