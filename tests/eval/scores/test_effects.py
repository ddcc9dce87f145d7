"""Scores of the effects of coordinates: painters whose coordinates are known, and what is n/a."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from dlvae.method.prior import CodePrior
from dlvae.stage.errors import UserError
from eval.scores import coordinates as family

INPUTS = {"model": "ours", "factors": "factors"}
NAMES = ("azimuth", "elevation")


@pytest.fixture
def score(world, monkeypatch):
    """Scores of a painter by a regressor of its bands."""

    def run(painter=None, regressor=None):
        world.save_regressor(azimuth=0.9)
        regressor = regressor or world.Painter.regressor(*NAMES)
        monkeypatch.setattr(family, "ready_model", lambda *_, **__: painter or world.Painter())
        monkeypatch.setattr(family, "load_factors", lambda _: regressor)
        return family.effects(world.request("effects", INPUTS))

    return run


def test_a_coordinate_per_factor_is_perfect(world, score):
    class Crossed(world.Painter):
        def greys(self, z_s, z_u):
            return torch.stack([-z_u[:, 4], 0.5 * z_u[:, 2]], 1)

    found = score(Crossed())
    values = {name: measured.value for name, measured in found.values.items()}
    assert (values["effect_coordinate:azimuth"], values["effect_coordinate:elevation"]) == (4, 2)
    assert [values[name] for name in family.SUMMARIES] == pytest.approx([1, 1, 1])
    # A grey is z_u / 4 of [-1, 1], and factors are in units of the held-out images' own spread.
    greys = world.split(6, 2).images[:, -1, 0, 0].std()
    assert values["effect:azimuth"] == pytest.approx((127.5 / 4 / greys) ** 2, rel=0.03)
    assert values["effect:elevation"] == pytest.approx((127.5 / 8 / greys) ** 2, rel=0.03)
    assert {m.n for m in found.values.values()} == {
        family.CODES * family.VALUES * world.Painter.bands
    }


def test_the_summaries_are_those_of_the_matrix_in_the_manifest(world, score):
    class Mixed(world.Painter):
        def greys(self, z_s, z_u):
            return torch.stack([z_u[:, 0] + 0.5 * z_u[:, 1], 0.7 * z_u[:, 1] + 0.3 * z_u[:, 3]], 1)

    found = score(Mixed())
    matrix = np.array([found.extra["effects"][name] for name in NAMES]).T
    assert matrix.shape == (6, 2) and set(np.flatnonzero(matrix[:, 0])) == {0, 1}
    shares = matrix[matrix.sum(1) > 0]
    weights = shares.sum(1) / shares.sum()
    disentangled = np.sum(weights * (1 - entropy(shares, base=2, axis=1)))
    complete = np.mean([1 - entropy(column, base=6) for column in matrix.T])
    two = np.sort(matrix, axis=0)[:-3:-1]
    gap = np.mean((two[0] - two[1]) / two[0])
    expected = [disentangled, complete, gap]
    assert [found.values[name].value for name in family.SUMMARIES] == pytest.approx(expected)
    assert found.values["effect_coordinate:elevation"].value == 1
    assert found.values["effect:elevation"].value == matrix[1, 1]


def test_a_decoder_that_ignores_z_u_has_no_effect_and_no_gap(world, score):
    class Deaf(world.Painter):
        def greys(self, z_s, z_u):
            return 0 * z_u

    values = score(Deaf()).values
    assert values["effect:azimuth"].value == 0
    assert [values[name].value for name in family.SUMMARIES] == [0, 0, 0]


def test_only_usable_label_irrelevant_factors_are_measured(world, score):
    regressor = world.Painter.regressor("skin_tone", *NAMES, usable=["skin_tone", "azimuth"])
    values = score(regressor=regressor).values
    assert not any("skin_tone" in name for name in values)
    assert values["effect_coordinate:azimuth"].value == 1
    for metric in family.PER_FACTOR:
        note = values[f"{metric}:elevation"].note
        assert note == "needs a regressor of R2 >= 0.5, has 0.30"
    assert values["effect_disentanglement"].note == family.ONE_FACTOR
    assert values["effect_gap"].value == pytest.approx(1)


def test_a_regressor_that_can_read_nothing_leaves_no_value(world, score):
    found = score(regressor=world.Painter.regressor(*NAMES, usable=[]))
    assert {m.value for m in found.values.values()} == {None} and found.extra == {}
    assert set(family.SUMMARIES) <= set(found.values)


def test_without_a_factor_regressor_nothing_is_measured(world):
    rows, _, _ = world.run("effects", {"model": "ours"})
    assert set(rows.index) == set(family.SUMMARIES) and rows["value"].isna().all()
    assert set(rows["ci_kind"]) == {"n/a: needs ground-truth factors"}


def test_many_coordinates_are_traversed_from_fewer_codes():
    assert [family._codes(d_u) for d_u in (64, 512)] == [16, 4]
    assert family._codes(200) == family.DECODED // (family.VALUES * 200)


def test_rows_and_manifest_of_an_untrained_model(world):
    inputs = {"model": "ours"} | world.save_regressor(azimuth=0.9, expression=0.8)
    rows, manifest, text = world.run("effects", inputs)
    assert rows["value"].notna().sum() == 2 * 2 + 3 and len(rows) == len(IRRELEVANT_FACTORS) * 2 + 3
    assert rows["evaluator"].str.fullmatch(r"none\+[0-9a-f]{12}").all()
    files = {"model/weights.safetensors", "model/model.json", "factors", "data/test.npz"}
    assert set(manifest["inputs"]) == files | {"data", "protocol"}
    assert set(manifest["effects"]) == {"azimuth", "expression"}
    assert {len(column) for column in manifest["effects"].values()} == {6}
    assert max(manifest["effects"]["azimuth"]) == rows.loc["effect:azimuth", "value"]
    assert world.run("effects", inputs)[2] == text


def test_a_model_without_two_codes_is_refused(world):
    world.save_regressor(azimuth=0.9)
    with pytest.raises(UserError, match="effects: expected a model with 'decode'"):
        family.effects(world.request("effects", INPUTS | {"model": "told"}, model="cvae"))


class Linear:
    """Decodes z_u to one pixel whose three colours are ``mixing`` @ z_u, within [-1, 1]."""

    device = torch.device("cpu")

    def __init__(self, shown, d_u):
        self.shown, self.prior_u = shown, CodePrior(d_u)

    def decode(self, z_s, z_u):
        return self.shown(z_s, z_u).clamp(-1, 1)[:, :, None, None]


def matrix(shown, codes=16, d_u=4, columns=(0, 1, 2), spread=(1.0, 1.0, 1.0)):
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(codes, 2, generator=draws), torch.randn(codes, d_u, generator=draws)

    def read(images):
        return (images[:, 0, 0].astype(np.float64) / 127.5 - 1)[:, list(columns)]

    return family.effect_matrix(Linear(shown, d_u), read, np.array(spread), z)


def test_settings_are_exact_for_moments_of_a_normal():
    values, weights = family.gaussian_settings()
    moments = [float(weights @ values.numpy() ** k) for k in range(9)]
    assert moments == pytest.approx([1, 0, 1, 0, 3, 0, 15, 0, 105], abs=1e-9)
    assert len(values) == family.VALUES and values.abs().max() < 3


def test_a_linear_effect_is_its_squared_slope_over_the_spread_of_real_images():
    mixing = torch.tensor([[0.2, 0.0, 0.05, 0.0], [0.0, -0.1, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = matrix(lambda z_s, z_u: z_u @ mixing.T, columns=(1, 0), spread=(0.2, 0.4))
    expected = (mixing.double().numpy() ** 2)[[1, 0]].T / np.array([0.2, 0.4]) ** 2
    assert found.shape == (4, 2)
    np.testing.assert_allclose(found, expected, rtol=0.05)  # pixels are whole numbers


def test_an_effect_in_a_curve_counts_and_one_of_z_s_does_not():
    def shown(z_s, z_u):
        square = 0.1 * (z_u[:, 0] ** 2 - 1)
        return torch.stack([square, 0.2 * z_s[:, 0], 0 * square], 1)

    found = matrix(shown)
    assert found[0, 0] == pytest.approx(2 * 0.1**2, rel=0.03)  # the variance of chi squared
    assert np.count_nonzero(found) == 1


def test_an_interaction_is_averaged_over_the_other_codes():
    def shown(z_s, z_u):
        return (0.1 * z_u[:, 0] * z_u[:, 1])[:, None].expand(-1, 3)

    draws = torch.Generator().manual_seed(0)
    torch.randn(64, 2, generator=draws)
    z_u = torch.randn(64, 4, generator=draws)
    found = matrix(shown, codes=64)
    expected = 0.1**2 * (z_u[:, [1, 0]] ** 2).mean(0)
    np.testing.assert_allclose(found[:2, 0], expected, rtol=0.03)


def test_the_gap_is_the_lead_of_the_largest_effect():
    table = np.array([[0.8, 0.3, 0.0], [0.2, 0.3, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0]])
    np.testing.assert_allclose(family.effect_gap(table), [0.75, 0.0, 0.0])
    assert family.effect_gap(np.array([[0.0], [0.5]])).tolist() == [1.0]
