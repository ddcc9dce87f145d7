"""A mixture of 10,000 classes in 512 dimensions trains at batch 96 in little memory.

In a process of its own, whose peak of resident memory includes torch and the networks.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STEP = """
import json
import torch
from dlvae.base import Batch, Method, Task
from dlvae.stage.registry import build_seeded
from dlvae.stage.runtime import use_threads
from dlvae.stage.artefact import peak_memory_mib

use_threads(1)
task = Task("image", "net32", 32, 10_000, 1.0, 512, 512, 96, 960_000)
model = build_seeded("ours", task, Method(n_gm=1), {}, "many classes").train()
draws = torch.Generator().manual_seed(0)
images = torch.rand(2, 96, 3, 32, 32, generator=draws) * 2 - 1
labels = torch.randint(10_000, (2, 96), generator=draws)
start = model.prior.mu.detach().clone()
losses = [model.training_step(Batch(images, labels, draws), step) for step in range(2)]
z_s, z_u = model.sample_codes(labels[0], draws)
print(json.dumps({
    "cls": [loss["cls"].item() for loss in losses],
    "moved": (model.prior.mu != start).any(1).sum().item(),
    "codes": [list(z_s.shape), list(z_u.shape)],
    "finite": bool(z_s.isfinite().all()),
    "peak_mib": peak_memory_mib(),
}))
"""


def test_a_step_with_ten_thousand_classes_stays_within_2_gib() -> None:
    command = [sys.executable, "-c", STEP]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["moved"] == 10_000 and found["cls"][1] < found["cls"][0]
    assert found["codes"] == [[96, 512], [96, 512]] and found["finite"]
    assert found["peak_mib"] < 2048
