"""Protocol files: how scores are taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from corpus.bad_input import CANARY, PROTOCOLS, BadInput
from corpus.command_lines import BOMB
from eval.protocol import load_protocol

TEXT = (PROTOCOLS / "v2.yaml").read_text(encoding="utf-8")


def file(name: str, said: str, content: str | bytes) -> BadInput:
    """Return a case of a file with this content."""

    def run(folder: Path) -> None:
        text = content
        if isinstance(text, str):
            text = text.replace("CANARY", str(folder / CANARY)).encode()
        (folder / "protocol.yaml").write_bytes(text)
        for variant in load_protocol(folder / "protocol.yaml").ms_ssim.values():
            variant.at(32)

    return BadInput(name, said, run)


def key(name: str, said: str, change: Callable[[dict[str, Any]], Any]) -> BadInput:
    """Return a case of the shipped protocol with one change."""
    content = yaml.safe_load(TEXT)
    change(content)
    return file(name, said, yaml.safe_dump(content))


def put(section: str, **values: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what sets keys of a section."""
    return lambda content: (content[section] if section else content).update(values)


def standard(**values: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what sets keys of the primary variant of MS-SSIM."""
    return lambda content: content["ms_ssim"]["standard"].update(values)


PROTOCOL_FILES = [
    BadInput("a file that is not there", "found nothing", lambda folder: load_protocol(
             folder / "no")),
    BadInput("a folder", "found a folder", load_protocol),
    file("a binary file", "expected UTF-8 text", bytes(range(256))),
    file("an empty file", "expected keys with values, found nothing", ""),
    file("a list", "expected keys with values, found a list", "- 1\n"),
    file("a key twice", "'id' stands twice", TEXT + "id: v3\n"),
    file("a bomb of aliases", "aliases", TEXT + BOMB),
    file("a tag that calls Python", "tag", TEXT + "x: !!python/object/apply:open [CANARY, w]\n"),
    key("an unknown key", "unknown key 'step'", put("", step=1)),
    key("a key that is misspelt", "Did you mean 'inception'?", put("", inceptoin={"splits": 1})),
    key("a key that is missing", "missing key 'checkpoint'", lambda c: c.pop("checkpoint")),
    key("weights that are not the last ones", "checkpoint: expected final", put("",
        checkpoint="best")),
    key("no splits", "inception.splits: expected an integer of at least 1", put("inception",
        splits=0)),
    key("no images per class", "samples.few: expected an integer of at least 1", put("samples",
        few=0)),
    key("10^18 images per class", "samples.few: expected an integer of at least 1",
        put("samples", few=10**18)),
    key("two groups", "intervals.groups: expected an integer of at least 3", put("intervals",
        groups=2)),
    key("10^12 resamples", "intervals.draws: expected", put("intervals", draws=10**12)),
    key("an agreement of 2", "judges.agreement: expected a number", put("judges", agreement=2)),
    key("an agreement of NaN", "judges.agreement: expected a number",
        put("judges", agreement=float("nan"))),
    key("a pixel range from high to low", "expected [low, high]", standard(pixel_range=[255, 0])),
    key("weights without the scales", "weights: expected a list of at least one", standard(
        weights=[])),
    key("a data range of 0", "data_range: expected a number above 0", standard(data_range=0)),
    key("a window larger than the image", "window", standard(sizes={"32": {"window": 99,
        "scales": 3}})),
]  # fmt: skip
