"""DCI, MIG and SAP of constructed codes."""

import numpy as np
import pytest
from scipy.stats import special_ortho_group

from dlvae.stage.errors import UserError
from eval.metrics.disentanglement import factor_scores
from eval.metrics.disentanglement.factor_scores import completeness, dci, disentanglement, mig, sap

NAMES = ("azimuth", "elevation", "expression", "light", "shade")
F = len(NAMES)


def factors(n=800, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, F)).astype(np.float32)


def halves(codes, values):
    middle = len(codes) // 2
    return codes[:middle], values[:middle], codes[middle:], values[middle:]


def permuted(values, extra=3):
    """Every factor in a dimension of its own, scaled, beside dimensions of noise."""
    random = np.random.default_rng(1)
    order, scale = random.permutation(F), np.array([1, -3, 0.01, 50, 2])
    noise = random.normal(size=(len(values), extra))
    return np.hstack([values[:, order] * scale, noise]).astype(np.float32)


def rotated(values):
    return (values @ special_ortho_group.rvs(F, random_state=0)).astype(np.float32)


def unrelated(values):
    return np.random.default_rng(2).normal(size=(len(values), F)).astype(np.float32)


def mean(by_factor):
    return np.mean(list(by_factor.values()))


def all_scores(codes, values):
    found = dci(*halves(codes, values), NAMES, 0)
    gaps = mean(mig(codes, values, NAMES)), mean(sap(codes, values, NAMES))
    return np.array([found.disentanglement, found.completeness, *gaps, found.informativeness])


def test_permuted_and_scaled_factors_are_disentangled():
    values = factors()
    found = dci(*halves(permuted(values), values), NAMES, 0)
    assert min(found.disentanglement, found.completeness) > 0.97
    assert found.informativeness > 0.97
    order = np.random.default_rng(1).permutation(F)
    assert found.importance.argmax(0).tolist() == np.argsort(order).tolist()
    assert mean(sap(permuted(values), values, NAMES)) > 0.95


def test_mig_of_perfect_codes_lacks_only_the_bias_of_the_histogram():
    values = factors(n=5000)
    found = mig(permuted(values), values, NAMES)
    bias = (factor_scores.BINS - 1) ** 2 / (2 * 5000) / np.log(factor_scores.BINS)
    assert 1 - 2 * bias < mean(found) < 1


def test_a_rotation_is_entangled():
    """Every score falls, although the rotated codes hold the same information."""
    values = factors()
    straight, turned = all_scores(permuted(values), values), all_scores(rotated(values), values)
    assert (turned[:4] < 0.5 * straight[:4]).all()
    assert turned[4] > 0.5


def test_unrelated_codes_score_near_zero():
    values = factors(n=3000)
    found = all_scores(unrelated(values), values)
    assert (found[:4] < 0.05).all()
    assert -0.3 < found[4] < 0.05


def test_disentanglement_and_completeness_by_hand():
    importance = np.array([[3.0, 1.0], [0.0, 4.0], [0.0, 0.0]])
    quarter, fifth = (-p * np.log2(p) - (1 - p) * np.log2(1 - p) for p in (0.25, 0.2))
    assert disentanglement(importance) == pytest.approx(0.5 * (1 - quarter) + 0.5)
    assert completeness(importance) == pytest.approx((1 + 1 - fifth / np.log2(3)) / 2)


def test_importance_has_its_limits():
    assert disentanglement(np.eye(4)) == completeness(np.eye(4)) == 1
    uniform = np.ones((3, 5))
    assert (disentanglement(uniform), completeness(uniform)) == pytest.approx((0, 0), abs=1e-12)
    assert disentanglement(np.zeros((3, 5))) == completeness(np.zeros((3, 5))) == 0
    one_code_for_two = np.array([[1.0, 1.0], [0.0, 0.0]])
    assert (disentanglement(one_code_for_two), completeness(one_code_for_two)) == (0, 1)


def test_constant_codes_say_nothing():
    values = factors()
    assert all_scores(np.ones((800, 3), np.float32), values)[:4].tolist() == [0, 0, 0, 0]


def test_mig_by_hand():
    """The best dimension tells all four levels (log 4), the second two halves (log 2)."""
    level = np.tile(np.arange(4.0), 30)
    side = np.repeat([0.0, 1.0], 60)
    found = mig(np.stack([level // 2, -level, side], 1), np.stack([level, side], 1), ["v", "w"])
    assert found == pytest.approx({"v": 0.5, "w": 1.0})


def test_mig_is_in_shares_of_the_entropy():
    """The same codes of a factor with a rarer level: H and I of a 1/4 : 3/4 split."""
    v = np.repeat([0.0, 1.0], [10, 30])
    half = np.repeat([0.0, 1.0, 0.0, 1.0], [5, 5, 15, 15])  # independent of v
    assert mig(np.stack([v, half], 1), v[:, None], ["v"]) == pytest.approx({"v": 1})


def test_bins_have_equal_width():
    """One outlier pushes everything else into the first bin."""
    v = np.linspace(0, 1, 100)
    codes = np.stack([v, np.zeros(100)], 1)
    codes[-1, 0] = 1000
    bins = np.bincount((v * factor_scores.BINS).astype(int).clip(max=factor_scores.BINS - 1))
    shares = bins / 100
    split = -(0.99 * np.log(0.99) + 0.01 * np.log(0.01))
    rest = (bins - np.eye(len(bins))[-1]) / 99
    information = -(shares @ np.log(shares)) + 0.99 * (rest @ np.log(rest))
    assert information < split + 1e-12
    expected = information / -(shares @ np.log(shares))
    assert mig(codes, v[:, None], ["v"]) == pytest.approx({"v": expected})


def test_sap_by_hand():
    """Orthogonal columns: squared correlations of exactly 1, 1/2 and 0."""
    hadamard = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float)
    a, b, c = hadamard.T
    found = sap(np.stack([5 * a + 3, b - a, b], 1), np.stack([a, b, c], 1), ["a", "b", "c"])
    assert found == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.0}, abs=1e-12)


def test_r2_is_that_of_held_out_codes():
    """A factor that the codes do not hold can only be learnt by heart; held out, it shows."""
    values = factors()
    codes = permuted(values)
    codes[:, np.flatnonzero(np.random.default_rng(1).permutation(F) == 0)] = 0
    found = dci(*halves(codes, values), NAMES, 0)
    assert found.r2["azimuth"] < 0.05
    assert min(found.r2[name] for name in NAMES[1:]) > 0.97
    assert found.informativeness == pytest.approx(np.mean(list(found.r2.values())))


def test_same_seed_same_numbers():
    values = factors()
    args = *halves(rotated(values), values), NAMES
    first, second, third = (dci(*args, s) for s in (3, np.random.default_rng(3), 4))
    assert (first.importance == second.importance).all()
    assert first.r2 == second.r2
    assert (first.importance != third.importance).any()


def test_many_training_codes_are_thinned_out(monkeypatch):
    """With 40 rows left, the forest cannot be as good as with 400."""
    values = factors()
    args = *halves(permuted(values), values), NAMES, 0
    whole = dci(*args)
    monkeypatch.setattr(factor_scores, "TRAINING_ROWS", 40)
    few = dci(*args)
    assert few.informativeness < whole.informativeness - 0.02


@pytest.mark.parametrize("score", [mig, sap])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z, v, n: (z[1:], v, n), "factors: expected 39 rows, found 40"),
        (lambda z, v, n: (z * np.nan, v, n), "codes: expected finite"),
        (lambda z, v, n: (z, v * np.inf, n), "factors: expected finite"),
        (lambda z, v, n: (z, v, n[1:]), "expected 5 different names"),
        (lambda z, v, n: (z, v, ("light",) * 5), "expected 5 different names"),
        (lambda z, v, n: (z[:, :1], v, n), "at least 2 dimensions"),
        (lambda z, v, n: (z, v * [1, 0, 1, 0, 1], n), "found constant elevation, light"),
    ],
)
def test_gaps_refuse(score, change, message):
    values = factors(40)
    with pytest.raises(UserError, match=message):
        score(*change(values, values, NAMES))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda x, w, z, v: (x, w, z[:, 1:], v, NAMES),
            r"same number of dimensions, found 5 \(.*, 4 \(",
        ),
        (lambda x, w, z, v: (x, w[1:], z, v, NAMES), "factors: expected 20 rows, found 19"),
        (lambda x, w, z, v: (x, w, z, v[1:], NAMES), "factors: expected 20 rows, found 19"),
        (lambda x, w, z, v: (x, w[:, :1], z, v[:, :1], NAMES[:1]), "at least 2 factors"),
        (lambda x, w, z, v: (x, w, z, v * 0, NAMES), "found constant azimuth"),
    ],
)
def test_dci_refuses(change, message):
    values = factors(40)
    with pytest.raises(UserError, match=message):
        dci(*change(*halves(values, values)), 0)
