"""The family `codes` on images whose pixels are their codes, and on untrained models."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from coded_pixels import CARD, CLASSES, D_S, D_U, OFF, Pixels, drawn
from dlvae.base import Method, Task
from dlvae.data import three_moons
from dlvae.data.dataset import Split, load_split, save_dataset
from dlvae.stage.errors import UserError
from dlvae.stage.registry import build_seeded, save_model
from eval.metrics.disentanglement import probes
from eval.models import encoding
from eval.request import ScoreRequest
from eval.rows import read_rows
from eval.scores import __main__ as scores
from eval.scores import codes as family
from eval.scores.codes import METRICS, OF_Z_S, codes
from eval.scores.priors import METRICS as OF_PRIORS
from eval.scores.priors import priors

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"


def asked(folder, model="ours", dataset="pixels", family="codes"):
    config = {"preset": "smoke", "dataset": dataset, "model": model, "seed": 4}
    config["protocol_overrides"] = {"bn_eval": "running"}  # fast
    inputs = {"model": str(folder / model)}
    return ScoreRequest(family, config, inputs, folder / dataset, PROTOCOL)


@pytest.fixture(scope="module", autouse=True)
def short_trainings():
    """Probes are tested elsewhere; here they may stop early."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(probes, "_PATIENCE_UPDATES", 100)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Prepared data, and untrained models of it."""
    folder = tmp_path_factory.mktemp("codes")
    splits = {"train": drawn(60, 1)[0], "test": drawn(40, 2)[0]}
    save_dataset(folder / "pixels", splits, CARD | {"dataset": "pixels"})
    task = Task("image", "net32", 32, len(CLASSES), 0.05, D_S, D_U, 8, 240)
    for name in ("ours", "cvae", "cgan"):
        save_model(folder / name, name, build_seeded(name, task, Method(), {}, 0), {})
    return folder


def measured(folder, model, **changes):
    """Scores with ``model`` in place of the saved one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(family, "load_model", lambda _: model)
        patched.setattr(family, "ready_model", lambda *_, **__: model)
        for name, value in changes.items():
            patched.setattr(family, name, value)
        return codes(asked(folder))


@pytest.fixture(scope="module")
def found(folder):
    return measured(folder, Pixels())


def value(found, name):
    return found.values[name].value


def test_every_metric_is_there_and_factors_have_theirs(found):
    more = {f"factor_r2:{name}" for name in ("azimuth", "elevation", "expression")}
    assert set(found.values) == {*METRICS, *more}
    without = {name for name, one in found.values.items() if one.value is None}
    assert without == {"position_r2", "bayes_accuracy"}
    assert (found.extra["training"], found.extra["held_out"]) == (240, 160)


def test_the_label_is_found_where_it_is(found):
    assert value(found, "probe_linear:z_s") > 0.97 and value(found, "probe_mlp:z_s") > 0.75
    assert value(found, "probe_chance") == 0.25
    for name in ("probe_linear:z_u", "probe_mlp:z_u"):
        assert abs(value(found, name) - 0.25) < 0.13
    reached, excess = (found.values[f"{name}:z_s"] for name in ("probe_mlp", "probe_excess"))
    expected = stats.binomtest(round(reached.value * 160), 160).proportion_ci(method="wilson")
    assert (reached.low, reached.high) == pytest.approx((expected.low, expected.high))
    assert (excess.value, excess.low, excess.high) == pytest.approx(
        (reached.value - 0.25, expected.low - 0.25, expected.high - 0.25)
    )
    assert reached.kind == excess.kind == "wilson95"


def test_the_label_is_found_in_z_u_too_and_noise_hides_it_from_samples(folder, monkeypatch):
    monkeypatch.setattr("coded_pixels.LOGVAR", 4.0)
    found = measured(folder, Pixels(swapped=True))
    assert value(found, "probe_excess:z_u") > 0.5 > 0.2 > abs(value(found, "probe_excess:z_s"))
    assert found.values["probe_mlp:z_u_sampled"].value < 0.6


def test_units_in_use(found):
    assert (value(found, "active_count:z_s"), value(found, "active_units:z_s")) == (3, 1)
    assert (value(found, "active_count:z_u"), value(found, "active_units:z_u")) == (3, 0.75)


def test_factors_that_z_u_holds_are_found(found):
    for name in ("azimuth", "elevation"):
        assert value(found, f"factor_r2:{name}") > 0.99
    assert value(found, "factor_r2:expression") < 0.1
    assert 0.5 < value(found, "dci_informativeness") < 0.72  # two of three
    assert value(found, "dci_disentanglement") > 0.5 < value(found, "dci_completeness")
    gaps = found.extra["per_factor"]
    for score in ("mig", "sap"):
        assert gaps[score]["azimuth"] > 0.5 > 0.1 > gaps[score]["expression"]
        assert found.values[score].n == 240


def test_reconstruction_error(found):
    errors = OFF**2 * (np.arange(160) % 2)
    interval = stats.ttest_1samp(errors, 0).confidence_interval(0.95)
    reconstruction = found.values["reconstruction_mse"]
    assert reconstruction.value == pytest.approx(OFF**2 / 2, rel=1e-5)
    assert (reconstruction.low, reconstruction.high) == pytest.approx(tuple(interval), rel=1e-5)


def test_the_variance_that_a_reconstruction_leaves_open_at_worst(found, folder):
    x = load_split(folder / "pixels", "test").images / 127.5 - 1
    assert value(found, "image_variance") == pytest.approx(x.var(axis=0).mean(), rel=1e-5)


def test_the_splits_are_thinned_out_evenly_per_class(folder, monkeypatch):
    seen = []

    def encode(model, split):
        seen.append(split)
        return encode_split(model, split)

    encode_split = family.encode_split
    monkeypatch.setattr(encoding, "AT_MOST", {"train": 82, "test": 40})
    measured(folder, Pixels(), encode_split=encode)
    assert [np.bincount(split.labels).tolist() for split in seen] == [[20] * 4, [10] * 4]


def test_a_label_fed_encoder_has_no_z_s(folder):
    found = codes(asked(folder, "cvae"))
    notes = {name: found.values[name].note for name in OF_Z_S}
    assert set(notes.values()) == {"the model has no z_s"}
    assert found.extra["encoder_told_labels"] is True
    assert found.values["probe_mlp:z_u"].n == 160 and value(found, "reconstruction_mse") > 0


@pytest.mark.parametrize(("score", "metrics"), [(codes, METRICS), (priors, OF_PRIORS)])
def test_a_generator_alone_has_no_codes(folder, score, metrics):
    found = score(asked(folder, "cgan", family=score.__name__))
    assert set(found.values) == set(metrics)
    assert {one.value for one in found.values.values()} == {None}
    assert {one.note for one in found.values.values()} == {"needs a model that encodes images"}


@pytest.mark.parametrize("name", ["codes", "priors"])
def test_the_command_writes_the_same_rows_twice(folder, tmp_path, name):
    request, texts = asked(folder, family=name), []
    for file in ("one.csv", "two.csv"):
        arguments = [name, "--inputs", json.dumps(request.inputs), "--data", str(request.data)]
        arguments += ["--protocol", str(PROTOCOL), "--config", json.dumps(request.config)]
        arguments += ["--out", str(tmp_path / file), "--threads", "1"]
        scores.main(scores.command().parse_args(arguments))
        texts.append((tmp_path / file).read_bytes())
    assert texts[0] == texts[1]
    rows = read_rows([tmp_path / "one.csv"]).set_index("metric")
    manifest = json.loads((tmp_path / "one.manifest.json").read_text())
    files = {"ours/weights.safetensors", "ours/model.json", "data/test.npz"}
    if name == "priors":
        assert files <= set(manifest["inputs"]) and len(manifest["calibration"]) == 19
        assert rows.index.tolist() == list(OF_PRIORS)
        assert rows.loc["mixture_accuracy", "ci_kind"] == "wilson95"
        return
    assert rows.loc["position_r2", "ci_kind"] == "n/a: needs the arcs of three_moons"
    assert files | {"data/train.npz"} <= set(manifest["inputs"])
    assert set(manifest["converged"]) == {
        f"probe_{kind}:{code}" for kind in ("linear", "mlp") for code in ("z_s", "z_u")
    } | {"probe_mlp:z_u_sampled"}


class Arcs:
    """Points that are their own z_s; z_u is where they are about the centre of the nearest arc.

    Or, if not ``along``, that centre itself.
    """

    device = torch.device("cpu")

    def __init__(self, along):
        self.along = along

    def encode(self, points):
        centre = torch.cat([2.2 * (points[:, :1] / 2.2).round()] * 2, 1) * torch.tensor([1.0, 0.0])
        z_u = points - centre if self.along else centre
        return {"z_s": points, "z_u": z_u, "z_u_logvar": torch.zeros_like(z_u)}


@pytest.mark.parametrize("along", [True, False])
def test_the_position_within_the_arc_is_read_from_z_u(folder, along):
    prepared = three_moons.prepare(
        three_moons.ThreeMoonsData(points=600, test_points=300, noise=0.05)
    )
    card = prepared.card | {"dataset": "three_moons", "preparation": {"noise": 0.05}}
    save_dataset(folder / "three_moons", prepared.splits, card)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(family, "load_model", lambda _: Arcs(along))
        patched.setattr(family, "ready_model", lambda *_, **__: Arcs(along))
        found = codes(asked(folder, dataset="three_moons"))
    assert (value(found, "position_r2") > 0.9) is along
    assert (value(found, "position_r2") < 0.2) is not along
    assert found.values["mig"].note.startswith("needs two label-irrelevant")
    assert found.values["image_variance"].note == "the model does not reconstruct images"
    assert found.values["reconstruction_mse"].note == "the model does not reconstruct images"


def test_unlabelled_images_are_refused(folder):
    images = drawn(2, 0)[0].images
    split = Split(images, None, np.full(len(images), -1), np.array([], "<U1"))
    save_dataset(folder / "unlabelled", {"train": split}, CARD | {"dataset": "unlabelled"})
    with pytest.raises(UserError, match="expected a labelled data set, found one without classes"):
        codes(asked(folder, dataset="unlabelled"))
