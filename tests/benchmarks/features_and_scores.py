"""Our scoring against torch-fidelity: ``python -m tests.benchmarks.features_and_scores``.

Several models' sample sets are scored against one real set by Inception Score, FID, KID, precision
and recall, on the first of the stored plain judges of digits of preset `quick`, in fp32: one
network, since torch-fidelity has no Inception Score of an ensemble, and of the kind that noise
tells sample sets apart by; a robust one has the same architecture. Ours computes features and
logits of every set once, stores them, and reads them for each family of scores, as the stages do;
the real set's come with every call of this benchmark. torch-fidelity is called once per model, its
cache off, as one does with a network of one's own: its cache goes by names and would give a
retrained evaluator the features of its predecessor. So it computes the real features per model.

torch-fidelity reads images without loader processes, in our batch size and the memory layout that
the evaluator wants. FID, KID, precision and recall are its own arithmetic on both sides, but for
KID: ours is in float64, has further subsets for its interval, and at 1,000 images, where each of
the 100 subsets is the whole set, takes one; with more images the two draw different subsets.
Starting processes, which our stages do and a script does once, is not counted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch_fidelity
from torch import Tensor

from dlvae.data import digits
from dlvae.data.batches import to_model_range
from dlvae.stage.seeds import numpy_generator
from eval.judge.evaluator import JudgeEnsemble, load_evaluator
from eval.judge.features import FeatureSet, load_features, save_features
from eval.judge.predict import BATCH
from eval.metrics.inception_score import inception_of_logits
from eval.metrics.sets.distributions import SUBSET_SIZE, fid, kid
from eval.metrics.sets.imagenet import as_data_set
from eval.metrics.sets.manifolds import precision_recall
from reports.freeze.machine import ROOT
from tests.benchmarks.measuring.command import Run
from tests.benchmarks.measuring.paired import print_summaries, summaries

EVALUATOR = ROOT / "reports" / "stored" / "quick" / "evaluator" / "digits_plain"
EXTRACTOR = "benchmark-evaluator"
PEER, OURS = "torch-fidelity", "ours"
KEYS = {
    "inception_score": torch_fidelity.KEY_METRIC_ISC_MEAN,
    "fid": torch_fidelity.KEY_METRIC_FID,
    "kid": torch_fidelity.KEY_METRIC_KID_MEAN,
    "precision": torch_fidelity.KEY_METRIC_PRECISION,
    "recall": torch_fidelity.KEY_METRIC_RECALL,
}
Scores = dict[str, float]


class Extractor(torch_fidelity.FeatureExtractorBase):
    """The evaluator as a user registers it: uint8 (B, 3, H, W) -> features, logits."""

    def __init__(
        self, name: str, features_list: list[str], evaluator: JudgeEnsemble, **_: object
    ) -> None:
        super().__init__(name, features_list)
        self.evaluator = evaluator

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        """Layers that a metric may ask for."""
        return ("features", "logits")

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        """Logits for the Inception Score, the embedding for everything else."""
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled() -> bool:
        """Never: nothing is compiled on our side either."""
        return False

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the layers asked for, in that order; both come of one pass."""
        values = to_model_range(images.permute(0, 2, 3, 1))
        features, logits = self.evaluator(values.contiguous(memory_format=torch.channels_last))
        layers = {"features": features, "logits": logits.squeeze(1)}  # of its one member
        return tuple(layers[name] for name in self.features_list)


torch_fidelity.register_feature_extractor(EXTRACTOR, Extractor)


def one_judge() -> JudgeEnsemble:
    """Return the first member of the stored evaluator, as an evaluator of its own."""
    found = load_evaluator(EVALUATOR).cpu()
    return JudgeEnsemble(found.members[:1], found.image_size, found.card)


def image_sets(models: int, count: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return real images and a sample set per model, each uint8 (count, 32, 32, 3).

    All are digits drawn with replacement and noise; the later a model, the noisier its samples.
    """
    source = digits.prepare(digits.DigitsData()).splits["train"].images
    draws = numpy_generator("benchmark", "image sets")

    def noisy(level: float) -> np.ndarray:
        chosen = source[draws.integers(len(source), size=count)]
        return (chosen + draws.normal(0, level, chosen.shape)).clip(0, 255).astype(np.uint8)

    return noisy(4), [noisy(20 * (model + 1)) for model in range(models)]


def ours(evaluator: JudgeEnsemble, real: np.ndarray, sets: Sequence[np.ndarray]) -> list[Scores]:
    """Store features of every set once, then score each model from what is stored."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.npz" for number in range(len(sets) + 1)]
        for file, images in zip(files, (real, *sets), strict=True):
            found, labels = evaluator.predict(images), np.zeros(len(images), np.int64)
            save_features(file, FeatureSet(found.features, found.logits, labels, *[""] * 4))
        return [_scores(file, files[0]) for file in files[1:]]


def _scores(samples: Path, real: Path) -> Scores:
    """Score a feature set as the families `inception` and `fidelity` do, each reading its files."""
    inception = float(inception_of_logits(load_features(samples, "").logits).mean())
    generated, true = (load_features(file, "").features for file in (samples, real))
    draws = numpy_generator("benchmark", "subsets")
    found = {
        "fid": fid(generated, true),
        "kid": kid(generated, true, draws),
        **precision_recall(generated, true),
    }
    return {"inception_score": inception} | {name: metric.value for name, metric in found.items()}


def fidelity(
    evaluator: JudgeEnsemble, real: np.ndarray, sets: Sequence[np.ndarray]
) -> list[Scores]:
    """Call torch-fidelity's front door once per model."""
    whole = [
        torch_fidelity.calculate_metrics(
            input1=as_data_set(images),
            input2=as_data_set(real),
            isc=True,
            isc_splits=1,
            fid=True,
            kid=True,
            kid_subset_size=min(SUBSET_SIZE, len(images)),
            prc=True,
            feature_extractor=EXTRACTOR,
            evaluator=evaluator,
            batch_size=BATCH,
            cuda=False,
            cache=False,
            save_cpu_ram=True,
            verbose=False,
        )
        for images in sets
    ]
    return [{name: found[key] for name, key in KEYS.items()} for found in whole]


def compare(run: Run, models: int, count: int) -> list[dict[str, Any]]:
    """Return the rows of both sides for sets of `count` images; the base is torch-fidelity."""
    where = run.machine(2, "fp32")
    given = one_judge(), *image_sets(models, count)
    sides = {PEER: lambda: fidelity(*given), OURS: lambda: ours(*given)}
    found = summaries(run.take(sides, warm_up=1), PEER, models * count)
    print_summaries(f"{models} models, {count:,} images per set", found, "images")
    return [
        {"models": models, "images": count, "side": side, **summary.row(), **where}
        for side, summary in found.items()
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run all sizes, print, and save if asked to."""
    run = Run.parse("features_and_scores", __doc__, argv)
    tiny, rows = run.arguments.tiny, []
    for count in (128,) if tiny else (1000, 5000):
        rows += compare(run, 2 if tiny else 4, count)
    run.save(rows)


if __name__ == "__main__":
    main()
