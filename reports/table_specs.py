"""Which tables there are: their columns, and how to read them."""

from __future__ import annotations

from dataclasses import dataclass

from reports import disentanglement
from reports.aggregate import Column


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
        transposed: printed by :mod:`reports.disentanglement`, metrics in rows, for scores that
            are not of sample sets.
        better: whether the first column is one of which more is better, so that the probability
            that ours has more is printed.
        errors: which errors that probability knows of with one seed.
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
    errors: str = "the errors in brackets"

    @property
    def metrics(self) -> list[str]:
        """Every metric of the table, printed ones first."""
        return [*(column.metric for column in self.columns), *self.unprinted]


BETTER = (
    " P(ours higher), by {}: with one seed, that the expected score of ours is higher, as far as "
    "{} go; with three or more, that a random run of ours scores higher than a random run of that "
    "model."
)

TABLES = {
    "table1": Spec(
        "table1",
        "Table 1. Inception Score (IS) of generated images, judged by an evaluator trained on the "
        "real images of the same data set.",
        (
            Column("inception_score", "IS"),
            Column("label_fidelity", "top-1", 1, percent=True),
        ),
        "real data (held out)",
        2,
        (
            "Its ceiling is the number of classes, or of images if these are fewer.",
            "Top-1: share of images in which the evaluator sees the class asked for.",
            "The row of real held-out images is the ceiling that this evaluator allows.",
        ),
        "judged by their own evaluator",
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
        ),
        "real data (training)",
        4,
        (
            "d_intra has self pairs, as in the paper, and pixels in their right range; clamped "
            "pairs have a negative factor that was set to 0.",
            "Range-mismatched: pixels in [-1, 1] scored as if they spanned 255 levels; it behaves "
            "like a weighted pairwise MSE.",
            "Diversity is to be read together with Table 1: noise is diverse too.",
        ),
        "scored with settings that are not published",
        ("d_intra_range_mismatched_offdiag", "d_intra_range_mismatched_clamped_share"),
        stacked=True,
        errors="the differences of the two models, class by class,",
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
        disentanglement.TITLE,
        disentanglement.COLUMNS,
        "",
        3,
        disentanglement.NOTES,
        "",
        disentanglement.UNPRINTED,
        transposed=True,
        better=False,
    ),
}
