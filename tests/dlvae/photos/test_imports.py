"""OpenCV is a matter of this stage: no other one waits for it, or breaks without it."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_opencv_is_imported_by_photos_alone_and_inside_functions():
    for package in ("dlvae", "baselines", "eval", "reports", "workflow"):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            inside = path.is_relative_to(ROOT / "dlvae" / "photos")
            for node in tree.body if inside else ast.walk(tree):
                names = [alias.name for alias in getattr(node, "names", [])]
                assert "cv2" not in names, f"{path}:{node.lineno}"
