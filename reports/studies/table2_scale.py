"""Which way of scoring gives values as small as those of the paper's Table 2.

Usage: python -m reports.studies.table2_scale --scores CSV ... --config '{"datasets", "models"}'
    --csv FILE --markdown FILE

Diversity of the same images under several pixel ranges, scales and windows. It shows which of them
give the printed magnitude and what the value then follows, not what was done for the paper.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dlvae.stage.artefact import write_text
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.metrics.ms_ssim.grid import CLASSES, PAIRS, PER_CLASS, RANGES, STRUCTURES
from eval.rows import COLUMNS, read_rows, refuse_mixed
from reports.names import dataset_title, in_paper_order, model_title
from reports.tables.aggregate import Column, cell
from reports.tables.captions import caption
from reports.tables.formats import MISSING, markdown
from reports.tables.published import published

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

NOT_SHOWN = (
    "How the paper's numbers came about: the published code holds no evaluator. That pixels were "
    "scored with the wrong L is a hypothesis. It would explain values this small, but so would any "
    "other scaling; and which settings land in the printed span depends on the images, which here "
    "are neither the paper's data nor samples of its models. The cause stays unknown. The scores "
    "of this project use the right range and print `range_mismatched` beside it, under that name."
)


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
    expected = {(pixels, structure) for pixels in RANGES for structure in STRUCTURES}
    for key, part in found.groupby(level=KEYS[:3]):
        if set(part.droplevel(KEYS[:3]).index) != expected:
            raise UserError(f"{'/'.join(map(str, key))}: expected {len(expected)} settings")
    low, high = printed_span()
    found["in_printed_range"] = found[VALUE].between(low, high)
    values = rows[rows["name"] == VALUE].set_index(KEYS)
    found = found.join(values[[name for name in COLUMNS if name in values and name != "value"]])
    order = {name: index for index, name in enumerate([*RANGES, *STRUCTURES])}

    def position(column: pd.Series) -> pd.Series:
        return column.map(order) if column.name in SETTING else column

    return found.reset_index().sort_values(KEYS, key=position)


def printed(found: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the table of a data set as texts: a row per setting, means over seeds."""
    part = found[found["dataset"] == dataset]
    rows = _value_rows(part)
    columns = {
        model_title(model): [_value_text(rows, dataset, model, c) for c in _value_columns()]
        for model in in_paper_order(list(dict.fromkeys(part["model"])))
    }
    over_sets = part.groupby(SETTING)[list(METRICS)].agg(["min", "max"])
    for title, metric, digits in (
        ("clamped pairs, %", "clamped_share", 1),
        ("r, weighted squared error", "weighted_error_correlation", 3),
        ("ratio to it", "weighted_error_ratio", 3),
        ("r, pixels' squared error", "pixel_error_correlation", 2),
    ):
        scale = 100 if metric == "clamped_share" else 1
        columns[title] = [
            _span(scale * over_sets.loc[setting, metric], digits) for setting in _settings()
        ]
    titles = [(RANGE_TITLES[pixels], STRUCTURE_TITLES[s]) for pixels, s in _settings()]
    return pd.DataFrame(columns, index=pd.MultiIndex.from_tuples(titles))


def _value_columns() -> list[Column]:
    """Return the printed values as columns, one per setting."""
    of = f"images, at most {PER_CLASS} of each of at most {CLASSES} classes"
    return [Column(f"{VALUE}:{pixels}:{s}", "d", 4, of=of) for pixels, s in _settings()]


def _value_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Return the score rows of the printed values."""
    names = [f"{VALUE}:{pixels}:{s}" for pixels, s in found[SETTING].itertuples(index=False)]
    return found.assign(metric=names, value=found[VALUE])


def _value_text(rows: pd.DataFrame, dataset: str, model: str, column: Column) -> str:
    found = cell(rows, dataset, model, column.metric)
    low, high = printed_span()
    text = found.text(column)
    return f"**{text}**" if not found.reason and low <= found.mean <= high else text


def page(found: pd.DataFrame, datasets: Sequence[str]) -> str:
    """Return the whole study as Markdown."""
    low, high = printed_span()
    opening = (
        f"The paper's Table 2 prints d_intra between {low} and {high}. Here the same images are "
        "scored under several pixel ranges, scales and windows. d is the mean of 1 - MS-SSIM over "
        "pairs of two different images of a class, then over classes, negative factors clamped at "
        "0; Eq. 12 of N images per class is (1 - 1/N) times that, 1 % less for N = 100. Scored are "
        "the images counted below, so that values differ a little from Table 2 of this run where "
        "that has more. Values within "
        f"the printed span are bold. r is Pearson's correlation over {PAIRS} random pairs of a "
        "class of 1 - MS-SSIM with a weighted squared error: the windows' variances and means of "
        "the difference of two images over C2 and C1, by the weights of the scales. Ratio is that "
        "of the means of the two. Two numbers are the smallest and the largest of the image sets."
    )
    models = in_paper_order(list(dict.fromkeys(found["model"])))
    rows, columns = _value_rows(found), _value_columns()
    text = caption([opening], rows, datasets, models, {}, "", columns)
    sections = ["# The scale of Table 2", text]
    for dataset in datasets:
        if (found["dataset"] == dataset).any():
            title, names = dataset_title(dataset), ["pixels", "MS-SSIM"]
            sections.append(f"## {title[:1].upper()}{title[1:]}")
            text = markdown(printed(found, dataset), _landing(found, dataset), names)
            sections.append(text.rstrip("\n"))
    sections += ["## What this shows", _shows(found, datasets), "## What it does not show"]
    return "\n\n".join([*sections, NOT_SHOWN]) + "\n"


def _settings() -> list[tuple[str, str]]:
    return [(pixels, structure) for pixels in RANGES for structure in STRUCTURES]


def _means(found: pd.DataFrame) -> pd.DataFrame:
    return found.groupby(["dataset", "model", *SETTING])[list(METRICS)].mean()


def _setting_title(setting: tuple[str, str]) -> str:
    return f"{RANGE_TITLES[setting[0]]} with {STRUCTURE_TITLES[setting[1]]}"


def _landing(found: pd.DataFrame, dataset: str) -> str:
    """Say which settings give a value of the printed span, and for which images."""
    low, high = printed_span()
    values = _means(found[found["dataset"] == dataset])[VALUE].droplevel("dataset")
    parts = []
    for setting in _settings():
        own = values.xs(setting, level=SETTING)
        names = in_paper_order([model for model, v in own.items() if low <= v <= high])
        if names:
            parts.append(f"{_setting_title(setting)}: {', '.join(map(model_title, names))}")
    return f"Within the printed span: {'; '.join(parts) or 'no setting'}."


def _shows(found: pd.DataFrame, datasets: Sequence[str]) -> str:
    """Return what the numbers say, each sentence from the numbers."""
    right, wrong = (found[found["range"].isin(names)] for names in (RIGHT, MISMATCHED))
    lines = [
        f"- {_magnitudes(right, wrong)}",
        f"- {_common(found)}",
        "- With L = 255 on such small numbers the constants outweigh the images' own moments: "
        "1 - MS-SSIM correlates with the weighted squared error at "
        f"{_span_of(wrong['weighted_error_correlation'], 4)} and is "
        f"{_span_of(wrong['weighted_error_ratio'], 2)} times as large. In the right range the "
        f"correlation is {_span_of(right['weighted_error_correlation'], 2)} and the ratio "
        f"{_span_of(right['weighted_error_ratio'], 3)}. A squared error grows with the square of "
        "the images' contrast, which the right range divides out: compare mismatched values as "
        "such an error, not as structure.",
        f"- {_undefined(found)}",
        "- [0, 1] with L = 1 is [0, 255] with L = 255. [-1, 1] with L = 2 is not: the luminance "
        "term compares means, and those of [-1, 1] have signs.",
    ]
    return "\n".join([*lines, *(f"- {line}" for line in _orders(found, datasets))])


def _magnitudes(right: pd.DataFrame, wrong: pd.DataFrame) -> str:
    """Say how large values are in each kind of range, real and generated ones apart."""
    texts = []
    for part, digits in ((right, 3), (wrong, 5)):
        kinds = part.groupby(part["model"] == "real")[VALUE]
        names = {True: "real images score", False: "generated ones"}
        spans = [
            f"{names[kind]} {_span_of(kinds.get_group(kind), digits)}" for kind in kinds.groups
        ]
        texts.append(" and ".join(reversed(spans)))
    low, high = printed_span()
    return (
        f"In their right range {texts[0]} (near 0 there means near copies); with L = 255 in "
        f"[-1, 1] or [0, 1] {texts[1]}; the paper printed {low} to {high}."
    )


def _common(found: pd.DataFrame) -> str:
    """Say which settings put both rows of the paper's table into the span, on every data set."""
    rows = found[found["model"].isin(["cvae_gan", "ours"])]
    if rows.empty:
        return "Neither cVAE-GAN nor ours is scored in this run."
    low, high = printed_span()
    inside = _means(rows)[VALUE].between(low, high).groupby(SETTING).all()
    names = [_setting_title(setting) for setting in _settings() if inside[setting]]
    if not names:
        return (
            "No setting puts all scored sets of cVAE-GAN and ours, the rows of the paper's table, "
            "into the printed span."
        )
    return (
        f"{'; '.join(names)} {'puts' if len(names) == 1 else 'put'} all scored sets of cVAE-GAN "
        "and ours, the rows of the paper's table, into the printed span."
    )


def _undefined(found: pd.DataFrame) -> str:
    """Say where scoring without clamping gives no number."""
    pairs = found[found["clamped_share"] > 0]
    without = pairs["d_intra_offdiag_unclamped"].isna().sum()
    mismatched = pairs["range"].isin(MISMATCHED).sum()
    return (
        f"{len(pairs)} of {len(found)} values have pairs with a negative factor, {mismatched} of "
        f"them in a mismatched range. Without clamping {without} are undefined, since a negative "
        "number has no fractional power; the others are in the CSV."
    )


def _orders(found: pd.DataFrame, datasets: Sequence[str]) -> list[str]:
    """Say whether ours is above cVAE-GAN, and whether that depends on the setting."""
    means = _means(found)[VALUE].unstack("model")
    if not {"ours", "cvae_gan"} <= set(means):
        return []
    above = (means["ours"] > means["cvae_gan"])[means[["ours", "cvae_gan"]].notna().all(axis=1)]
    lines = []
    for dataset in [name for name in datasets if name in above.index.levels[0]]:
        part = above[above.index.get_level_values("dataset") == dataset]
        kinds = part.index.get_level_values("range")
        counts = {
            text: f"{int(part[kinds.isin(names)].sum())} of {kinds.isin(names).sum()}"
            for text, names in (("right", RIGHT), ("mismatched", MISMATCHED))
        }
        lines.append(
            f"On {dataset_title(dataset)} ours is above cVAE-GAN in {counts['right']} settings "
            f"with a right range and in {counts['mismatched']} with a mismatched one."
        )
    return lines


def _span(values: pd.Series, digits: int) -> str:
    low, high = values["min"], values["max"]
    if pd.isna(low):
        return MISSING
    texts = [f"{value:.{digits}f}" for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def _span_of(values: pd.Series, digits: int) -> str:
    return _span(values.agg(["min", "max"]), digits)


def main(args: argparse.Namespace) -> None:
    """Run the stage."""
    found = by_setting(read_rows(args.scores))
    write_text(args.csv, found.to_csv(index=False, lineterminator="\n"))
    write_text(args.markdown, page(found, args.config["datasets"]))


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = stage_parser(__doc__)
    parser.add_argument("--scores", nargs="+", required=True, help="score rows of the family scale")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    return parser


if __name__ == "__main__":
    run_stage(main, command())
