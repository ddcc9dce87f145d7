"""GPUs of one machine shared by jobs: each takes a free one, and a killed job frees its own."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from dlvae.stage.artefact import read_json, write_manifest
from dlvae.stage.errors import UserError
from dlvae.stage.process import gpu_slots
from dlvae.stage.process.gpu_slots import gpu_names, take_gpu, visible_gpus
from dlvae.stage.runtime import device, use_threads

ROOT = Path(__file__).resolve().parents[4]
# A job on a machine whose PyTorch lists as many GPUs as the environment does.
JOB = """
import sys, torch
torch.cuda.is_available = lambda: True
torch.cuda.device_count = lambda: 3
# It imports the compiler, two seconds of each job.
torch.use_deterministic_algorithms = lambda *given, **more: None
chosen = [0]
torch.cuda.set_device = chosen.append
torch.cuda.current_device = lambda: chosen[-1]
from dlvae.stage.runtime import device, use_threads
use_threads(1)
use_threads(1)
assert chosen[1] == chosen[2]
print(device(), flush=True)
sys.stdin.read()
"""


@contextmanager
def running_job(folder, **more):
    """A job that holds its GPU until it is killed, or told to end."""
    environment = {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", **more}
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    job = subprocess.Popen(
        [sys.executable, "-c", JOB], cwd=ROOT, env=environment, text=True, **pipes
    )
    try:
        yield job
    finally:
        job.kill()
        job.communicate()


def test_jobs_beside_each_other_take_different_gpus_and_a_killed_one_frees_its_own(tmp_path):
    listed = {"CUDA_VISIBLE_DEVICES": "4,5,GPU-aa"}
    with (
        running_job(tmp_path, **listed) as first,
        running_job(tmp_path, **listed) as second,
        running_job(tmp_path, **listed) as third,
    ):
        printed = [job.stdout.readline().strip() for job in (first, second, third)]
        assert sorted(printed) == ["cuda:0", "cuda:1", "cuda:2"]
        second.send_signal(signal.SIGKILL)
        second.wait()
        with running_job(tmp_path, **listed) as fourth:
            assert fourth.stdout.readline().strip() == printed[1]
            # A fifth one waits for nobody: it shares the first GPU, and says so.
            with running_job(tmp_path, **listed) as fifth:
                assert fifth.stdout.readline().strip() == "cuda:0"
                _, said = fifth.communicate("")
                assert "all 3 GPUs are taken: sharing GPU 4 with others (place 2)" in said


@pytest.fixture
def fresh(monkeypatch):
    """As in a process that has taken nothing."""

    def forget():
        monkeypatch.setattr(gpu_slots, "_taken", {})

    forget()
    return forget


def test_a_gpu_is_the_same_one_in_another_order_of_the_list(fresh, tmp_path):
    assert take_gpu(["a", "b"], tmp_path) == 0
    fresh()  # its locks are still held
    assert take_gpu(["b", "a"], tmp_path) == 0  # b: a is taken
    fresh()
    assert take_gpu(["b", "a", "c"], tmp_path) == 2


def test_places_are_spread_over_the_gpus_and_end(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_slots, "PLACES", 2)
    found = []
    for _ in range(4):
        fresh()
        found.append(take_gpu(["a", "b"], tmp_path))
    assert found == [0, 1, 0, 1]
    fresh()
    with pytest.raises(UserError, match="all 2 places of each taken; .* --resources gpu=N"):
        take_gpu(["a", "b"], tmp_path)


def test_locks_are_in_a_folder_of_ones_own(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_slots.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"dlvae-gpus-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="it belongs to another user, or is a link; .*TMPDIR"):
        take_gpu(["0"])
    with pytest.raises(UserError, match="export TMPDIR=FOLDER"):
        take_gpu(["0"], tmp_path / "missing")


def test_a_link_in_the_place_of_a_lock_is_not_followed(fresh, tmp_path):
    (tmp_path / "gpu-0.0.lock").symlink_to(tmp_path / "target")
    with pytest.raises(UserError, match="folder of one's own"):
        take_gpu(["0"], tmp_path)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, None),
        ({"CUDA_VISIBLE_DEVICES": "0, 2"}, ["0", "2"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,2"}, ["1"]),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
        ({"CUDA_VISIBLE_DEVICES": "0,1", "HIP_VISIBLE_DEVICES": "3"}, ["3"]),
        ({"ROCR_VISIBLE_DEVICES": "GPU-1,GPU-2"}, ["GPU-1", "GPU-2"]),
    ],
)
def test_visible_gpus_are_those_of_the_environment(environment, names):
    assert visible_gpus(environment) == names


def test_names_are_numbers_where_the_environment_lists_others_than_pytorch():
    assert gpu_names(2, {"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"}) == ["GPU-a", "GPU-b"]
    assert gpu_names(2, {"CUDA_VISIBLE_DEVICES": "0,1,9"}) == gpu_names(2, {}) == ["0", "1"]


def test_without_a_gpu_nothing_is_taken(fresh, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    use_threads(torch.get_num_threads())
    assert device() == torch.device("cpu") and not gpu_slots._taken


def test_a_program_that_uses_the_library_keeps_the_gpu_that_it_chose(fresh, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 5)
    assert device() == torch.device("cuda", 5) and not gpu_slots._taken


def test_a_manifest_says_the_kind_of_device_alone(tmp_path):
    for name, device_kind in (("cuda:3", "cuda"), ("cpu", "cpu"), (None, None)):
        write_manifest(tmp_path / "m.json", inputs={}, config={}, started=0.0, device=name)
        assert read_json(tmp_path / "m.json")["device"] == device_kind
