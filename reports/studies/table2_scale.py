"""Which way of scoring gives values as small as those of the paper's Table 2.

Usage: python -m reports.studies.table2_scale --scores CSV ... --config '{"datasets", "models"}'
    --csv FILE --markdown FILE

Diversity of the same images under several pixel ranges, scales and windows. It shows which of them
give the printed magnitude and what the value then follows, not what was done for the paper.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.metrics.ms_ssim.grid import CLASSES, PAIRS, PER_CLASS, RANGES, STRUCTURES
from eval.rows import COLUMNS, read_rows, refuse_mixed
from reports.names import in_paper_order, model_title
from reports.tables.captions import caption
from reports.tables.cells import cell
from reports.tables.formats import MISSING, PrintedTable
from reports.tables.inputs import TableInputs, write_page
from reports.tables.published import published
from reports.tables.specs import Column
from reports.text import render

VALUE = "d_intra_offdiag"
METRICS = (
    VALUE,
    "d_intra_offdiag_unclamped",
    "clamped_share",
    "weighted_error_correlation",
    "weighted_error_ratio",
    "pixel_error_correlation",
)
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
    "three_fixed": "3 scales, one window (protocol `standard`)",
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

    def position(column: pd.Series) -> pd.Series:
        return column.map(order) if column.name in SETTING else column

    return found.reset_index().sort_values(KEYS, key=position)


def scale_page(found: pd.DataFrame, datasets: Sequence[str]) -> str:
    """Return the whole study as Markdown.

    Args:
        found: of :func:`by_setting`.
    """
    names = [":".join((VALUE, *setting)) for setting in found[SETTING].itertuples(index=False)]
    rows = found.assign(metric=names, value=found[VALUE])
    models = in_paper_order(list(dict.fromkeys(found["model"])))
    right, mismatched = (found[found["range"].isin(names)] for names in (RIGHT, MISMATCHED))
    negative = found[found["clamped_share"] > 0]
    papers = found[found["model"].isin(["cvae_gan", "ours"])]
    inside = _means(papers)[VALUE].between(*printed_span()).groupby(SETTING).all()
    return render(
        "table2_scale.md.j2",
        span=printed_span(),
        missing=MISSING,
        pairs=PAIRS,
        caption=caption([], TableInputs(rows, datasets, models, {}), list(VALUES.values())),
        tables={
            name: PrintedTable(printed(rows, name), _landing(found, name), ("pixels", "MS-SSIM"))
            for name in datasets
            if (found["dataset"] == name).any()
        },
        right=_summary(right, 3, 2, 3),
        mismatched=_summary(mismatched, 5, 4, 2),
        both_scored=not papers.empty,
        inside=[title for setting, title in SETTINGS.items() if inside.get(setting)],
        negative={
            "count": len(negative),
            "of": len(found),
            "mismatched": negative["range"].isin(MISMATCHED).sum(),
            "undefined": negative["d_intra_offdiag_unclamped"].isna().sum(),
        },
        ours_above={dataset: _ours_above(found, dataset) for dataset in datasets},
    )


def printed(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the table of a data set as texts: a row per setting, means over seeds.

    Args:
        rows: of :func:`by_setting`, with ``metric`` and ``value`` as in score rows.
    """
    part = rows[rows["dataset"] == dataset]
    texts = {
        model_title(model): [_value_text(part, dataset, model, c) for c in VALUES.values()]
        for model in in_paper_order(list(dict.fromkeys(part["model"])))
    }
    groups = dict(list(part.groupby(SETTING)))
    for column in SPANS:
        times = 100 if column.percent else 1
        values = [times * groups[key][column.metric] for key in SETTINGS]
        texts[column.title] = [_span(own, column.digits) for own in values]
    titles = [(RANGE_TITLES[pixels], STRUCTURE_TITLES[name]) for pixels, name in SETTINGS]
    return pd.DataFrame(texts, index=pd.MultiIndex.from_tuples(titles))


def _value_text(rows: pd.DataFrame, dataset: str, model: str, column: Column) -> str:
    found, (low, high) = cell(rows, dataset, model, column.metric), printed_span()
    text = found.text(column)
    return f"**{text}**" if not found.reason and low <= found.mean <= high else text


def _means(found: pd.DataFrame) -> pd.DataFrame:
    return found.groupby(["dataset", "model", *SETTING])[list(METRICS)].mean()


def _landing(found: pd.DataFrame, dataset: str) -> str:
    """Say which settings give a value of the printed span, and for which images."""
    inside = _means(found[found["dataset"] == dataset])[VALUE].between(*printed_span())
    parts = []
    for setting, title in SETTINGS.items():
        own = inside.xs(setting, level=SETTING).loc[dataset]
        if own.any():
            names = in_paper_order(list(own[own].index))
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


def _ours_above(found: pd.DataFrame, dataset: str) -> dict[str, str]:
    """Return in how many settings of a kind of range ours is above cVAE-GAN, if both are scored."""
    means = _means(found[found["dataset"] == dataset])[VALUE].unstack("model")
    if not {"ours", "cvae_gan"} <= set(means):
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
    found = by_setting(read_rows(args.scores))
    write_page(args, found, scale_page(found, args.config["datasets"]))


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--scores", nargs="+", required=True, help="score rows of the family scale")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    return parser


if __name__ == "__main__":
    run_stage(main, command())
