import numpy as np
import pytest
import torch
import torch_fidelity
from scipy.special import log_softmax, softmax

from dlvae.stage.errors import UserError
from dlvae.stage.seeds import numpy_generator, seeded_globally
from eval.judge import predict
from eval.judge.evaluator import JudgeEnsemble
from eval.library import features_of
from eval.metrics.inception_score import agreement, hits, inception_of_logits, split_of, top_class
from eval.metrics.sets.imagenet import as_data_set

CLASSES = 5


class Extractor(torch_fidelity.FeatureExtractorBase):
    """An evaluator behind torch-fidelity's front door: uint8 (B, 3, H, W) -> logits."""

    def __init__(self, name, features_list, evaluator, **_):
        super().__init__(name, features_list)
        self.evaluator = evaluator

    @staticmethod
    def get_provided_features_list():
        return ("logits",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "logits"

    @staticmethod
    def can_be_compiled():
        return False

    def forward(self, images):
        return (self.evaluator(images.float() / 127.5 - 1)[1],)


torch_fidelity.register_feature_extractor("evaluator", Extractor)


class Analytic(torch.nn.Module):
    """A classifier that reads the class from the red channel and is `confident` of it."""

    def __init__(self, confident):
        super().__init__()
        self.confident = confident

    def forward(self, images):
        level = ((images[:, 0, 0, 0] + 1) * 127.5).round().long()
        logits = self.confident * torch.nn.functional.one_hot(level, CLASSES).float()
        return logits, logits


class Scrambled(torch.nn.Module):
    """Fixed random linear logits: a stand-in for an evaluator of one architecture."""

    def __init__(self, classes=CLASSES, scale=6.0):
        super().__init__()
        self.linear = torch.nn.Linear(3 * 8 * 8, classes)
        torch.nn.init.normal_(self.linear.weight, std=scale / 14)
        self.eval()

    def forward(self, images):
        logits = self.linear(images.flatten(1))
        return logits, logits


def scrambled(seed):
    with seeded_globally(seed):
        return Scrambled()


def inception_score(images, evaluator, splits=1):
    return by_split(features_of(images, evaluator).logits, splits).mean()


def by_split(logits, splits):
    return inception_of_logits(logits, split_of(len(logits), splits)).mean(axis=1)


def flat_images(labels):
    """8 x 8 images whose every value is the label."""
    return np.broadcast_to(labels[:, None, None, None], (len(labels), 8, 8, 3)).astype(np.uint8)


def random_images(count):
    return numpy_generator("tests", "inception").integers(0, 256, (count, 8, 8, 3), np.uint8)


def reference(logits, splits=1):
    """Inception Score in float64, straight from its definition, over contiguous splits."""
    scores = []
    for chunk in np.array_split(np.asarray(logits, np.float64), splits):
        marginal = softmax(chunk, axis=1).mean(axis=0)
        divergence = softmax(chunk, axis=1) * (log_softmax(chunk, axis=1) - np.log(marginal))
        scores.append(np.exp(divergence.sum(axis=1).mean()))
    return np.mean(scores)


@pytest.fixture(autouse=True)
def _no_home(tmp_path, monkeypatch):
    """Point torch's cache folder to an empty one, and see that nothing was put there."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    yield
    assert not (tmp_path / "home").exists()


def test_perfect_classifier_scores_the_number_of_classes():
    images = flat_images(np.arange(50) % CLASSES)
    assert inception_score(images, Analytic(200.0)) == pytest.approx(CLASSES, rel=1e-12)


def test_undecided_classifier_scores_one():
    images = flat_images(np.arange(50) % CLASSES)
    assert inception_score(images, Analytic(0.0)) == pytest.approx(1.0, rel=1e-12)


def test_one_class_alone_scores_one():
    assert inception_score(flat_images(np.full(20, 3)), Analytic(200.0)) == pytest.approx(1.0)


def test_score_agrees_with_the_definition_in_float64():
    logits = features_of(random_images(300), scrambled(0)).logits
    result = inception_of_logits(logits)
    assert result.shape == (1, 1) and 1.5 < result < CLASSES
    assert result.item() == pytest.approx(reference(logits), rel=1e-10)


def test_splits_are_scored_apart():
    logits = features_of(random_images(300), scrambled(0)).logits
    result = by_split(logits, 3)
    # torch-fidelity shuffles with a fixed seed before it splits
    order = np.random.RandomState(2020).permutation(300)
    assert result.shape == (3,) and result.std() > 0
    assert result.mean() == pytest.approx(reference(logits[order], 3), rel=1e-10)


@pytest.mark.parametrize("splits", [1, 4])
def test_score_is_that_of_torch_fidelitys_front_door(splits):
    images, evaluator = random_images(120), scrambled(0)
    whole = torch_fidelity.calculate_metrics(
        input1=as_data_set(images), isc=True, isc_splits=splits, feature_extractor="evaluator",
        evaluator=evaluator, cuda=False, cache=False, save_cpu_ram=True, verbose=False,
    )  # fmt: skip
    own = by_split(features_of(images, evaluator).logits, splits)
    assert own.mean() == pytest.approx(whole[torch_fidelity.KEY_METRIC_ISC_MEAN], rel=1e-6)
    assert own.std() == pytest.approx(whole[torch_fidelity.KEY_METRIC_ISC_STD], rel=1e-6)


def test_output_comes_in_the_order_of_the_images_whatever_the_batch(monkeypatch):
    images, evaluator = random_images(50), scrambled(0)
    results = []
    for size in (7, 50, 256):
        monkeypatch.setattr(predict, "BATCH", size)
        results.append(features_of(images, evaluator))
    direct = evaluator(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1)[1]
    for result in results:
        np.testing.assert_allclose(result.logits, direct.detach(), atol=1e-4)
        np.testing.assert_array_equal(result.logits, result.features)


def test_no_evaluator_judges_in_training_mode():
    evaluator = scrambled(0).train()
    features_of(random_images(3), evaluator)
    assert not any(module.training for module in evaluator.modules())


def test_two_evaluators_of_one_architecture_give_two_scores():
    images = random_images(100)
    scores = [inception_score(images, scrambled(seed)) for seed in (0, 1, 0)]
    assert scores[0] != scores[1]
    assert scores[0] == scores[2]


def test_label_fidelity_is_top_one_against_the_class_asked_for():
    asked = np.arange(50) % CLASSES
    shown = np.where(np.arange(50) < 40, asked, (asked + 1) % CLASSES)
    logits = features_of(flat_images(shown), Analytic(9.0)).logits
    assert hits(logits, asked).mean() == 0.8


def test_scores_of_an_ensemble_are_means_of_those_of_its_members():
    logits = np.random.default_rng(3).normal(0, 3, (90, 3, CLASSES)).astype(np.float32)
    labels = np.arange(90) % CLASSES
    alone = [inception_of_logits(logits[:, i]) for i in range(3)]
    (whole,) = inception_of_logits(logits)
    assert whole == pytest.approx([one.item() for one in alone], rel=1e-12)
    assert whole.mean() == pytest.approx(np.mean([reference(logits[:, i]) for i in range(3)]))
    assert hits(logits, labels).mean(axis=0) == pytest.approx(
        [hits(logits[:, i], labels).mean() for i in range(3)]
    )


def test_parts_are_scored_apart_or_left_out_in_turn():
    logits = np.random.default_rng(3).normal(0, 3, (90, 2, CLASSES)).astype(np.float32)
    part_of = np.random.default_rng(4).permutation(np.arange(90) % 3)
    apart, rest = inception_of_logits(logits, part_of), inception_of_logits(logits, part_of, True)
    assert apart.shape == (3, 2) and rest.shape == (4, 2)
    np.testing.assert_allclose(rest[0], inception_of_logits(logits)[0], rtol=1e-12)
    for part in range(3):
        chosen = part_of == part
        np.testing.assert_allclose(apart[part], inception_of_logits(logits[chosen])[0], rtol=1e-12)
        others = inception_of_logits(logits[~chosen])[0]
        np.testing.assert_allclose(rest[1 + part], others, rtol=1e-12)


def test_the_class_of_an_ensemble_is_that_of_its_mean_probability():
    # Two members lean to class 0, one is sure of class 1: the sum of logits would say 0.
    logits = np.log([[[0.6, 0.4, 1e-9], [0.6, 0.4, 1e-9], [1e-3, 1 - 1e-3, 1e-9]]])
    assert top_class(logits).tolist() == [1]
    assert top_class(logits[:, 0]).tolist() == [0]


def test_agreement_is_the_share_of_pairs_of_members_that_see_one_class():
    top = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 2], [2, 1, 2]])
    logits = 5.0 * np.eye(CLASSES)[top]
    np.testing.assert_allclose(agreement(logits), [1, 1 / 3, 0, 1 / 3])
    assert agreement(logits[:, 0]) is None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 5]), "0 to 4"),
        (np.array([-1, 0]), "-1 to 0"),
        (np.zeros(3, int), "2 integer labels"),
    ],
)
def test_label_fidelity_refuses_labels_out_of_range(labels, message):
    with pytest.raises(UserError, match=message):
        hits(np.zeros((2, CLASSES)), labels)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 8, 8, 3), np.float32), "uint8"),
        (np.zeros((4, 3, 8, 8), np.uint8), "transpose"),
        (np.zeros((0, 8, 8, 3), np.uint8), "N > 0"),
        (np.zeros((4, 8, 8), np.uint8), "shape"),
        (np.zeros((4, 16, 16, 3), np.uint8), "expected 8 x 8 pixels"),
    ],
)
def test_unusable_samples_are_user_errors(images, message):
    evaluator = JudgeEnsemble([torch.nn.Linear(1, 1)], 8, {})
    with pytest.raises(UserError, match=message):
        inception_score(images, evaluator)


def test_a_broken_evaluator_is_a_user_error():
    with pytest.raises(UserError, match="not finite"):
        inception_score(flat_images(np.arange(5)), Analytic(float("nan")))


def test_more_splits_than_images_are_a_user_error():
    with pytest.raises(UserError, match="splits"):
        inception_score(flat_images(np.arange(5)), Analytic(1.0), splits=6)
