"""What is read outside of the repository: citation, archive, catalogue, forms of issues."""

import json
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    archive = json.loads((ROOT / ".zenodo.json").read_text())
    assert project["version"] == citation["version"] == archive["version"]
    assert project["license"] == citation["license"] == archive["license"]
    assert citation["title"] == archive["title"]
    assert {name["name"] for name in citation["authors"]} == {
        name["name"] for name in archive["creators"]
    }


def test_the_changelog_has_the_sections_of_its_format_each_once():
    text = (ROOT / "CHANGELOG.md").read_text()
    unreleased = text.partition("## Unreleased")[2].partition("\n## ")[0]
    heads = [line[4:] for line in unreleased.splitlines() if line.startswith("### ")]
    known = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Withdrawn"}
    assert heads and len(heads) == len(set(heads)) and set(heads) <= known


def test_the_catalogue_says_what_to_install_first():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert "pip install -c constraints.txt -e ." in usage["mandatory-flags"]["desc"]
    assert set(usage["software-stack-deployment"].values()) == {False} and usage["report"] is True


@pytest.mark.parametrize("name", ["defect", "number", "question"])
def test_forms_of_issues_have_what_the_site_asks_for(name):
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert form["name"] and form["description"] and form["labels"]
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids)) and all(f["attributes"]["label"] for f in form["body"])
    assert {field["type"] for field in form["body"]} <= {"input", "textarea"}


def test_links_of_the_contributors_page_lead_somewhere():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    targets = [part.partition(")")[0] for part in text.split("](")[1:]]
    assert len(targets) > 5
    for target in targets:
        assert (ROOT / target.partition("#")[0]).exists(), target
