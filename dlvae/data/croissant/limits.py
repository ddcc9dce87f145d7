"""Defects of a prepared data set that are measured, and what was done to its images."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from dlvae.data.croissant.facts import JPEG, Facts


def measured_limits(facts: Facts) -> Iterator[str]:
    """Yield what is wrong with this copy, as sentences."""
    yield from _compression(facts)
    yield from _repeats(facts)
    yield from _unequal(facts)
    options = facts.card["preparation"]
    caps = ("max_classes", "max_images_per_class", "max_images")
    if cut := {key: options[key] for key in caps if options.get(key) is not None}:
        yield f"A part of the source: {_listed(cut)}."
    enlarged = sum(found.get("enlarged", 0) for found in _conversions(facts).values())
    if enlarged:
        yield f"{enlarged:,} images were smaller and were enlarged, so they are blurred."


def preparation(facts: Facts) -> Iterator[str]:
    """Yield what was done to the source, as sentences."""
    options = facts.card["preparation"]
    said = " (test_fraction is for sources without a test split)" if facts.from_files else ""
    yield f"Prepared by dlvae.prepare with {_listed(options)}{said * ('test_fraction' in options)}."
    for split, found in _conversions(facts).items():
        if found:
            yield f"Of `{split}`: {_listed(found)}."
    if "heldout" in facts.splits:
        yield (
            "One image in five of each person is held out as `heldout`, of the whole set where "
            "nobody knows who is shown."
        )


def _compression(facts: Facts) -> Iterator[str]:
    if not facts.from_files:
        return
    if facts.formats is None:
        yield (
            "The files that it came from were not at hand when this card was written, so whether "
            "they had been compressed with losses is not known."
        )
        return
    jpeg, total = facts.formats.get(JPEG, 0), sum(facts.formats.values())
    cut, photos = facts.photo_formats.get(JPEG, 0), sum(facts.photo_formats.values())
    if jpeg and facts.card["dataset"] == "cifar10":
        yield (
            f"A JPEG copy: {jpeg:,} of {total:,} source files are JPEG, while the published "
            "CIFAR-10 is lossless. Pixel values, and with them reconstruction errors and FID, are "
            "not exactly comparable with those on the published images."
        )
    elif cut:
        yield (
            f"Cut out of photos, {cut:,} of {photos:,} of them JPEG: their artefacts, reduced "
            "with the photo, are part of what is learned and of what scores compare with."
        )
    elif jpeg:
        yield (
            f"{jpeg:,} of {total:,} source files are JPEG: their artefacts are part of what is "
            "learned and of what scores compare with."
        )


def _repeats(facts: Facts) -> Iterator[str]:
    found = [
        f"{split.repeats:,} of {split.count:,} in `{name}` are equal to an earlier one"
        for name, split in facts.splits.items()
        if split.repeats
    ]
    found += [
        f"{split.in_train:,} of {split.count:,} in `{name}` are in `train` too"
        for name, split in facts.splits.items()
        if split.in_train
    ]
    said = "; ".join(found) if found else "No two records are equal"
    yield f"{said}, value by value; near-duplicates were not looked for."


def _unequal(facts: Facts) -> Iterator[str]:
    for name, split in facts.splits.items():
        counts, of = (split.people, "person") if split.people else (split.classes, "class")
        if counts and min(counts) < max(counts):
            yield (
                f"Unequal numbers of each {of} in `{name}`: {min(counts):,} to {max(counts):,}, "
                f"median {median(counts):g}."
            )


def _conversions(facts: Facts) -> dict[str, dict[str, int]]:
    return facts.card.get("conversions", {})


def _listed(values: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)
