"""What is known of a data set beyond what its preparation measures: `about.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict


class About(BaseModel):
    """One data set of `about.yaml`, in sentences; what nobody knows is absent or "unknown"."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    title: str
    description: str
    url: str | None = None
    """page of the source"""
    creators: dict[str, str]
    """who made the source: name, and Person or Organization"""
    published: str | None = None
    """ISO date of the source"""
    citation: str | None = None
    """BibTeX"""
    licence: str
    licence_url: str | None = None
    licence_note: str | None = None
    keywords: list[str]
    collection_type: list[str]
    """values that the RAI vocabulary recommends"""
    collection: str
    annotation: str
    """where the labels come from"""
    uses: list[str]
    misuses: list[str] = []
    """what it must not be used for"""
    limits: list[str]
    """defects that whoever prepares it inherits"""
    biases: list[str] = []
    personal: list[str] = []
    """what can be learned of people"""
    impact: str | None = None


@cache
def about(dataset: str) -> About:
    """Return what is known of a data set."""
    text = Path(__file__).with_name("about.yaml").read_text(encoding="utf-8")
    return About.model_validate(yaml.safe_load(text)[dataset])
