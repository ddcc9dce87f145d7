"""Panels from small untrained models: shapes, choices, and what is held fixed."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dlvae.base import Method, Task
from dlvae.coding import decode_grid, encode_images
from dlvae.data.dataset import Split, load_split, save_dataset
from dlvae.data.sample_sets import save_samples
from dlvae.data.synthetic_faces.factors import FACTOR_NAMES, IDENTITY_FACTORS
from dlvae.fit_prior import fit_to, fitted_snapshots
from dlvae.method.prior import CodePrior
from dlvae.stage.artefact import load_npz, read_json, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.registry import (
    DEFINITION,
    SNAPSHOTS,
    build_seeded,
    load_model,
    load_snapshots,
    save_model,
    save_snapshots,
    weights_hash,
)
from dlvae.stage.weights import save_weights
from eval.judge.factor_regressor import FactorRegressor
from eval.models import paths
from eval.models.decoding import evenly_spaced
from eval.panels import figure5
from eval.panels.__main__ import FIGURES, PANELS, main, make_panel
from eval.panels.common import PanelRequest, choose_classes
from eval.panels.explorer import effects, move
from eval.panels.figure6 import choose_sources
from reports.figures.panel import StoredPanel, caption

CLASSES = np.array([f"identity {k}" for k in range(5)])
CARD = {"dataset": "synthetic_faces", "source": "made up", "licence": "none", "flip": True}
CARD |= {"preparation": {}}
SECTIONS = {"figure3": {"classes": {"synthetic_faces": "identity 2"}}}
SECTIONS |= {"figure2": {"models": ["cvae_gan", "ours"]}}
OF_FORMS = {"figure2": "samples", "figure4": "b", "figure5": "grids"}  # arrays with a form axis


def faces(per_class, seed, labelled=True):
    random = np.random.default_rng(seed)
    n = per_class * len(CLASSES)
    identities = np.repeat(np.arange(len(CLASSES)), per_class)
    factors = random.uniform(-1, 1, (n, len(FACTOR_NAMES))).astype(np.float32)
    factors[:, : len(IDENTITY_FACTORS)] = identities[:, None]
    images = random.integers(0, 256, (n, 32, 32, 3)).astype(np.uint8)
    labels = identities.astype(np.int64) if labelled else np.full(n, -1)
    classes = CLASSES if labelled else np.array([], dtype="<U1")
    return Split(images, None, labels, classes, factors, np.array(FACTOR_NAMES))


def points(n, seed):
    values = np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)
    return Split(None, values, np.arange(n) % 3, np.array(["a", "b", "c"]))


def image_model(folder, name, seed=0):
    task = Task("image", "net32", 32, len(CLASSES), 0.05, 4, 6, 8, 50)
    save_model(folder, name, build_seeded(name, task, Method(), {}, seed), {"seed": seed})


def toy_model(folder, name):
    task = Task("point", "toy", 2, 3, 1.0, 2, 2, 10, 60)
    first, last = (build_seeded(name, task, Method(), {}, seed) for seed in range(2))
    save_model(folder, name, last, {})
    states = {0: first.state_dict(), 120: last.state_dict()}
    flat = {f"{step}/{key}": v for step, state in states.items() for key, v in state.items()}
    save_weights(folder / "snapshots.safetensors", flat)


def fitted(folder, train):
    """The folder of a saved model with its priors fitted, beside it."""
    out, model = folder.with_name(f"{folder.name}_fitted"), load_model(folder)
    fit_to(model, train)
    save_model(out, read_json(folder / DEFINITION)["model"], model, {})
    if (folder / SNAPSHOTS).exists():
        save_snapshots(out, fitted_snapshots(model, load_snapshots(folder), train))
    return str(out)


def regressor(folder, r2):
    torch.manual_seed(0)
    network = FactorRegressor(FACTOR_NAMES, 32, 0.05)
    save_weights(folder / "weights.safetensors", network.state_dict())
    card = {"factor_names": list(FACTOR_NAMES), "image_size": 32, "width": 0.05}
    card |= {"weights_sha256": weights_hash(folder)}
    card |= {"r2": r2, "usable": [name for name, value in r2.items() if value >= 0.5]}
    write_json(folder / "card.json", card)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Inputs of every figure, by figure."""
    root = tmp_path_factory.mktemp("panels")
    train, moons = faces(12, 0), points(60, 3)
    save_dataset(root / "data", {"train": train, "test": faces(4, 1)}, CARD)
    save_dataset(root / "unlabelled", {"train": faces(12, 2, labelled=False)}, CARD)
    save_dataset(root / "moons", {"train": moons, "test": points(2400, 4)}, CARD)
    for seed, name in enumerate(["ours", "cvae_gan", "ours_semi"]):
        image_model(root / name, name.removesuffix("_semi"), seed)
    for name in ("ours", "cvae_gan"):
        toy_model(root / f"toy_{name}", name)
    regressor(root / "factors", {"expression": 0.9, "elevation": 0.4, "azimuth": 0.8})
    for name in ("cvae", "ours", "ours_fitted"):
        sample = faces(10, len(name))
        save_samples(root / f"{name}.npz", sample.images, sample.labels)
    model, data = str(root / "ours"), str(root / "data")
    models = {"ours": model, "ours_fitted": fitted(root / "ours", train)}
    toys = {"cvae_gan": str(root / "toy_cvae_gan"), "ours": str(root / "toy_ours")}
    toys["ours_fitted"] = fitted(root / "toy_ours", moons)
    samples = {name: str(root / f"{name}.npz") for name in ("cvae", "ours", "ours_fitted")}
    semi, unlabelled = str(root / "ours_semi"), str(root / "unlabelled")
    return {
        "figure2": {"data": str(root / "moons"), "models": toys},
        "figure3": {"data": data, "samples": samples},
        "figure4": {"models": models, "data": data},
        "figure5": {"models": models, "data": data, "factors": str(root / "factors")},
        "figure6": {"model": semi, "unlabelled": unlabelled},
        "figure7": {"ours": model, "cvae_gan": str(root / "cvae_gan"), "data": data},
        "explorer": {"model": model, "data": data},
    }


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Few random codes: what is chosen does not matter here."""
    monkeypatch.setattr(paths, "SCREENED", 64)
    monkeypatch.setattr(paths, "TRAVERSALS", 4)


def request(figure, inputs, section=None, bn_eval="running"):
    config = {"preset": "smoke", "dataset": "synthetic_faces", "seed": 0, "bn_eval": bn_eval}
    config |= {"figure": SECTIONS.get(figure, {}) if section is None else section}
    return PanelRequest(figure, config, inputs[figure])


@pytest.fixture(scope="module")
def panels(inputs):
    found = {}

    def panel(figure):
        if figure not in found:
            found[figure] = make_panel(request(figure, inputs))
        return found[figure]

    return panel


@pytest.mark.parametrize("figure", PANELS)
def test_a_panel_is_a_function_of_its_inputs(figure, inputs, panels):
    first, second = panels(figure), make_panel(request(figure, inputs))
    assert json.dumps(first.meta) == json.dumps(second.meta)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])
    for array in first.arrays.values():
        assert array.dtype == np.uint8 or array.shape[-1] != 3
    assert all(path.is_file() for path in first.files.values())


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_reads_the_panel(figure, panels):
    made = panels(figure)
    shared = {"preset": "smoke", "dataset": "synthetic_faces", "seed": 0}
    panel = StoredPanel(made.arrays, json.loads(json.dumps(made.meta)) | shared)
    module = importlib.import_module(f"reports.figures.draw_{figure}")
    text = caption(figure, [panel])
    assert module.draw(text, panel).axes and made.meta["selection"] in text


def test_figure2_shows_every_snapshot_of_every_model_and_form(panels):
    made = panels("figure2")
    assert made.meta["epochs"] == [0, 20]
    # Those of the inputs: the figure's own section names no forms.
    assert made.meta["models"] == ["cvae_gan", "ours", "ours_fitted"]
    assert made.arrays["samples"].shape == (3, 2, len(made.arrays["real"]), 2)
    for first, last in made.arrays["samples"]:
        assert not np.array_equal(first, last)
    other, published, fitted = made.meta["codes"]["seed_parts"]
    assert published == fitted != other
    for published, fitted in made.arrays["samples"][1:].swapaxes(0, 1):
        assert not np.array_equal(published, fitted)


@pytest.mark.parametrize("figure", OF_FORMS)
def test_forms_of_a_model_take_the_same_draws(figure, inputs):
    """Two names for one folder: only what differs between the forms may show."""
    own = inputs[figure]["models"]["ours"]
    same = inputs[figure] | {"models": {"ours": own, "ours_fitted": own}, "factors": None}
    made = make_panel(request(figure, {figure: same}, bn_eval="recalibrated"))
    np.testing.assert_array_equal(*made.arrays[OF_FORMS[figure]])


@pytest.mark.parametrize("figure", OF_FORMS)
def test_a_model_without_a_fitted_form_is_shown_as_it_is_beside_one(figure, inputs, panels):
    both, name = panels(figure), OF_FORMS[figure]
    models = {n: f for n, f in inputs[figure]["models"].items() if not n.endswith("_fitted")}
    alone = make_panel(request(figure, {figure: inputs[figure] | {"models": models}}))
    assert alone.meta["models"] == list(models) and len(alone.arrays[name]) == len(models)
    np.testing.assert_array_equal(alone.arrays[name], both.arrays[name][: len(models)])


def test_figure3_takes_the_first_images_of_the_class_asked_for(inputs, panels):
    made = panels("figure3")
    train = load_split(inputs["figure3"]["data"], "train")
    assert made.meta["titles"] == ["real", "cvae", "ours", "ours_fitted"]
    assert made.meta["class_name"] == "identity 2"
    assert made.arrays["grids"].shape == (4, 3, 3, 32, 32, 3)
    real = made.arrays["grids"][0].reshape(9, 32, 32, 3)
    np.testing.assert_array_equal(real, train.images[train.labels == 2][:9])
    first = make_panel(request("figure3", inputs, {}))
    assert first.meta["class_name"] == "identity 0"


def test_figure4_has_rows_of_three_classes_that_differ_along_alpha(panels):
    made = panels("figure4")
    assert made.meta["classes"] == ["identity 0", "identity 2", "identity 4"]
    assert made.meta["alphas"][0] == 0 and made.meta["alphas"][-1] == 1
    assert made.meta["models"] == ["ours", "ours_fitted"]
    for name in "ab":
        grids = made.arrays[name]
        assert grids.shape == (2, 3, 8, 32, 32, 3)
        assert not np.array_equal(*grids) and len(set(made.meta["codes"][name])) == 2
        for grid in grids:
            assert not np.array_equal(grid[:, 0], grid[:, -1])


def test_figure5_replaces_a_factor_that_the_regressor_cannot_read(panels):
    made = panels("figure5")
    kinds = [choice["by"] for choice in made.meta["choices"]]
    assert made.arrays["grids"].shape == (2, 3, 3, 8, 32, 32, 3)
    assert kinds == ["factor", "kl", "factor"]
    assert made.meta["names"][0] == "expression" and "KL rank" in made.meta["names"][1]
    assert len(set(made.meta["coordinates"])) == 3
    assert "expression 0.90" in made.meta["selection"]
    assert "elevation (R² 0.40)" in made.meta["selection"]


def test_figure5_goes_by_posterior_kl_without_a_regressor(inputs):
    without = inputs | {"figure5": inputs["figure5"] | {"factors": None}}
    made = make_panel(request("figure5", without))
    kl = [choice["kl"] for choice in made.meta["choices"]]
    assert [choice["rank"] for choice in made.meta["choices"]] == [1, 2, 3]
    assert kl == sorted(kl, reverse=True) and "posterior KL" in made.meta["selection"]


def test_figure5_varies_a_coordinate_in_units_of_the_prior(inputs, tmp_path, monkeypatch):
    model = load_model(Path(inputs["figure5"]["models"]["ours"]))
    random, d_u = torch.Generator().manual_seed(0), model.task.d_u
    mean, std = torch.randn(d_u, generator=random), 0.1 + torch.rand(d_u, generator=random)
    model.prior_u.mean.copy_(mean), model.prior_u.std.copy_(std)
    save_model(tmp_path, "ours", model, {})
    models, codes = inputs["figure5"]["models"] | {"ours_fitted": str(tmp_path)}, []

    def spy(model, z_s, z_u):
        codes.append((z_s, z_u))
        return np.zeros((3, 8, 32, 32, 3), np.uint8)

    monkeypatch.setattr(figure5, "decode_grid", spy)
    asked = inputs["figure5"] | {"models": models, "factors": None}
    made = make_panel(request("figure5", {"figure5": asked}))
    values, chosen = torch.tensor(made.meta["values"]), made.meta["coordinates"]
    for coordinate, published, fitted in zip(chosen, codes[:3], codes[3:], strict=True):
        torch.testing.assert_close(published[0], fitted[0])  # the mixtures are the same
        torch.testing.assert_close(published[1][0, :, coordinate], values)
        torch.testing.assert_close(fitted[1], mean + std * published[1])


def test_figure6_swaps_codes_of_different_identities(inputs, panels):
    made = panels("figure6")
    split = load_split(inputs["figure6"]["unlabelled"], "train")
    rows, columns = made.meta["row_indices"], made.meta["column_indices"]
    identity = split.factors[:, 0]
    assert len(set(identity[rows])) == 4 and not set(identity[rows]) & set(identity[columns])
    azimuth = split.factors[columns, FACTOR_NAMES.index("azimuth")]
    assert (np.diff(azimuth) >= 0).all()
    np.testing.assert_array_equal(made.arrays["row_images"], split.images[rows])
    assert made.arrays["grid"].shape == (len(rows), len(columns), 32, 32, 3)


def test_the_explorer_decodes_every_swap_and_a_walk_about_it(inputs, panels):
    made, model = panels("explorer"), load_model(Path(inputs["explorer"]["model"]))
    test = load_split(inputs["explorer"]["data"], "test")
    rows, columns = made.meta["row_indices"], made.meta["column_indices"]
    grid, values = made.arrays["grid"], made.meta["values"]
    assert values == [-3, -2, -1, 0, 1, 2, 3]
    assert grid.shape == (len(rows), len(columns), 7, 32, 32, 3) and len(columns) == 8
    np.testing.assert_array_equal(made.arrays["row_images"], test.images[rows])
    assert made.meta["row_classes"] == [str(CLASSES[label]) for label in test.labels[rows]]
    assert len(set(made.meta["row_classes"])) == len(rows)
    z_s = encode_images(model, test.images[rows])["z_s"]
    z_u = encode_images(model, test.images[columns])["z_u"]
    np.testing.assert_array_equal(grid[:, :, 3], decode_grid(model, z_s[:, None], z_u[None]))
    coordinate = made.meta["coordinate"]
    z_u[:, coordinate] += 2 * model.prior_u.std[coordinate]
    np.testing.assert_array_equal(grid[:, :, 5], decode_grid(model, z_s[:, None], z_u[None]))


def test_the_explorer_moves_the_coordinate_of_the_largest_effect(panels):
    class Planted:
        device, prior_u = torch.device("cpu"), CodePrior(3)

        def decode(self, z_s, z_u):  # a pixel: z_u's second coordinate changes it, its third less
            return (z_u[:, 1] / 12 + z_u[:, 2] / 24)[:, None, None, None].expand(-1, 3, 1, 1)

    model = Planted()
    model.prior_u.std.copy_(torch.tensor([1.0, 2.0, 1.0]))
    found = effects(model, torch.zeros(2, 4), torch.zeros(3, 3))
    # Levels of 127.5 per unit: a difference of 6 standard deviations.
    assert found == pytest.approx([0, 127.5 * 12 / 12, 127.5 * 6 / 24], abs=1)
    meta = panels("explorer").meta
    assert meta["effects"][meta["coordinate"]] == max(meta["effects"]) > 0


def test_one_coordinate_moves_in_units_of_its_prior():
    z_u, std = torch.arange(6.0).view(2, 3), torch.tensor([1.0, 2.0, 3.0])
    moved = move(z_u, std, 1, torch.tensor([-1.0, 0.0, 2.0]))
    assert moved[1].tolist() == [[3, 2, 5], [3, 4, 5], [3, 8, 5]]


def test_sources_without_factors_are_evenly_spaced_and_distinct():
    images = np.zeros((30, 8, 8, 3), np.uint8)
    split = Split(images, None, np.full(30, -1), np.array([], "<U1"))
    rows, columns, text = choose_sources(split, 4, 8)
    assert len(rows) == 4 and len(columns) == 8 and not set(rows) & set(columns)
    assert np.ptp(rows) > 15 and "evenly spaced" in text


def test_figure7_replaces_the_missing_region_alone(panels):
    made = panels("figure7")
    masks, original = made.arrays["masks"], made.arrays["original"]
    assert made.meta["masks"] == ["right_half", "eyes", "nose_mouth", "bottom_half"]
    for index, mask in enumerate(masks):
        known = ~mask
        assert (made.arrays["corrupted"][index][:, mask] == 128).all()
        for name in ("corrupted", "cvae_gan", "ours"):
            np.testing.assert_array_equal(
                made.arrays[name][index][:, known], original[index][:, known]
            )
        assert not np.array_equal(made.arrays["ours"][index], made.arrays["cvae_gan"][index])


def test_the_command_writes_panel_choices_and_manifest(inputs, tmp_path):
    asked = request("figure4", inputs)

    class Arguments:
        figure, config, inputs, out, threads = "figure4", asked.config, asked.inputs, tmp_path, 1

    main(Arguments)
    meta, manifest = read_json(tmp_path / "panel.json"), read_json(tmp_path / "manifest.json")
    assert load_npz(tmp_path / "panel.npz")["a"].shape == (2, 3, 8, 32, 32, 3)
    assert (meta["preset"], meta["dataset"], meta["seed"]) == ("smoke", "synthetic_faces", 0)
    made_of = asked.inputs["models"]
    assert [len(meta["model_hashes"][name]) for name in made_of] == [12, 12]
    assert meta["codes"]["seed_parts"]
    assert {f"{name}/weights.safetensors" for name in made_of} <= set(manifest["inputs"])


def test_evenly_spaced_indices_are_distinct_and_within():
    for count, wanted in [(1, 3), (3, 3), (10, 4), (500, 12)]:
        index = evenly_spaced(count, wanted)
        assert len(set(index)) == min(count, wanted) and 0 <= index.min() <= index.max() < count


def test_an_unknown_class_is_refused_with_the_nearest_name():
    assert choose_classes(CLASSES, ["identity 3"], 1).tolist() == [3]
    with pytest.raises(UserError, match="Did you mean 'identity 4'"):
        choose_classes(CLASSES, ["identity4"], 1)


def test_a_missing_input_is_named(inputs):
    with pytest.raises(UserError, match="expected the input 'unlabelled'"):
        make_panel(request("figure6", {"figure6": {"model": inputs["figure6"]["model"]}}))
    with pytest.raises(UserError, match="expected the input 'models'"):
        make_panel(request("figure4", {"figure4": {"data": inputs["figure4"]["data"]}}))
