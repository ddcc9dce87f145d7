"""What to say where something cannot be compared with the stored results."""

from __future__ import annotations

import os

from reports.freeze.stored import PROTOCOL, Stored


def other_data(dataset: str, expected: str, found: str) -> str:
    """Say that prepared data, by their hash, are not those behind the stored scores."""
    return (
        f"{dataset}: expected the prepared data of the stored results, {expected}, found {found}: "
        "other images, so that no score can be compared. Another `data` section, another data_root "
        "or other files in it, or another version of a package that reads or renders them may be "
        "the cause; go back to the stored configuration, or make and freeze results of your own "
        "data"
    )


def other_protocol(stored: Stored, found: str) -> str:
    """Say that scores are taken in another way than the stored ones."""
    overrides = stored.config.get("bn_eval")
    path = os.path.relpath(stored.folder / PROTOCOL)
    return (
        f"expected the protocol of the stored results, {stored.protocol.label}, found {found}: "
        "samples and scores taken in another way cannot be compared; say --config "
        f"protocol={path} bn_eval={'null' if overrides is None else overrides}"
    )
