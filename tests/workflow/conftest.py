"""Dry runs of the workflow in copies of the repository, as a user would start them."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlvae.data.cifar10 import CLASSES
from waiting_snakemake import WaitingSnakemake

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["Snakefile", "workflow", "config", "profiles", "dlvae", "baselines", "eval", "reports"]
PARTS += ["README.md"]  # its tables are written from stored results


@dataclass(frozen=True)
class DryRun:
    """What Snakemake said it would do."""

    returncode: int
    text: str

    @property
    def rules(self) -> dict[str, int]:
        """Number of jobs by rule, targets included."""
        table = self.text.partition("Job stats:")[2].partition("total")[0]
        return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}

    @property
    def jobs(self) -> set[str]:
        """Messages of the jobs."""
        return set(re.findall(r"^Job \d+: (.*)$", self.text, re.MULTILINE))

    @property
    def nothing(self) -> bool:
        """Whether everything was there already."""
        return "Nothing to be done" in self.text and not self.rules


@pytest.fixture(scope="session")
def snakemake():
    """Call Snakemake in a copy of the repository: snakemake(folder, *arguments)."""
    waiting = WaitingSnakemake()
    yield waiting.call
    waiting.close()


@pytest.fixture(scope="session")
def plan(snakemake):
    """Dry-run: plan(folder, *arguments) is a DryRun, or the error in one."""

    def dry_run(folder: Path, *arguments: str) -> DryRun:
        done = snakemake(folder, "-n", *arguments)
        return DryRun(done.returncode, done.stdout)

    return dry_run


def copy_repository(folder: Path) -> Path:
    """Copy what the workflow consists of."""
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        ignored = shutil.ignore_patterns("__pycache__")
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part, **({"ignore": ignored} if source.is_dir() else {}))
    return folder


@pytest.fixture(scope="session")
def checkout():
    """Make a copy of the repository: checkout(folder) is that folder."""
    return copy_repository


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """A copy of the repository without results."""
    return copy_repository(tmp_path_factory.mktemp("plain") / "repository")


@pytest.fixture
def copy(tmp_path):
    """A copy of the repository of a test's own."""
    return copy_repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, snakemake):
    """A copy of the repository in which `smoke` looks complete: empty outputs, marked as made.

    Its ablations, learning curves and claims too, which are no part of `reproduce`.
    """
    folder = copy_repository(tmp_path_factory.mktemp("finished") / "repository")
    smoke = ["reproduce", "ablations", "learning_curves", "claims", "--config", "preset=smoke"]
    listed = snakemake(folder, "--summary", *smoke).stdout
    outputs = re.findall(r"^(results/\S+)\t", listed, re.MULTILINE)
    assert outputs, listed
    for output in outputs:
        (folder / output).parent.mkdir(parents=True, exist_ok=True)
        (folder / output).touch()
    touched = snakemake(folder, "--touch", "--forceall", "--cores", "1", *smoke)
    assert touched.returncode == 0, touched.stdout
    return folder


@pytest.fixture(scope="session")
def real_data(tmp_path_factory):
    """Made-up folders like those of a user: faces/, cifar10/ and unlabelled images."""
    root = tmp_path_factory.mktemp("my data")
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    names = {f"faces/person {k}": 64 for k in range(3)} | {"others/x": 64}
    names |= {f"cifar10/{name}": 32 for name in CLASSES}
    for name, side in names.items():
        (root / name).mkdir(parents=True)
        for index in range(10):
            Image.fromarray(pixels[:side, :side]).save(root / name / f"{index}.png")
    return root
