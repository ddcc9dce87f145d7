"""Which tables there are: their columns, and how to read them."""

from __future__ import annotations

from dataclasses import dataclass

from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from reports.tables.cells import Column


@dataclass(frozen=True)
class Spec:
    """A table of the paper: its columns and how to read them.

    Attributes:
        title: what the table shows, a sentence.
        columns: printed metrics.
        real: title of the real-data row.
        digits: decimals of the paper's numbers.
        notes: sentences on how to read the columns.
        paper_note: how the paper's numbers came about, after "Zheng and Sun on ..."; empty if
            it has none.
        unprinted: metrics that only the CSV holds.
        stacked: data sets below instead of beside each other, for many columns.
        transposed: printed with metrics in rows, for scores that are not of sample sets.
        better: whether the first column is one of which more is better, so that the probability
            that ours has more is printed.
        marked: whether cells of the first column, an Inception Score, say where judges disagree and
            which models are still learning; see :mod:`reports.tables.marks`.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    real: str
    digits: int
    notes: tuple[str, ...]
    paper_note: str
    unprinted: tuple[str, ...] = ()
    stacked: bool = False
    transposed: bool = False
    better: bool = True
    marked: bool = False

    @property
    def metrics(self) -> list[str]:
        """Every metric of the table, printed ones first."""
        return [*(column.metric for column in self.columns), *self.unprinted]


BETTER = (
    " P(ours higher): that the mean over trainings of ours is higher than that of the model, by "
    "Welch's t test of three seeds or more on both sides, fitted priors against fitted priors."
)
FITTED_NOTE = (
    "Fitted: the same weights, with every prior set in closed form to the codes of the training "
    "images (class Gaussians for z_s, one Gaussian for z_u or z)."
)
ENCODED = "held-out images encoded"
TO_THE_PRIORS = (
    Column("mahalanobis_ratio", "Mahalanobis ratio", 3, of=ENCODED, dash=True),
    Column("aggregate_kl", "KL of z_u or z", 3, of=ENCODED, dash=True),
)
PRIORS_NOTE = (
    "How far codes are from the prior that samples are drawn from: mean squared Mahalanobis "
    "distance of z_s to its own class over d_s, 1 where codes follow the mixture; KL of the "
    "aggregate posterior of z_u, or of a baseline's z, to its prior in nats per dimension, 0 at "
    "best."
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
CODES_UNPRINTED = tuple(f"effect_coordinate:{name}" for name in IRRELEVANT_FACTORS)

CODES_NOTES = (
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
        "Table 1. Inception Score (IS) of generated images, judged by an evaluator trained on the "
        "real images of the same data set.",
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
        "real data (held out)",
        2,
        (
            "Its ceiling is the number of classes, or of images if these are fewer.",
            "Top-1: share of images in which the evaluator sees the class asked for. Both are "
            "means over the members of an ensemble: the robust judges, trained on degraded images "
            "too, and the plain ones, trained on flips and crops alone. Judges agree: share of "
            "images in which two robust ones see the same class.",
            "FID and precision on the features of the robust judges; no IS sees blur reliably.",
            "The row of real held-out images says how high these evaluators score real ones; more "
            "images can score higher.",
            FITTED_NOTE,
            PRIORS_NOTE,
            "Images read: by the training, those of stage 1 of ours included.",
        ),
        "judged by their own evaluator",
        ("inception_score:half", "label_fidelity:half"),
        stacked=True,
        marked=True,
    ),
    "table2": Spec(
        "table2",
        "Table 2. Intra-class diversity d_intra (Eq. 12), one minus the mean MS-SSIM of all pairs "
        "of a class, mean over classes.",
        (
            Column("d_intra_standard", "d_intra", 4),
            Column("d_intra_standard_offdiag", "without self pairs", 4),
            Column("d_intra_standard_clamped_share", "clamped pairs", 1, percent=True),
            Column("d_intra_range_mismatched", "range-mismatched", 4),
            *TO_THE_PRIORS,
        ),
        "real data (training)",
        4,
        (
            "d_intra has self pairs, as in the paper, and pixels in their right range; clamped "
            "pairs have a negative factor that was set to 0.",
            "Range-mismatched: pixels in [-1, 1] scored as if they spanned 255 levels; it behaves "
            "like a weighted pairwise MSE.",
            "Diversity is to be read together with Table 1: noise is diverse too.",
            FITTED_NOTE,
            PRIORS_NOTE,
        ),
        "scored with settings that are not published",
        ("d_intra_range_mismatched_offdiag", "d_intra_range_mismatched_clamped_share"),
        stacked=True,
    ),
    "metrics": Spec(
        "metrics",
        "More metrics of the same sample sets, on the embedding of the same evaluator.",
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
        "real data (held out)",
        2,
        (
            "FID, KID, precision, recall (k = 3), density and coverage (k = 5) compare with the "
            "training images; all but KID depend on the number of images.",
            "Nearest training image: median distance to it, over that of held-out images. Copies: "
            "share nearer to a training image than all but 1 % of held-out images are; duplicates: "
            "the same to another image of the class.",
            "Feature distance: mean over pairs of a class. Sharpness: variance of the Laplacian, "
            "over that of held-out images.",
            FITTED_NOTE,
        ),
        "",
        ("sharpness",),
        stacked=True,
        better=False,
    ),
    "imagenet": Spec(
        "imagenet",
        "FID to the training images and Inception Score on ImageNet's Inception.",
        (Column("imagenet_fid", "FID", 2), Column("imagenet_inception_score", "IS")),
        "real data (held out)",
        2,
        (
            "The network was trained on other images, so that its classes are not those of the "
            "data set; for comparison with other papers alone.",
        ),
        "",
        better=False,
    ),
    "disentanglement": Spec(
        "disentanglement",
        "Where the label is and where all else: codes of held-out images, images decoded from "
        "codes, and swaps of codes (as in Figure 6) between held-out images.",
        CODES,
        "",
        3,
        CODES_NOTES,
        "",
        CODES_UNPRINTED,
        transposed=True,
        better=False,
    ),
}
