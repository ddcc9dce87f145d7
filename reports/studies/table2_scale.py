"""Which way of scoring gives values as small as those of the paper's Table 2.

Usage: python -m reports.studies.table2_scale --scores CSV ... --protocol FILE
    --config '{"datasets", "models"}' --csv FILE --markdown FILE

Diversity of the same images under several pixel ranges, scales and windows. It shows which of them
give the printed magnitude and what the value then follows, not what was done for the paper.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache

import pandas as pd

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.metrics.ms_ssim.grid import CLASSES, PAIRS, PER_CLASS, RANGES, STRUCTURES
from eval.rows import COLUMNS, refuse_mixed
from reports.names import in_paper_order, model_title
from reports.tables.captions import caption
from reports.tables.cells import cell
from reports.tables.formats import MISSING, PrintedTable
from reports.tables.inputs import TableInputs, page_parser, published, read_scores, write_page
from reports.tables.specs import Column
from reports.text import render

VALUE = "d_intra_offdiag"
SETTING = ["range", "structure"]
KEYS = ["dataset", "model", "seed", *SETTING]
RIGHT, MISMATCHED = ("right", "signed"), ("signed_mismatched", "unit_mismatched")
RANGE_TITLES = {
    "right": "[0, 255], L = 255",
    "signed": "[-1, 1], L = 2",
    "signed_mismatched": "[-1, 1], L = 255",
    "unit_mismatched": "[0, 1], L = 255",
}
STRUCTURE_TITLES = {
    "three_fixed": "3 scales, one window (protocol standard)",
    "three_shrinking": "3 scales, shrinking window",
    "two_truncated": "2 scales, weights not renormalised",
    "five_shrinking": "5 scales, shrinking window and sigma",
    "five_fixed_sigma": "5 scales, shrinking window",
    "single": "1 scale (SSIM)",
}
SETTINGS = {
    (pixels, structure): f"{RANGE_TITLES[pixels]} with {STRUCTURE_TITLES[structure]}"
    for pixels in RANGES
    for structure in STRUCTURES
}
# Printed as the smallest and the largest of the image sets.
SPANS = (
    Column("clamped_share", "clamped pairs, %", 1, percent=True),
    Column("weighted_error_correlation", "r, weighted squared error", 3),
    Column("weighted_error_ratio", "ratio to it", 3),
    Column("pixel_error_correlation", "r, pixels' squared error", 2),
)
METRICS = (VALUE, f"{VALUE}_unclamped", *(column.metric for column in SPANS))
OF = f"images, at most {PER_CLASS} of each of at most {CLASSES} classes"
VALUES = {setting: Column(":".join((VALUE, *setting)), "d", 4, of=OF) for setting in SETTINGS}
"""The printed values as columns, one per setting."""


@cache
def printed_span() -> tuple[float, float]:
    """Return the smallest and the largest value of the paper's Table 2."""
    values = published().query("table == 'table2'")["value"]
    return float(values.min()), float(values.max())


def by_setting(rows: pd.DataFrame) -> pd.DataFrame:
    """Turn score rows of the family `scale` into one row per image set and setting.

    Returns:
        The keys, a column per metric (NaN where it cannot be had), ``in_printed_range`` (the value
        lies within the span of the paper's Table 2), and the other columns of the score row of
        ``d_intra_offdiag``, its interval among them.

    Raises:
        UserError: rows of other protocols or data together, or a setting that is not there.
    """
    refuse_mixed(rows)
    parts = rows["metric"].str.split(":", expand=True)
    if parts.shape[1] != 3 or set(parts[0]) - set(METRICS):
        raise UserError(
            "expected score rows of the family scale; make them with python -m eval.scores scale"
        )
    rows = rows.assign(name=parts[0], range=parts[1], structure=parts[2])
    found = rows.pivot(index=KEYS, columns="name", values="value").reindex(columns=METRICS)
    for key, part in found.groupby(level=KEYS[:3]):
        if set(part.droplevel(KEYS[:3]).index) != set(SETTINGS):
            raise UserError(f"{'/'.join(map(str, key))}: expected {len(SETTINGS)} settings")
    low, high = printed_span()
    found["in_printed_range"] = found[VALUE].between(low, high)
    values = rows[rows["name"] == VALUE].set_index(KEYS)
    found = found.join(values[[name for name in COLUMNS if name in values and name != "value"]])
    order = {name: index for index, name in enumerate([*RANGES, *STRUCTURES])}
    return found.reset_index().sort_values(
        KEYS, key=lambda column: column.map(order) if column.name in SETTING else column
    )


def scale_page(found: pd.DataFrame, datasets: Sequence[str]) -> str:
    """Return the whole study as Markdown.

    Args:
        found: of :func:`by_setting`.
    """
    names = [":".join((VALUE, *setting)) for setting in found[SETTING].itertuples(index=False)]
    rows = found.assign(metric=names, value=found[VALUE])
    models = in_paper_order(found["model"])
    scored = [name for name in datasets if (found["dataset"] == name).any()]
    right, mismatched = (found[found["range"].isin(names)] for names in (RIGHT, MISMATCHED))
    negative = found[found["clamped_share"] > 0]
    means = found.groupby(["dataset", "model", *SETTING])[VALUE].mean()
    inside = means.between(*printed_span())
    papers = inside[inside.index.isin(["cvae_gan", "ours"], level="model")]
    of_papers = papers.groupby(SETTING).all()
    heads = ("pixels", "MS-SSIM")
    return render(
        "table2_scale.md.j2",
        span=printed_span(),
        missing=MISSING,
        pairs=PAIRS,
        caption=caption([], TableInputs(rows, datasets, models, {}), list(VALUES.values())),
        tables={
            name: PrintedTable(printed(rows, name), _landing(inside[name]), heads)
            for name in scored
        },
        right=_summary(right, 3, 2, 3),
        mismatched=_summary(mismatched, 5, 4, 2),
        both_scored=not papers.empty,
        inside=[title for setting, title in SETTINGS.items() if of_papers.get(setting)],
        negative={
            "count": len(negative),
            "of": len(found),
            "mismatched": negative["range"].isin(MISMATCHED).sum(),
            "undefined": negative[f"{VALUE}_unclamped"].isna().sum(),
        },
        ours_above={dataset: _ours_above(means[dataset]) for dataset in scored},
    )


def printed(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the table of a data set as texts: a row per setting, means over seeds.

    Args:
        rows: of :func:`by_setting`, with ``metric`` and ``value`` as in score rows.
    """
    part = rows[rows["dataset"] == dataset]
    low, high = printed_span()

    def text(model: str, column: Column) -> str:
        found = cell(part, dataset, model, column.metric)
        bold = "**" if not found.reason and low <= found.mean <= high else ""
        return f"{bold}{found.text(column)}{bold}"

    models = in_paper_order(part["model"])
    texts = {model_title(name): [text(name, c) for c in VALUES.values()] for name in models}
    groups = dict(list(part.groupby(SETTING)))
    for column in SPANS:
        times = 100 if column.percent else 1
        values = [times * groups[key][column.metric] for key in SETTINGS]
        texts[column.title] = [_span(own, column.digits) for own in values]
    titles = [(RANGE_TITLES[pixels], STRUCTURE_TITLES[name]) for pixels, name in SETTINGS]
    return pd.DataFrame(texts, index=pd.MultiIndex.from_tuples(titles))


def _landing(inside: pd.Series) -> str:
    """Say which settings give a value of the printed span, and for which images."""
    parts = []
    for setting, title in SETTINGS.items():
        own = inside.xs(setting, level=SETTING)
        if own.any():
            names = in_paper_order(own[own].index)
            parts.append(f"{title}: {', '.join(map(model_title, names))}")
    return f"Within the printed span: {'; '.join(parts) or 'no setting'}."


def _summary(part: pd.DataFrame, values: int, correlation: int, ratio: int) -> dict[str, str]:
    """Return the spans of a kind of range, real and generated images apart, by their digits."""
    real = part["model"] == "real"
    return {
        "real": _span(part[real][VALUE], values),
        "generated": _span(part[~real][VALUE], values),
        "correlation": _span(part["weighted_error_correlation"], correlation),
        "ratio": _span(part["weighted_error_ratio"], ratio),
    }


def _ours_above(means: pd.Series) -> dict[str, str]:
    """Return in how many settings of a kind of range ours is above cVAE-GAN, if both are scored."""
    if not {"ours", "cvae_gan"} <= set(means.index.get_level_values("model")):
        return {}
    above = means["ours"] > means["cvae_gan"]
    ranges = above.index.get_level_values("range")
    kinds = {"right": above[ranges.isin(RIGHT)], "mismatched": above[ranges.isin(MISMATCHED)]}
    return {kind: f"{own.sum()} of {len(own)}" for kind, own in kinds.items()}


def _span(values: pd.Series, digits: int) -> str:
    low, high = values.min(), values.max()
    if pd.isna(low):
        return MISSING
    texts = [f"{value:.{digits}f}" for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    found = by_setting(read_scores(args)[0])
    write_page(args, found, scale_page(found, args.config["datasets"]))


if __name__ == "__main__":
    run_stage(main, page_parser(__doc__))
