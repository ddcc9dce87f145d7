"""What a check found in images from outside that are scored all the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

NOTE = "note"
"""Nothing is wrong, but the images are not quite those that were handed in."""

WARNING = "warning"
"""The scores may mislead."""


@dataclass(frozen=True)
class Finding:
    """One thing that a reader of the scores should know.

    Attributes:
        kind: a word that tells findings apart.
        severity: `NOTE` or `WARNING`.
        text: one or more sentences, for people.
    """

    kind: str
    severity: str
    text: str


def listed(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return findings as JSON holds them, warnings first."""
    return [asdict(found) for found in sorted(findings, key=lambda found: found.severity == NOTE)]


def percent(share: float) -> str:
    """Return a share (0..1) as text."""
    return f"{100 * share:.3g} %"


def show(findings: Iterable[Finding]) -> None:
    """Print findings, a line each, warnings first."""
    for found in listed(findings):
        print(f"{found['severity']}: {found['text']}")
