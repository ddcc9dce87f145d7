"""Fingerprint of the code behind a stage, so that stale results cannot survive a code change.

Snakemake sees neither edits in imported modules nor their absence of meaning. The fingerprint
covers a module and everything it imports from this project, comments and docstrings aside: a
comment reruns nothing, a changed number reruns exactly the stages that can see it. A file that a
module names and that lies beside it or its folder (a template, a table of numbers) counts with its
content.

A model of an installed package counts like one of the project: the module that the caller names,
and what it imports of its own distribution and of the project. Other packages do not count, and
neither does compiled code.

Reading 240 modules takes half of a dry run, so what was found is remembered while no file of the
project changes, see :mod:`dlvae.fast.remembered`.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib import util
from pathlib import Path

from dlvae.fast.remembered import Remembered
from dlvae.stage.registry import installed_models

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dlvae", "baselines", "eval", "reports")


@cache
def fingerprint(*modules: str) -> str:
    """Return 12 hex digits over the normalised source of ``modules`` and their imports.

    Only static imports count: what a registry finds by name (a baseline, say) is named by the
    caller. Modules are located without importing them, so this costs no torch import.
    """
    if all(name.partition(".")[0] in PACKAGES for name in modules):
        return _remembered().get(" ".join(modules), lambda: _of_sources(modules))
    return _of_sources(modules)


@cache
def _remembered() -> Remembered:
    return Remembered([ROOT / package for package in PACKAGES])


def _of_sources(modules: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(closure(*modules)):
        digest.update(f"{name}\n{_normalised(name)}\n".encode())
        for path in _named_files(name):
            digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def closure(*modules: str) -> set[str]:
    """Return what counts of what ``modules`` import, directly or not, themselves included.

    Modules of the project count, and those of the distributions that ``modules`` come from.
    """
    seen: set[str] = set()
    pending, counted = list(modules), {*PACKAGES, *_packages_beside(modules)}
    while pending:
        name = pending.pop()
        if name in seen or name.partition(".")[0] not in counted or _path(name) is None:
            continue
        seen.add(name)
        # Importing a.b.c runs a/__init__ and a.b/__init__ too.
        pending += [name.rpartition(".")[0]] if "." in name else []
        pending += _imports(name)
    return seen


def _packages_beside(modules: Iterable[str]) -> set[str]:
    """Return the top-level packages of the distributions that offer models outside the project.

    Those of ``modules`` at least: an editable installation does not list its files.
    """
    named = {module.partition(".")[0] for module in modules} - {*PACKAGES}
    found = set(named)
    for point in installed_models() if named else ():
        if point.module.partition(".")[0] in named and point.dist:
            files = point.dist.files or ()
            found |= {file.parts[0].removesuffix(".py") for file in files if file.suffix == ".py"}
    return found


@cache
def _path(name: str) -> Path | None:
    top, *rest = name.split(".")
    for place in [ROOT / top] if top in PACKAGES else _places(top):
        base = place.joinpath(*rest)
        for candidate in (base.with_suffix(".py"), base / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def _places(top: str) -> list[Path]:
    """Return where a top-level package outside the project lies, one ending for its folder or file.

    Only the import system knows (an editable installation has a finder of its own). It runs no code
    of a top-level package to find it; for one inside another it would, hence paths below.
    """
    spec = util.find_spec(top)
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(folder) for folder in spec.submodule_search_locations]
    return [Path(spec.origin).with_suffix("")] if spec.has_location else []


@cache
def _tree(name: str) -> ast.Module:
    path = _path(name)
    assert path is not None
    return ast.parse(path.read_bytes(), filename=str(path))


@cache
def _imports(name: str) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = name if _path(name).name == "__init__.py" else name.rpartition(".")[0]
            source = util.resolve_name("." * node.level + (node.module or ""), package)
            # "from package import module" and "from module import name" look the same.
            found += [source, *(f"{source}.{alias.name}" for alias in node.names)]
    return tuple(found)


@cache
def _named_files(name: str) -> list[Path]:
    """Return the files other than modules that lie beside a module or its folder, named in it."""
    folders = [_path(name).parent, *_path(name).parents[1 : name.count(".")]]
    texts = {node.value for node in ast.walk(_tree(name)) if isinstance(node, ast.Constant)}
    names = {
        text for text in texts if isinstance(text, str) and Path(text).suffix not in ("", ".py")
    }
    beside = (path for folder in folders for path in folder.iterdir())
    return sorted(path for path in beside if path.name in names and path.is_file())


@cache
def _normalised(name: str) -> str:
    # Python 3.13 leaves out empty lists where it is not asked to show them.
    shown = {"show_empty": True} if sys.version_info >= (3, 13) else {}
    return ast.dump(_AsInPython311().visit(_tree(name)), include_attributes=False, **shown)


class _AsInPython311(ast.NodeTransformer):
    """Drop what gives no number: every text that stands for itself, as docstrings do, those of
    attributes among them; and type parameters where there are none, a field since Python 3.12.

    So stored fingerprints, which Python 3.11 wrote, hold with every Python.
    """

    def visit(self, node):
        if getattr(node, "type_params", None) == []:
            del node.type_params
        return super().visit(node)

    def visit_Expr(self, node):
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else node
