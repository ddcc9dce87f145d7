"""Imports point one way: reports -> eval -> dlvae <- baselines."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "dlvae": {"dlvae"},
    "baselines": {"baselines", "dlvae"},
    "eval": {"eval", "dlvae"},
    "reports": {"reports", "eval", "dlvae"},
}
FORBIDDEN = {"snakemake", "workflow"}


def imports(path):
    """Top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield (node.module or "").partition(".")[0], node.lineno


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_follow_the_arrows(package):
    against = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, line in imports(path)
        if name in FORBIDDEN or (name in ALLOWED and name not in ALLOWED[package])
    ]
    assert not against, "\n".join(against)


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
        for path in sorted((ROOT / "reports").rglob("*.py"))
        if path.name != "__init__.py"
    ]
    light += ["dlvae.config", "dlvae.fingerprint", "dlvae.registry", "eval.protocol"]
    light += ["baselines.new"]
    code = (
        "import importlib, sys\n"
        f"for name in {light!r}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
