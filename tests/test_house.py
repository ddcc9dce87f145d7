"""The map of the house: what it names exists, and the walk of a score is as short as it says."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
WALK = re.findall(r"^\| `([\w.]+)` \| `([\w/]+\.py)` \|", TEXT, re.MULTILINE)
# Command lines, and what they read by, hand on what a function of the walk made.
HANDING_ON = ("eval/judge/features.py", "eval/scores/__main__.py", "reports/tables/__main__.py")
HANDING_ON += ("reports/tables/inputs.py",)


def functions(file):
    """Functions of a module and methods, as ``Class.method``: their syntax trees by name."""
    tree, found = ast.parse((ROOT / file).read_text(encoding="utf-8")), {}
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for part in inside:
            if isinstance(part, ast.FunctionDef):
                found[f"{node.name}.{part.name}" if part is not node else part.name] = part
    return found


def names_in(tree):
    """Names and attributes that a piece of code uses, not those that it imports or defines."""
    nodes = ast.walk(tree)
    return {n.id if isinstance(n, ast.Name) else n.attr
            for n in nodes if isinstance(n, ast.Name | ast.Attribute)}  # fmt: skip


def test_the_walk_of_a_score_is_short_and_its_functions_exist():
    assert 8 <= len(WALK) <= 12 and len({file for _, file in WALK}) <= 8
    for name, file in WALK:
        assert name in functions(file), f"{file} has no function {name}"
    said = re.search(r"That is (\d+) functions in (\d+) files", TEXT).groups()
    assert tuple(map(int, said)) == (len(WALK), len({file for _, file in WALK}))


def test_every_step_of_the_walk_is_called_by_another_or_by_a_command_line():
    """`JUDGED` is the table by which the family calls its measures."""
    files = {file for _, file in WALK} | {*HANDING_ON}
    trees = [ast.parse((ROOT / file).read_text(encoding="utf-8")) for file in files]
    used = set().union(*map(names_in, trees))
    assert {name.rpartition(".")[2] for name, _ in WALK} <= used


def test_files_and_folders_that_the_map_names_exist():
    rooms = ("workflow/", "reports/", "eval/", "dlvae/", "baselines/", "tests/", "config/")
    places = [name for name in re.findall(r"`([\w/.]+)`", TEXT) if name.startswith(rooms)]
    assert len(places) > 25
    assert not [name for name in places if not (ROOT / name).exists()]


def test_names_in_the_instructions_exist():
    """In 'A of `file`', A is defined there."""
    pairs = re.findall(r"`(\w+)` (?:of|in)\s+`([\w/]+\.py)`", TEXT)
    assert len(pairs) >= 7
    for name, file in pairs:
        defined = {
            node.id if isinstance(node, ast.Name) else node.name
            for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        }
        assert name in defined, f"{file} has no {name}"
