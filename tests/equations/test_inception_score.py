"""Inception Scores that can be worked out, and the score as a mutual information."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from eval.library import features_of
from eval.metrics.inception_score import inception_of_logits


class ByRed(torch.nn.Module):
    """Evaluator whose p(y|x) is the row of a table that the red channel names."""

    def __init__(self, table):
        super().__init__()
        self.logits = torch.log(torch.as_tensor(table, dtype=torch.float64)).float()

    def forward(self, images):
        rows = ((images[:, 0, 0, 0] + 1) * 127.5).round().long()
        return self.logits[rows], self.logits[rows]


def inception_score(images, evaluator):
    return inception_of_logits(features_of(images, evaluator).logits).item()


def images_of(rows):
    return np.broadcast_to(np.asarray(rows)[:, None, None, None], (len(rows), 8, 8, 3)).astype(
        np.uint8
    )


@pytest.mark.parametrize("classes", [2, 10, 200])
@pytest.mark.parametrize("accuracy", [0.3, 0.9, 0.999])
def test_balanced_classes_of_one_confidence(classes, accuracy):
    """Accuracy a on the class shown and the rest spread evenly: IS = C exp(-H(p(y|x)))."""
    table = np.full((classes, classes), (1 - accuracy) / (classes - 1))
    np.fill_diagonal(table, accuracy)
    expected = classes * np.exp(-entropy(table[0]))
    found = inception_score(images_of(np.arange(3 * classes) % classes), ByRed(table))
    assert found == pytest.approx(expected, rel=1e-5)


def test_perfect_classifier_of_uneven_classes():
    """With p(y|x) one-hot, IS = exp(H(p(y))), below C; with all in one class it is 1."""
    table = np.eye(4) * (1 - 4e-30) + 1e-30
    for counts in ((40, 40, 40, 40), (90, 40, 20, 10), (160, 0, 0, 0)):
        rows = np.repeat(np.arange(4), counts)
        expected = np.exp(entropy(np.array(counts) / 160))
        assert inception_score(images_of(rows), ByRed(table)) == pytest.approx(expected, rel=1e-9)


def test_log_of_the_score_is_the_mutual_information_of_image_and_label():
    """By scikit-learn, from counts: an image is drawn evenly, its label from p(y|x)."""
    random = np.random.default_rng(0)
    counts = 1 + random.multinomial(994, random.dirichlet(np.ones(6), 30))
    posterior = counts / 1000
    expected = np.exp(mutual_info_score(None, None, contingency=counts))
    assert inception_of_logits(np.log(posterior)).item() == pytest.approx(expected, rel=1e-12)
    assert inception_score(images_of(np.arange(30)), ByRed(posterior)) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("confidence", [0.0, 60.0])
def test_ends_of_the_scale_at_530_classes(confidence):
    """530 identities in float32 logits: 1 and 530, to a relative 1e-6."""
    labels = np.arange(530 * 10) % 530
    logits = (confidence * np.eye(530)[labels]).astype(np.float32)
    expected = 530 if confidence else 1
    assert inception_of_logits(logits).item() == pytest.approx(expected, rel=1e-6)
