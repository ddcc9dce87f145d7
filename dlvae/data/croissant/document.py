"""The whole document: `croissant.json`, JSON-LD by Croissant 1.1 and its RAI vocabulary 1.0.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html and
https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlvae.data.croissant.about import About, about
from dlvae.data.croissant.facts import Facts, read_facts
from dlvae.data.croissant.limits import measured_limits, preparation
from dlvae.data.croissant.records import HOW_TO_READ, files, record_sets
from dlvae.stage.artefact import write_text

NAME = "croissant.json"
CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
# Words of the vocabulary, by Appendix 1 of the specification and by mlcroissant, which warns where
# one is missing.
WORDS = """
    arrayShape citeAs column containedIn equivalentProperty extract field fileObject
    fileProperty fileSet format includes isArray isLiveDataset jsonPath key md5 parentField
    path recordSet references regex repeated replace samplingRate separator source subField
    transform value
""".split()
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{word: f"cr:{word}" for word in WORDS},
}


def write_croissant(folder: str | Path) -> dict[str, Any]:
    """Write `croissant.json` beside the `card.json` of a prepared data set.

    Returns:
        The document as written; the same files give the same bytes.

    Raises:
        UserError: see `read_facts`.
    """
    document = croissant(read_facts(folder))
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    write_text(Path(folder) / NAME, text)
    return document


def croissant(facts: Facts) -> dict[str, Any]:
    """Return the document of a prepared data set; what nobody knows is left out."""
    card, known = facts.card, about(facts.card["dataset"])
    name = card["dataset"] + ("_unlabelled" if facts.unlabelled else "")
    title = known.title + (", unlabelled" if facts.unlabelled else "")
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "alternateName": title,
        "conformsTo": CONFORMS,
        "description": " ".join(_description(facts, known)),
        "url": known.url,
        "creator": [{"@type": kind, "name": name} for name, kind in known.creators.items()],
        "datePublished": known.published,
        "version": "1.0.0",
        "license": _licence(known),
        "citeAs": known.citation,
        "keywords": known.keywords,
        "isLiveDataset": False,
        "usageInfo": _usage(known),
        "prov:wasDerivedFrom": _source(facts),
        **_responsible_ai(facts, known),
        "distribution": files(facts),
        "recordSet": record_sets(facts),
    }
    return {key: value for key, value in document.items() if value not in (None, [])}


def _description(facts: Facts, known: About) -> Iterator[str]:
    yield known.description
    yield _counts(facts)
    yield HOW_TO_READ
    asked = {"url": known.url, "datePublished": known.published, "citeAs": known.citation}
    if absent := [name for name, value in asked.items() if value is None]:
        yield f"What Croissant asks for and nobody here knows is left out: {', '.join(absent)}."


def _counts(facts: Facts) -> str:
    """Return how much there is, and of what size."""
    side = facts.card["size"]
    points = "points" in next(iter(facts.splits.values())).arrays
    unit = "points" if points else f"images of {side} x {side} pixels"
    parts = ", ".join(f"{split.count:,} in `{name}`" for name, split in facts.splits.items())
    if not facts.unlabelled:
        return f"Prepared here: {unit}, {parts}, of {facts.card['classes']:,} classes."
    people = facts.splits["train"].people
    known = f"of {len(people):,} people" if people else "nobody recorded of whom"
    return f"Prepared here without labels: {unit}, {parts}, {known}."


def _licence(known: About) -> dict[str, str] | str:
    if known.licence_url:
        return known.licence_url
    return {"@type": "CreativeWork", "name": known.licence, "description": known.licence_note}


def _usage(known: About) -> dict[str, str]:
    text = " ".join([*(f"Intended: {use}" for use in known.uses), *known.misuses])
    return {"@type": "CreativeWork", "name": "Intended use and misuse", "text": text}


def _source(facts: Facts) -> list[dict[str, str]]:
    """Return where it came from: the source in words, and the files that were read of it."""
    entities = [{"@type": "prov:Entity", "name": facts.card["source"]}]
    return entities + [
        {"@type": "prov:Entity", "name": name, "sha256": sha256}
        for name, sha256 in sorted(facts.inputs.items())
    ]


def _responsible_ai(facts: Facts, known: About) -> dict[str, Any]:
    formats = ", ".join(f"{count:,} {kind}" for kind, count in (facts.formats or {}).items())
    said = f"{facts.card['source']}{f' of {formats} files' if formats else ''}."
    return {
        "rai:dataCollection": known.collection,
        "rai:dataCollectionType": known.collection_type,
        "rai:dataCollectionRawData": said,
        "rai:dataPreprocessingProtocol": list(preparation(facts)),
        "rai:dataAnnotationProtocol": None if facts.unlabelled else known.annotation,
        "rai:dataUseCases": known.uses,
        "rai:dataLimitations": [*measured_limits(facts), *known.limits, *known.misuses],
        "rai:dataBiases": known.biases,
        "rai:personalSensitiveInformation": known.personal,
        "rai:dataSocialImpact": known.impact,
    }
