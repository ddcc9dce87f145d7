"""What jobs ask of machines, and whose profile says so."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from workflow.plan import resources as asking
from workflow.plan.resources import by_attempt, gpus_here, look_once_per_job

SMOKE = ["--config", "preset=smoke"]
LISTED = """GPU 0: NVIDIA A (UUID: GPU-1)
GPU 1: NVIDIA B (UUID: GPU-2)
"""
DIVIDED = """GPU 0: NVIDIA A (UUID: GPU-1)
  MIG 1g.5gb Device 0: (UUID: MIG-1)
  MIG 1g.5gb Device 1: (UUID: MIG-2)
"""
VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


@pytest.fixture
def build(monkeypatch):
    """build(version) pretends that PyTorch is of that version, and that nothing is said of GPUs."""
    for variable in VISIBLE:
        monkeypatch.delenv(variable, raising=False)

    def pretend(version):
        monkeypatch.setattr(asking.metadata, "version", lambda package: version)

    pretend("2.9.0")
    return pretend


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """nvidia_smi(text, status) puts a program of that name before the machine's own."""

    def write(text, status=0):
        program = tmp_path / "nvidia-smi"
        program.write_text(
            f"#!/bin/sh\ntest \"$1\" = -L || exit 9\nprintf '{text}'\nexit {status}\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return write


def test_resources_grow_by_attempt():
    assert [by_attempt(30)(None, attempt) for attempt in (1, 2, 3)] == [30, 60, 90]
    assert by_attempt(lambda wildcards: len(wildcards))("four", 2) == 8


# --- GPUs of this machine ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status", "count"),
    [(LISTED, 0, 2), (DIVIDED, 0, 2), ("", 0, 0), ("NVIDIA-SMI has failed", 9, 0)],
)
def test_gpus_are_those_that_the_driver_lists(build, nvidia_smi, text, status, count):
    nvidia_smi(text, status)
    assert gpus_here() == count


def test_no_driver_is_no_gpu(build, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus_here() == 0


def test_the_environment_says_which_gpus_are_visible(build, nvidia_smi, monkeypatch):
    nvidia_smi(LISTED)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpus_here() == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus_here() == 0
    build("2.9.0+cpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpus_here() == 0


def test_gpus_of_rocm_are_counted(build, tmp_path, monkeypatch):
    build("2.9.0+rocm6.4")
    monkeypatch.setattr(asking, "ROCM_NODES", tmp_path)
    for node, units in enumerate((0, 480, 480)):  # the first one is the processor
        (tmp_path / str(node)).mkdir()
        text = f"cpu_cores_count {0 if units else 64}\nsimd_count {units}\n"
        (tmp_path / str(node) / "properties").write_text(text)
    assert gpus_here() == 2
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0")
    assert gpus_here() == 1


# --- Profiles ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unworded(tmp_path_factory, checkout):
    """A copy of the repository whose rules have no messages, so that a plan shows resources."""
    folder = checkout(tmp_path_factory.mktemp("unworded") / "repository")
    for rules in (folder / "workflow" / "rules").glob("*.smk"):
        text = rules.read_text()
        rules.write_text(re.sub(r"\n    message:\n +\".*\"", "", text))
    return folder


def resources(found):
    """Return what the jobs of each rule ask for, as printed: {rule: {resource: value}}."""
    assert found.returncode == 0, found.text
    blocks = re.findall(r"^(?:local)?rule (\w+):\n((?: {4}.*\n)+)", found.text, re.MULTILINE)
    asked = {rule: re.search(r"resources: (.*)", block) for rule, block in blocks}
    return {
        rule: dict(part.split("=") for part in words[1].split(", ") if "=" in part)
        for rule, words in asked.items()
        if words
    }


TRAINED = "results/smoke/models/digits/cvae/seed0/weights.safetensors"
LEARNING = ("train", "evaluator_member", "fit_prior", "sample", "features", "evaluator_report")


def test_a_host_without_gpus_asks_for_those_that_the_profile_gives(unworded, plan, monkeypatch):
    """And every job that a cluster runs has a time limit and memory; the others are light."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = plan(unworded, "reproduce", "claims", *SMOKE, "--resources", "gpu=4")
    assert "localrules directive specifies rules" not in found.text
    asked = resources(found)
    assert all(asked[rule]["gpu"] == "1" for rule in (*LEARNING, "train_semi", "panel", "factors"))
    assert "gpu" not in asked["prepare"]
    snakefile = (unworded / "workflow" / "Snakefile").read_text()
    listed = re.search(r"^localrules:\n((?: {4}\w+,\n)+)", snakefile, re.MULTILINE)[1]
    local = {name.strip(" ,") for name in listed.splitlines()}
    assert {"table", "draw", "report", "judge_claims"} <= local & asked.keys()
    asked = {rule: values for rule, values in asked.items() if "mem_mb" in values}
    assert len(asked) >= 16  # rules that run something, not targets by their names alone
    for rule, values in asked.items():
        assert ("runtime" in values) == (rule not in local), rule
    assert all(int(values.get("runtime", 30)) >= 30 for values in asked.values())


def test_gpus_are_detected_where_nothing_is_said_and_can_be_refused(unworded, plan, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    detected = min(1, gpus_here())  # none with a PyTorch for processors alone
    asked = resources(plan(unworded, TRAINED, *SMOKE))
    assert asked["train"]["gpu"] == str(detected)
    refused = resources(plan(unworded, TRAINED, *SMOKE, "--resources", "gpu=0"))
    assert refused["train"]["gpu"] == "0"


# What Snakemake makes of its command line and of the profiles: cores, limits.
PARSED = """
import json, sys
from snakemake.cli import parse_args
_, args = parse_args(sys.argv[1:])
limits = {name: limit.value for name, limit in (args.resources or {}).items()}
print(json.dumps({"cores": args.cores, "executor": args.executor, **limits}))
"""


def settings(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", PARSED, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_profile_that_is_asked_for_wins_over_the_default_one(repository, tmp_path, monkeypatch):
    (tmp_path / "profile.yaml").write_text("cores: 3\nresources:\n  mem_mb: 999\n")
    own = {"cores": 3, "executor": None, "mem_mb": 999}
    assert settings(repository)["mem_mb"] == 4096
    assert settings(repository, "--cores", "1")["cores"] == 1
    assert settings(repository, "--profile", str(tmp_path)) == own
    assert settings(repository, f"--profile={tmp_path}") == own
    assert settings(repository, "--workflow-profile", str(tmp_path)) == own
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(tmp_path))
    assert settings(repository) == own


def test_a_machine_with_several_gpus_gives_its_memory(repository):
    found = settings(repository, "--workflow-profile", "multi_gpu")
    whole = psutil.virtual_memory().total / 2**20
    assert found["cores"] >= 1 and 0.85 * whole < found["mem_mb"] < 0.95 * whole
    assert found == settings(repository, "--profile", "profiles/multi_gpu")


@pytest.mark.slow
def test_the_profile_of_slurm_asks_for_gpus_and_leaves_the_rest_to_ones_own(
    unworded, plan, tmp_path
):
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="the extra 'slurm'")
    slurm = ["--profile", "profiles/slurm"]
    asked = resources(plan(unworded, TRAINED, *SMOKE, *slurm))
    assert asked["train"]["gpu"] == "1" and asked["train"]["runtime"] == "240"
    (tmp_path / "profile.yaml").write_text(
        "jobs: 2\nresources:\n  gpu: 0\ndefault-resources:\n  slurm_partition: mine\n"
        "set-resources:\n  train:\n    runtime: 1440\n"
    )
    both = [*slurm, "--profile", str(tmp_path)]
    found = settings(unworded, *both)
    assert found["executor"] == "slurm" and found["gpu"] == 0
    asked = resources(plan(unworded, TRAINED, *SMOKE, *both))
    assert asked["train"]["gpu"] == "0" and asked["train"]["runtime"] == "1440"
    assert asked["prepare"]["slurm_partition"] == "mine"


# --- How often Snakemake looks for jobs --------------------------------------------------------


@pytest.mark.parametrize(("limit", "stays"), [((100, 1), False), ((5, 1), True), (None, True)])
def test_a_limit_of_starting_jobs_that_was_asked_for_stays(limit, stays):
    scheduler = SimpleNamespace(job_rate_limiter="the limiter")
    asked = limit and SimpleNamespace(max_jobs=limit[0], timespan=limit[1])
    look_once_per_job(scheduler, SimpleNamespace(max_jobs_per_timespan=asked))
    assert (scheduler.job_rate_limiter is not None) == stays
