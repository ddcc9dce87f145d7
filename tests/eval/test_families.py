"""The table of families against the modules that score and what their inputs are."""

import ast
from pathlib import Path

import pytest

from eval.families import (
    ENCODING,
    FAMILIES,
    FAMILY_OF,
    TRAINED,
    families_of,
    families_on,
    is_judged,
)
from workflow.plan.targets import STUDIES

ROOT = Path(__file__).resolve().parents[2]


def asked_for(family):
    """Input names that a family asks its request for: request.path("images") ..."""
    module, found = FAMILIES[family].module_name, set()
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    if sum(row.module_name == module for row in FAMILIES.values()) > 1:
        tree = next(node for node in tree.body if getattr(node, "name", "") == family)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            own = [a.value for a in node.args if isinstance(a, ast.Constant)]
            found |= set(own) if node.func.attr in ("path", "has") else set()
    return found


def test_every_module_of_scores_holds_a_family():
    modules = {path.stem for path in (ROOT / "eval" / "scores").glob("[!_]*.py")}
    assert {f"eval.scores.{name}" for name in modules} == {
        row.module_name for row in FAMILIES.values()
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_reads_what_its_module_asks_for(family):
    row = FAMILIES[family]
    asked = asked_for(family)
    # That of logits names its inputs in a table.
    assert (asked or row.of_logits) and asked <= {*row.reads, *row.optional}
    assert not set(row.reads) & set(row.optional)


def test_who_has_what_a_family_reads():
    able = {name: {m for m in ("real", "cgan", "theirs", "ours") if row.can_be_had_of(m)}
            for name, row in FAMILIES.items()}  # fmt: skip
    assert able["inception"] == {"real", "cgan", "theirs", "ours"}
    assert able["codes"] == able["priors"] == {"theirs", "ours"}
    assert able["swaps"] == able["walks"] == able["effects"] == {"ours"}
    assert able["progress"] == able["inpainting"] == {"cgan", "theirs", "ours"}
    # Whoever runs a model cannot score real images.
    assert all("real" not in able[name] for name, row in FAMILIES.items() if row.runs_model)
    assert all(row.runs_model for row in FAMILIES.values() if row.of in (TRAINED, ENCODING))


def test_a_metric_is_of_one_family():
    metrics = [metric for row in FAMILIES.values() for metric in row.metrics]
    assert len(metrics) == len(set(metrics)) == len(FAMILY_OF)
    assert families_of(["fid", "mahalanobis_ratio", "recall", "updates"]) == [
        "fidelity", "priors", "progress",
    ]  # fmt: skip


def test_pages_beside_the_tables_name_whole_families():
    found = {page: families_on(page) for row in FAMILIES.values() for page in row.pages}
    assert found.keys() == {"compare", *STUDIES} - {"claims"}
    assert found["compare"] == ["inception", "diversity", "fidelity"]
    assert found["ablations"] == [*found["compare"], "codes", "priors"]


def test_scores_of_logits_alone_need_no_torch():
    assert [name for name, row in FAMILIES.items() if row.of_logits] == ["inception"]


@pytest.mark.parametrize(
    ("metric", "judged"),
    [
        ("inception_score:plain", True), ("label_fidelity:half", True), ("fid", True),
        ("copies_share", True), ("walk_ratio:b", True), ("walk_consistency_features:b", True),
        ("walk_consistency:b", False), ("sharpness_ratio", False), ("judge_agreement", False),
        ("d_intra_standard", False), ("inpaint_psnr:eyes", False), ("swap_identity:seen", True),
        ("verification_auc:unseen", True), ("swap_factors:seen", False),
        ("coordinate_top1_plain", True), ("reconstruction_mse", False),
    ],
)  # fmt: skip
def test_what_the_evaluators_see(metric, judged):
    assert is_judged(metric) == judged
