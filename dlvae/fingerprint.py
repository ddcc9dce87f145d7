"""Fingerprint of the code behind a stage, so that stale results cannot survive a code change.

Snakemake sees neither edits in imported modules nor their absence of meaning. The fingerprint
covers a module and everything it imports from this project, comments and docstrings aside: a
comment reruns nothing, a changed number reruns exactly the stages that can see it. A file that a
module names and that lies beside it (a template, a table of numbers) counts with its content.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("dlvae", "baselines", "eval", "reports")


@cache
def fingerprint(*modules: str) -> str:
    """Return 12 hex digits over the normalised source of ``modules`` and their imports.

    Only static imports count: what a registry finds by name (a baseline, say) is named by the
    caller. Modules are located without importing them, so this costs no torch import.
    """
    digest = hashlib.sha256()
    for name in sorted(closure(*modules)):
        digest.update(f"{name}\n{_normalised(name)}\n".encode())
        for path in _named_files(name):
            digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def closure(*modules: str) -> set[str]:
    """Return the project modules that ``modules`` import, directly or not, themselves included."""
    seen: set[str] = set()
    pending = list(modules)
    while pending:
        name = pending.pop()
        if name in seen or _path(name) is None:
            continue
        seen.add(name)
        # Importing a.b.c runs a/__init__ and a.b/__init__ too.
        pending += [name.rpartition(".")[0]] if "." in name else []
        pending += _imports(name)
    return seen


def _path(name: str) -> Path | None:
    if name.partition(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*name.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _tree(name: str) -> ast.Module:
    path = _path(name)
    assert path is not None
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def _imports(name: str) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # "from package import module" and "from module import name" look the same.
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _named_files(name: str) -> list[Path]:
    """Return the files other than modules that lie beside a module and occur in it by name."""
    folder = _path(name).parent
    texts = {node.value for node in ast.walk(_tree(name)) if isinstance(node, ast.Constant)}
    names = {
        text for text in texts if isinstance(text, str) and Path(text).suffix not in ("", ".py")
    }
    return sorted(path for path in folder.iterdir() if path.name in names and path.is_file())


@cache
def _normalised(name: str) -> str:
    return ast.dump(_WithoutDocstrings().visit(_tree(name)), include_attributes=False)


class _WithoutDocstrings(ast.NodeTransformer):
    def _strip(self, node):
        self.generic_visit(node)
        first = node.body[0] if node.body else None
        is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        if is_text and isinstance(first.value.value, str):
            node.body = node.body[1:]
        return node

    visit_Module = visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _strip
