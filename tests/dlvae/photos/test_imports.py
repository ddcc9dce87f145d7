"""OpenCV is a matter of this stage: no other one waits for it, or breaks without it."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_opencv_is_imported_by_photos_alone_and_inside_functions():
    users = set()
    for package in ("dlvae", "baselines", "eval", "reports", "workflow"):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not any(map(_imports_opencv, tree.body)), path
            users |= (
                {path.relative_to(ROOT)} if any(map(_imports_opencv, ast.walk(tree))) else set()
            )
    assert users and all(path.is_relative_to("dlvae/photos") for path in users), users


def _imports_opencv(node):
    named = isinstance(node, ast.Import) and "cv2" in [alias.name for alias in node.names]
    return named or (isinstance(node, ast.ImportFrom) and node.module == "cv2")
