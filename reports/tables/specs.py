"""Which tables there are: their columns, and how to read them. Waits for no pandas."""

from __future__ import annotations

from dataclasses import dataclass

from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS

IMAGES = "images"


@dataclass(frozen=True)
class Column:
    """A printed metric: its name in the score rows, its heading, and how numbers are written.

    ``of`` is what its ``n`` counts, empty for what nothing is counted of. A text that starts with
    ``IMAGES`` means those of the row, generated or real. With ``dash`` a dash stands for a value
    that there is not, in the place of the reason. Without ``interval`` none is printed.
    """

    metric: str
    title: str
    digits: int = 2
    percent: bool = False
    of: str = IMAGES
    dash: bool = False
    interval: bool = True

    def number(self, value: float, sign: str = "") -> str:
        """Return a value as printed, without its unit; ``sign`` as in a format, ``+`` or none."""
        return f"{100 * value if self.percent else value:{sign},.{self.digits}f}"


@dataclass(frozen=True)
class Spec:
    """A table: its columns and how it is printed. What it shows is said in ``captions.md.j2``.

    Attributes:
        columns: printed metrics. The paper's numbers are those of the first.
        real: title of the real-data row.
        paper_note: how the paper's numbers came about, after "Zheng and Sun on ..."; empty if
            it has none.
        unprinted: metrics that only the CSV holds.
        stacked: data sets below instead of beside each other, for many columns.
        transposed: printed with metrics in rows, for scores that are not of sample sets.
        better: whether the first column is one of which more is better, so that the probability
            that ours has more is printed.
        marked: whether Inception Scores say where judges disagree and which models are still
            learning, which the caption explains; see :mod:`reports.tables.marks`.
    """

    name: str
    columns: tuple[Column, ...]
    real: str = "real data (held out)"
    paper_note: str = ""
    unprinted: tuple[str, ...] = ()
    stacked: bool = True
    transposed: bool = False
    better: bool = False
    marked: bool = False

    @property
    def metrics(self) -> list[str]:
        """Every metric of the table, printed ones first."""
        return [*(column.metric for column in self.columns), *self.unprinted]


ENCODED = "held-out images encoded"
TO_THE_PRIORS = (
    Column("mahalanobis_ratio", "Mahalanobis ratio", 3, of=ENCODED, dash=True),
    Column("aggregate_kl", "KL of z_u or z", 3, of=ENCODED, dash=True),
)
CODES = (
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

COUNTED = {
    "aggregate_kl": "held-out images",
    "mig": "training images for MIG and SAP",
    "effect_completeness": "decoded images for effects",
    "swap_identity:seen": "swapped images",
}
"""What n counts in the table `disentanglement`, by a metric that is measured on it."""

TABLES = {
    "table1": Spec(
        "table1",
        (
            Column("inception_score", "IS"),
            Column("label_fidelity", "top-1", 1, percent=True),
            Column("judge_agreement", "judges agree", 1, percent=True),
            Column("inception_score:plain", "IS, plain judges"),
            Column("label_fidelity:plain", "top-1, plain judges", 1, percent=True),
            Column("fid", "FID", 3),
            Column("precision", "precision", 3),
            *TO_THE_PRIORS,
            Column("updates", "updates", 0, of=""),
            Column("images_read", "images read", 0, of=""),
        ),
        paper_note="judged by their own evaluator",
        unprinted=("judge_agreement:plain", "inception_score:half", "label_fidelity:half"),
        better=True,
        marked=True,
    ),
    "table2": Spec(
        "table2",
        (
            Column("d_intra_standard", "d_intra", 4),
            Column("d_intra_standard_offdiag", "without self pairs", 4),
            Column("d_intra_standard_clamped_share", "clamped pairs", 1, percent=True),
            Column("d_intra_range_mismatched", "range-mismatched", 4),
            *TO_THE_PRIORS,
        ),
        real="real data (training)",
        paper_note="scored with settings that are not published",
        unprinted=("d_intra_range_mismatched_offdiag", "d_intra_range_mismatched_clamped_share"),
        better=True,
    ),
    "metrics": Spec(
        "metrics",
        (
            Column("fid", "FID", 3),
            Column("kid", "KID", 5),
            Column("intra_fid", "intra-class FID", 3),
            Column("precision", "precision", 3),
            Column("recall", "recall", 3),
            Column("density", "density", 3),
            Column("coverage", "coverage", 3),
            Column("nearest_train_ratio", "nearest training image", 3),
            Column("copies_share", "copies", 1, percent=True),
            Column("duplicate_share", "duplicates", 1, percent=True),
            Column("feature_distance_intra", "feature distance", 3),
            Column("sharpness_ratio", "sharpness", 2),
        ),
        unprinted=("sharpness",),
    ),
    "imagenet": Spec(
        "imagenet",
        (Column("imagenet_fid", "FID", 2), Column("imagenet_inception_score", "IS")),
        stacked=False,
    ),
    "disentanglement": Spec(
        "disentanglement",
        CODES,
        unprinted=tuple(f"effect_coordinate:{name}" for name in IRRELEVANT_FACTORS),
        transposed=True,
    ),
}

COLUMN_OF = {column.metric: column for spec in TABLES.values() for column in spec.columns}
"""Every printed metric by its name, as it is printed in the last table that has it."""
