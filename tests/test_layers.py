"""Imports point one way: workflow.plan -> reports -> eval -> dlvae <- baselines."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "dlvae": {"dlvae"},
    "baselines": {"baselines", "dlvae"},
    "eval": {"eval", "dlvae"},
    "reports": {"reports", "eval", "dlvae"},
    "workflow": {"workflow", "reports", "eval", "dlvae"},
}
FORBIDDEN = {"snakemake"}
# What is made of images and models stands on what every command line shares, never beneath it.
BENEATH = {"dlvae/stage": ("dlvae.data", "dlvae.method", "dlvae.train", "dlvae.photos")}


def imported(path):
    """Modules that a module imports, anywhere in it, and the lines where it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def imports(path):
    """Top-level packages that a module imports, anywhere in it."""
    return ((name.partition(".")[0], line) for name, line in imported(path))


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_follow_the_arrows(package):
    against = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, line in imports(path)
        if name in FORBIDDEN or (name in ALLOWED and name not in ALLOWED[package])
    ]
    assert not against, "\n".join(against)


@pytest.mark.parametrize("room", BENEATH)
def test_rooms_import_none_that_stand_on_them(room):
    modules = sorted((ROOT / room).rglob("*.py"))
    found = [(path, *place) for path in modules for place in imported(path)]
    assert ("dlvae.stage.errors.UserError" in {name for _, name, _ in found}) and len(modules) > 9
    against = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path, name, line in found
        if f"{name}.".startswith(tuple(f"{above}." for above in BENEATH[room]))
    ]
    assert not against, "\n".join(against)


NAMES_OF_THE_CONTRACT = {"__init__", "__main__", "model", "options", "Config"}


def named_things():
    """Each module, package and public class of the rooms: its name and where it is."""
    for room in ALLOWED:
        for path in sorted((ROOT / room).rglob("*.py")):
            place = path.relative_to(ROOT)
            if path.name == "__init__.py":
                yield place.parent.name, str(place.parent)
            else:
                yield path.stem, str(place)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    yield node.name, f"{place}:{node.lineno}"


def test_a_name_means_one_module_package_or_class():
    """Every baseline has a `model`, and `options` with its `Config`; all other names are unique."""
    found = defaultdict(list)
    for name, place in named_things():
        found[name].append(place)
    assert len(found) > 250
    twice = {
        name: places
        for name, places in found.items()
        if len(places) > 1 and name not in NAMES_OF_THE_CONTRACT
    }
    assert not twice


def test_core_names_no_baseline():
    names = {path.parent.name for path in (ROOT / "baselines").glob("*/model.py")}
    for path in sorted((ROOT / "dlvae").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in names, f"{path}:{node.lineno} names a baseline"


def test_light_modules_import_no_torch():
    """What draws, sets tables and plans the workflow starts fast: it imports no torch."""
    light = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for room in ("reports", "workflow")
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    light += [
        "dlvae.config.preset",
        "dlvae.stage.fingerprint",
        "dlvae.stage.registry",
        "eval",
        "eval.protocol",
    ]
    light += ["baselines.__main__"]
    code = (
        "import importlib, sys\n"
        f"for name in {light!r}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


COMPILER = {"torch._dynamo", "sympy"}
OTHERS = {"timm", "torchvision", "torch_fidelity", "sklearn", "scipy.stats", "pandas", "matplotlib"}
NEEDLESS = {
    # Scores of feature sets that are there already, and what reads them.
    (
        "eval.scores.inception",
        "eval.scores.__main__",
        "eval.judge.report_card",
        "eval.judge.features",
    ): {
        "torch",
        *COMPILER,
        *OTHERS,
    },
    # Training, sampling, judging by our own networks, scoring and showing by them.
    (
        "dlvae.train.__main__",
        "dlvae.method.algorithm1",
        "dlvae.sample",
        "eval.judge.__main__",
        "eval.judge.evaluator",
        "eval.judge.predict",
        "eval.judge.factor_regressor",
        "eval.scores.diversity",
        "eval.panels.__main__",
        "eval.panels.figure3",
    ): COMPILER | OTHERS,
}


@pytest.mark.parametrize("stages", NEEDLESS, ids=lambda stages: stages[0])
def test_stages_import_no_package_that_they_do_not_need(stages):
    """A run has dozens of jobs, each of them a process that would wait for its imports."""
    code = (
        "import importlib, sys\n"
        f"for name in {stages!r}:\n"
        "    importlib.import_module(name)\n"
        f"    found = {NEEDLESS[stages]!r} & sys.modules.keys()\n"
        "    assert not found, (name, found)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_our_evaluator_is_built_without_timm():
    code = (
        "import sys\n"
        "from eval.judge.classifiers.architecture import build_network\n"
        "build_network('inception_resnet_v1', 3, 32, 0.0625)\n"
        "assert not {'timm', 'torchvision'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
