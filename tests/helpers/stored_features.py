"""Feature sets of images that are in memory, stored as the stage stores those of files."""

from eval.judge.evaluator import load_judge
from eval.judge.features import FeatureSet, save_features


def store_features(path, scored, evaluator, card):
    """Judge images, `eval.scored_images.ScoredImages`, by the evaluator in a folder."""
    judge = load_judge(evaluator, card)
    seen, of_images = judge.predict(scored.images), (scored.sha256, scored.precision)
    found = FeatureSet(*seen, scored.labels, *of_images, judge.sha256, judge.card["dataset"])
    save_features(path, found)
