"""The table `disentanglement`: what it prints, and the caption by which to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from reports.names import dataset_title, model_title
from reports.tables.aggregate import Column, cell
from reports.tables.captions import capital, evaluator_text, only, seeds_text
from reports.tables.formats import MISSING

TITLE = (
    "Where the label is and where all else: codes of held-out images, images decoded from codes, "
    "and swaps of codes (as in Figure 6) between held-out images."
)

COLUMNS = (
    Column("probe_mlp:z_s", "label from z_s, MLP", 1, percent=True),
    Column("probe_linear:z_s", "label from z_s, linear", 1, percent=True),
    Column("probe_mlp:z_u", "label from z_u, MLP", 1, percent=True),
    Column("probe_linear:z_u", "label from z_u, linear", 1, percent=True),
    Column("probe_mlp:z_u_sampled", "label from sampled z_u, MLP", 1, percent=True),
    Column("probe_chance", "label by chance", 1, percent=True),
    Column("mixture_accuracy", "mixture accuracy", 1, percent=True),
    Column("mahalanobis_ratio", "Mahalanobis ratio", 3),
    Column("active_units:z_s", "active units of z_s", 1, percent=True),
    Column("active_units:z_u", "active units of z_u", 1, percent=True),
    Column("aggregate_kl", "aggregate KL of z_u, nats per dimension", 4),
    Column("dci_disentanglement", "DCI disentanglement", 3),
    Column("dci_completeness", "DCI completeness", 3),
    Column("dci_informativeness", "DCI informativeness", 3),
    Column("mig", "MIG", 3),
    Column("sap", "SAP", 3),
    *(Column(f"factor_r2:{name}", f"R2 of {name} from z_u", 3) for name in IRRELEVANT_FACTORS),
    Column("effect_disentanglement", "effect disentanglement", 3),
    Column("effect_completeness", "effect completeness", 3),
    Column("effect_gap", "effect gap", 3),
    *(Column(f"effect:{name}", f"largest effect on {name}", 3) for name in IRRELEVANT_FACTORS),
    Column("swap_identity:seen", "swaps with the identity of z_s", 1, percent=True),
    Column("swap_factors:seen", "swaps with the factors of z_u", 1, percent=True),
    Column("reconstruction_mse", "reconstruction MSE", 4),
)
UNPRINTED = tuple(f"effect_coordinate:{name}" for name in IRRELEVANT_FACTORS)

NOTES = (
    "Label from a code: accuracy of a probe on its posterior mean, or on one sample of it. A "
    "baseline's only code stands as z_u; its encoder was told the label, which a probe may read "
    "there.",
    "Mixture accuracy: of the class that Eq. 8 finds most likely. Mahalanobis ratio: mean squared "
    "distance of z_s to its own class over d_s, 1 for codes that follow the mixture. Active units: "
    "share of dimensions whose variance over images is above 0.01. Aggregate KL: of a Gaussian "
    "fitted to the aggregate posterior to the prior of the code. A column 'fitted' has what "
    "another prior changes: the same weights, with every prior set in closed form to the codes of "
    "the training images; effects and swaps are of models as published.",
    "DCI (random forests), MIG, SAP and R2 (ridge regression): of the label-irrelevant "
    "ground-truth factors in z_u.",
    "Effects are the other way round, of coordinates of z_u on factors that a regressor reads off "
    "decoded images: variance along the coordinate over that of held-out images. Effect "
    "disentanglement and completeness: the formulas of DCI on the matrix of effects. Effect gap: "
    "lead of the largest effect over the second, over the largest, mean over factors.",
    "Swaps: share of images nearer to the one that the code came from. Reconstruction MSE: of "
    "pixels in [-1, 1].",
)

# What n counts, by a metric that is measured on it.
COUNTED = {
    "aggregate_kl": "held-out images",
    "mig": "training images for MIG and SAP",
    "effect_completeness": "decoded images for effects",
    "swap_identity:seen": "swapped images",
}


def printed(rows: pd.DataFrame, datasets: Sequence[str], models: Sequence[str]) -> pd.DataFrame:
    """Return the printed cells, metrics x (data set, model), as far as there are scores."""
    scored = set(zip(rows["dataset"], rows["model"], strict=True))
    columns = {}
    for dataset, model in ((d, m) for d in datasets for m in models if (d, m) in scored):
        found = [cell(rows, dataset, model, column.metric) for column in COLUMNS]
        columns[dataset_title(dataset), model_title(model)] = [
            f.text(column) if f else MISSING for f, column in zip(found, COLUMNS, strict=True)
        ]
    table = pd.DataFrame(columns, index=[column.title for column in COLUMNS])
    return table[table.ne(MISSING).any(axis=1)]


def caption(
    rows: pd.DataFrame,
    datasets: Sequence[str],
    models: Sequence[str],
    cards: Mapping[str, Mapping],
) -> str:
    """Return the caption of the table.

    Args:
        rows: score rows of this table.
        datasets, models: in printed order; a model without any row is named as left out.
        cards: evaluator card of each data set that has one.
    """
    parts = [TITLE, *NOTES, *(_dataset(name, rows, cards.get(name)) for name in datasets)]
    parts.append(seeds_text(rows))
    parts.append(f"Protocol {only(rows['protocol'])}; preset {only(rows['preset'])}.")
    left_out = [model_title(name) for name in models if name not in set(rows["model"])]
    if left_out:
        parts.append(f"Without scores of codes, so left out: {', '.join(left_out)}.")
    return " ".join(parts)


def _dataset(dataset: str, rows: pd.DataFrame, card: Mapping | None) -> str:
    title = capital(dataset_title(dataset))
    here = rows[rows["dataset"].eq(dataset)]
    if here.empty:
        return f"{title}: no scores."
    measured = here[here["value"].notna()]
    counts = {
        what: sorted({int(n) for n in measured[measured["metric"] == metric]["n"]})
        for metric, what in COUNTED.items()
    }
    listed = [f"{' or '.join(map(str, n))} {what}" for what, n in counts.items() if n]
    text = f"{title}: {int(here['classes'].iloc[0])} classes"
    return f"{text}, n = {', '.join(listed) or 'none'}; {evaluator_text(card)}."
