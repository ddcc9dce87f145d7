"""Label and regression probes of frozen codes."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from dlvae.stage.errors import UserError
from eval.metrics.disentanglement import probes
from eval.metrics.disentanglement.probes import KINDS, label_probe, regression_probe


def clusters(n, seed, spread=1.0):
    """Codes (n, 4) around three centres, with labels of uneven shares 1/2, 1/4, 1/4."""
    random = np.random.default_rng(seed)
    labels = random.choice(3, n, p=[0.5, 0.25, 0.25])
    centres = np.array([[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0]])
    return (centres[labels] + spread * random.normal(size=(n, 4))).astype(np.float32), labels


def noise(n, seed):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 4)).astype(np.float32), random.choice(3, n, p=[0.5, 0.25, 0.25])


def quadrants(n, seed):
    """A label that no line through the codes shows: the sign of z_0 z_1."""
    codes, _ = noise(n, seed)
    return codes, (codes[:, 0] * codes[:, 1] > 0).astype(np.int64)


@pytest.fixture
def short(monkeypatch):
    """An MLP that stops early, where how good it gets does not matter."""
    monkeypatch.setattr(probes, "_PATIENCE_UPDATES", 100)


@pytest.mark.parametrize("kind", KINDS)
def test_clusters_are_told_apart_as_well_as_they_can_be(kind):
    """Linear discriminant analysis is the best classifier of Gaussians of equal covariance."""
    train, test = clusters(1500, 0), clusters(2000, 1)
    found = label_probe(*train, *test, kind, 0)
    best = LinearDiscriminantAnalysis().fit(*train).score(*test)
    assert best < 0.99
    assert found.score == pytest.approx(best, abs=0.015)
    assert found.n == 2000
    assert found.converged


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_read_at_chance(kind):
    """Chance is the share of the largest held-out class, and noise gives no more."""
    train, test = noise(1500, 0), noise(2000, 1)
    found = label_probe(*train, *test, kind, 0)
    assert found.chance == np.bincount(test[1]).max() / 2000
    assert abs(found.score - found.chance) < 0.04


def test_only_the_mlp_reads_what_is_not_linear():
    train, test = quadrants(1500, 0), quadrants(1000, 1)
    assert abs(label_probe(*train, *test, "linear", 0).score - 0.5) < 0.1
    assert label_probe(*train, *test, "mlp", 0).score > 0.9


def test_scale_and_offset_of_a_dimension_do_not_matter():
    """A leak in a nearly collapsed dimension is a leak."""
    (x, y), (codes, labels) = clusters(600, 0), clusters(600, 1)
    scale, offset = np.array([1e-4, 1, 1e4, 1]), np.array([5.0, 0, -3, 100])
    plain = label_probe(x, y, codes, labels, "linear", 0)
    moved = label_probe(x * scale + offset, y, codes * scale + offset, labels, "linear", 0)
    assert moved.score == pytest.approx(plain.score, abs=0.005)


def test_a_dimension_that_is_constant_is_harmless():
    (x, y), (codes, labels) = clusters(300, 0), clusters(300, 1)
    x[:, 3], codes[:, 3] = 2.0, 2.0
    assert label_probe(x, y, codes, labels, "linear", 0).score > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_numbers(kind, short):
    train, test = clusters(400, 0, spread=2.0), clusters(500, 1, spread=2.0)
    targets = train[0][:, 1], test[0][:, 1] ** 2
    for seed in (7, np.random.default_rng(7)):
        assert label_probe(*train, *test, kind, seed) == label_probe(*train, *test, kind, 7)
    first, second = (
        regression_probe(train[0], targets[0], test[0], targets[1], kind, 7) for _ in range(2)
    )
    assert first == second


def test_another_seed_trains_another_mlp(short):
    train, test = clusters(200, 0, spread=3.0), clusters(2000, 1, spread=3.0)
    first, second = (label_probe(*train, *test, "mlp", seed) for seed in (0, 1))
    assert first.score != second.score


def test_many_training_codes_are_thinned_out_in_proportion(monkeypatch):
    monkeypatch.setattr(probes, "TRAINING_ROWS", 100)
    fit, seen = probes._fit, []
    monkeypatch.setattr(probes, "_fit", lambda probe, x, y: (seen.append((x, y)), fit(probe, x, y)))
    labels = np.repeat([0, 1], [900, 100])
    codes = np.stack([np.arange(1000), labels], axis=1).astype(np.float32)
    for seed in (0, 0, 1):
        label_probe(codes, labels, codes, labels, "linear", seed)
    for x, y in seen:
        assert np.bincount(y).tolist() == [90, 10]
        assert len(np.unique(x[:, 0])) == 100
        assert (x[:, 1] == y).all()
    assert (seen[0][0] == seen[1][0]).all()
    assert (seen[0][0] != seen[2][0]).any()


@pytest.mark.parametrize("classes", [2, 3, 30])
def test_mlp_with_two_codes_per_class(classes, short):
    """The early stopping's split must leave codes on both of its sides."""
    labels = np.repeat(np.arange(classes), 2)
    codes = np.random.default_rng(0).normal(size=(2 * classes, 5)).astype(np.float32)
    assert label_probe(codes, labels, codes, labels, "mlp", 0).n == 2 * classes


def test_an_mlp_of_few_codes_is_not_given_up_after_few_updates():
    """The tenth set aside of few codes is a matter of chance for longer than 20 epochs."""
    random = np.random.default_rng(0)
    few, many = (probes._mlp(rows, random) for rows in (640, 64_000))
    assert (few["max_iter"], few["n_iter_no_change"]) == (445, 167)  # of 9 updates each
    assert (many["max_iter"], many["n_iter_no_change"]) == (200, 20)


def test_a_training_that_stops_too_early_says_so(monkeypatch):
    train, test = clusters(200, 0), clusters(200, 1)
    monkeypatch.setitem(probes._LINEAR, "max_iter", 2)
    monkeypatch.setattr(probes, "_EPOCHS", 2)
    monkeypatch.setattr(probes, "_UPDATES", 2)
    for kind in ("linear", "mlp"):
        assert not label_probe(*train, *test, kind, 0).converged
    assert not regression_probe(
        train[0], train[0][:, 0], test[0], test[0][:, 0], "mlp", 0
    ).converged


def test_linear_regression_finds_a_linear_target_and_its_noise():
    """R^2 is the share of the target's variance that is not noise: 1 / (1 + 1/4)."""
    random = np.random.default_rng(0)
    codes = random.normal(size=(6000, 3)).astype(np.float32)
    signal = codes @ np.array([0.6, 0.8, 0.0]) + 7
    targets = (signal + 0.5 * random.normal(size=6000)).astype(np.float32)
    found = regression_probe(
        codes[:3000], targets[:3000], codes[3000:], targets[3000:], "linear", 0
    )
    assert found.score == pytest.approx(0.8, abs=0.02)
    assert (found.n, found.converged) == (3000, True)


def test_mlp_regression_finds_a_curve_that_ridge_does_not():
    codes = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32)
    targets = np.cos(2 * codes[:, 0]) * 1000
    args = codes[:1500], targets[:1500], codes[1500:], targets[1500:]
    assert regression_probe(*args, "linear", 0).score < 0.1
    assert regression_probe(*args, "mlp", 0).score > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_no_regression_of_noise(kind):
    codes, _ = noise(1000, 0)
    targets = np.random.default_rng(5).normal(size=1000)
    found = regression_probe(codes[:700], targets[:700], codes[700:], targets[700:], kind, 0)
    assert abs(found.score) < 0.1


def with_nan(array):
    array = array.copy()
    array[1, 0] = np.nan
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y, c, t: (x, y[1:], c, t), "training labels: expected 40 integer labels"),
        (lambda x, y, c, t: (x, y, c[1:], t), "held-out labels: expected 39 integer labels"),
        (lambda x, y, c, t: (x, y.astype(float), c, t), "training labels: expected 40 integer"),
        (lambda x, y, c, t: (x, y * 0, c, t), "training labels: expected two classes"),
        (lambda x, y, c, t: (x, y, c, t * 0 + 1), "held-out labels: expected two classes"),
        (lambda x, y, c, t: (x, y - 1, c, t), "training labels: expected labels >= 0, found -1"),
        (lambda x, y, c, t: (x, y, c, t + 1), "expected classes that occur in training.*class 3"),
        (lambda x, y, c, t: (x, np.eye(40, dtype=int)[0], c, t), "at least 2 codes of every class"),
        (lambda x, y, c, t: (with_nan(x), y, c, t), "training codes: expected finite"),
        (lambda x, y, c, t: (x, y, with_nan(c), t), "held-out codes: expected finite"),
        (lambda x, y, c, t: (x, y, c[:, :2], t), r"dimensions, found 4 \(.*, 2 \("),
        (lambda x, y, c, t: (x[0], y, c, t), r"training codes: expected floats of shape \(N, d\)"),
        (
            lambda x, y, c, t: (x[:0], y[:0], c, t),
            r"expected floats of shape \(N, d\) with N, d > 0",
        ),
        (lambda x, y, c, t: (x.astype(int), y, c, t), "training codes: expected floats"),
    ],
)
def test_label_probe_refuses(change, message):
    codes, labels = noise(40, 0)[0], np.arange(40) % 3
    with pytest.raises(UserError, match=message):
        label_probe(*change(codes, labels, codes, labels), "linear", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, y[1:], x, y), "training targets: expected 40 rows, found 39"),
        (lambda x, y: (x, y, x, y[1:]), "held-out targets: expected 40 rows, found 39"),
        (lambda x, y: (x, y * np.nan, x, y), "training targets: expected finite"),
        (lambda x, y: (x, y, x, y * 0), "held-out targets: expected different values, found 0"),
        (lambda x, y: (x[:19], y[:19], x, y), "at least 20 training codes for a regression"),
        (lambda x, y: (x, y, x[:, :1], y), r"dimensions, found 4 \(.*, 1 \("),
    ],
)
def test_regression_probe_refuses(change, message):
    codes, _ = noise(40, 0)
    with pytest.raises(UserError, match=message):
        regression_probe(*change(codes, codes[:, 0]), "linear", 0)


def test_kinds_are_named():
    codes, labels = clusters(40, 0)
    with pytest.raises(ValueError, match="linear.*mlp.*found 'svm'"):
        label_probe(codes, labels, codes, labels, "svm", 0)
