"""A preset file becomes a complete, checked configuration."""

import subprocess
import sys
from pathlib import Path

import pytest

from dlvae.config.preset import (
    ablation_models,
    canonical,
    load_preset,
    merge,
    preset_files,
    resolve,
)
from dlvae.stage.errors import UserError
from installed import install

ROOT = Path(__file__).resolve().parents[3]
PRESETS = ROOT / "config"
SHIPPED = ["smoke", "quick", "cifar10", "cifar10_cpu", "faces", "faces_cpu", "paper"]


def resolved(given=(), complete=False):
    return resolve(dict(given), complete, PRESETS)


@pytest.mark.parametrize("preset", SHIPPED)
def test_shipped_presets_are_valid(preset):
    config = resolved({"preset": preset})
    assert config["preset"] == preset
    assert config == resolved(load_preset(preset, PRESETS), complete=True)


def test_quick_is_the_default():
    assert set(preset_files(PRESETS)) == set(SHIPPED)
    assert resolved()["preset"] == "quick"


def test_command_line_is_laid_over_the_preset():
    config = resolved({"steps": 7, "datasets": {"digits": {"train": {"batch_size": 4}}}})
    assert config["steps"] == 7
    assert config["datasets"]["digits"]["train"]["batch_size"] == 4
    assert config["datasets"]["digits"]["network"] == resolved()["datasets"]["digits"]["network"]


def test_a_file_is_complete_and_inherits_nothing():
    digits = load_preset("quick", PRESETS)["datasets"]["digits"]
    config = resolved({"preset": "mine", "datasets": {"digits": digits}}, complete=True)
    assert list(config["datasets"]) == ["digits"]
    assert config["three_moons"] is None and config["figures"] == {}


def test_defaults_reach_every_depth():
    faces = resolved({"preset": "faces"})
    assert faces["datasets"]["faces"]["unlabelled"] == {"max_images": None}
    assert faces["datasets"]["faces"]["evaluator"]["dropout"] == 0.2
    assert faces["three_moons"]["method"] == {"lr": 0.0005}
    assert faces["method"]["tau_decay_epochs"] == 10
    assert faces["method"]["variant"] == "code"
    digits = resolved()["datasets"]["digits"]
    digits["evaluator"]["lr"] = -1  # defaults are copies, never shared with the models
    assert resolved()["datasets"]["digits"]["evaluator"]["lr"] == 0.1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"preset": "cifr10"}, "unknown preset 'cifr10'.*'cifar10'"),
        ({"stepz": 3}, "unknown key 'stepz'.*'steps'"),
        ({"method": {"varaint": "paper"}}, "unknown key 'method.varaint'.*'variant'"),
        ({"method": {"variant": "papr"}}, "method.variant.*found 'papr'.*'paper'"),
        ({"datasets": {"digit": {}}}, "unknown data set 'datasets.digit'.*'digits'"),
        ({"datasets": {"digits": {"data": {"sise": 32}}}}, "digits.data.sise'.*'size'"),
        (
            {"datasets": {"synthetic_faces": {"unlabelled": {"identitys": 3}}}},
            "unlabelled.identitys'.*'identities'",
        ),
        ({"models": ["ours", "cvea"]}, "unknown model 'cvea'.*'cvae'"),
        ({"figures": {"figure2": {"models": ["cvae_gna"]}}}, "'cvae_gna'.*'cvae_gan'"),
        ({"figures": {"figure7": {"landmarks": [[1, 2]]}}}, "figure7.landmarks: .*a list of 5"),
        ({"figures": {"figure7": {"landmarks": [[1]] * 5}}}, "figure7.landmarks.0: .*a list of 2"),
        (
            {"figures": {"figure7": {"landmarks": [[70, 0]] * 5}}},
            "figure7.landmarks.0.0: expected a number of at least 0 and at most 64, found 70",
        ),
        ({"options": {"cvae": {"d_x": 3}}}, "unknown option 'options.cvae.d_x'.*'d_z'"),
        ({"options": {"ours": {"d_z": 3}}}, "unknown option 'options.ours.d_z'"),
        ({"options": {"cvae": {"d_z": "hello"}}}, "options.cvae.d_z.*integer.*null.*'hello'"),
        ({"options": {"cvae": {"d_z": 1.5}}}, "options.cvae.d_z.*integer.*found 1.5"),
        ({"options": {"cvae": {"d_z": True}}}, "options.cvae.d_z.*integer.*found True"),
        ({"options": {"cgan": {"d_z": "0"}}}, "options.cgan.d_z.*at least 1.*found 0"),
        (
            {"options": {"cvae_gan_bao": {"lambda_1": "x"}}},
            "lambda_1.*number of at least 0.*found 'x'",
        ),
        ({"options": {"cvae_gan_bao": {"lambda_2": None}}}, "lambda_2.*number.*found None"),
        ({"options": {"cvae_gan_bao": {"lambda_3": False}}}, "lambda_3.*number.*found False"),
        ({"options": {"cvae_gan_bao": {"lambda_4": "nan"}}}, "lambda_4.*number.*found nan"),
        (
            {"options": {"cvae_gan_bao": {"lambda_1": -1}}},
            "options.cvae_gan_bao.lambda_1: expected a number of at least 0, found -1",
        ),
        (
            {"options": {"cvae_gan_bao": {"centre_rate": 2}}},
            "options.cvae_gan_bao.centre_rate: expected a number above 0 and at most 1, found 2",
        ),
        ({"options": {"cgn": {}}}, "unknown model 'cgn'.*'cgan'"),
        ({"protocol": "v9"}, "protocol 'v9' not found.*v2"),
        ({"steps": "many"}, "steps.*found 'many'"),
        ({"seeds": [0, 0]}, "seeds"),
        ({"seeds": []}, "seeds"),
        ({"precision": "fp16"}, "precision.*fp32.*found 'fp16'"),
        ({"method": {"n_gm": 0}}, "method.n_gm"),
        ({"datasets": {"digits": {"train": {"steps": 0}}}}, "digits.train.steps"),
        ({"datasets": {"digits": {"semi_supervised": {"steps": 1}}}}, "digits.semi_supervised"),
        ({"datasets": {"digits": {"data": {"size": 64}}}}, "digits.*'net32'.*64 px.*net64"),
        (
            {"datasets": {"synthetic_faces": {"unlabelled": {"first_identity": 19}}}},
            "identities 19 to 28 overlap the labelled ones, 0 to 19; set first_identity to 20",
        ),
        (
            {"three_moons": {"train": {"epochs": 30}}},
            "snapshot_epochs: expected at most train.epochs, 30, found 40, 50; .*epochs to 50",
        ),
        ({"ablations": {"methods": {"a": {"lambda_dav": 0}}}}, "methods.a.lambda_dav'.*lambda_adv"),
        ({"ablations": {"methods": {"a": {"variant": "papr"}}}}, "methods.a.variant.*'paper'"),
        ({"ablations": {"methods": {"a": {}}}}, "ablations.methods.a"),
        ({"ablations": {"methods": {"A b": {"n_gm": 1}}}}, "ablations.methods.*'A b'"),
        ({"ablations": {"methods": {"semi": {"n_gm": 1}}}}, "'ours_semi' is the name of another"),
        (
            {"ablations": {"dataset": "faces"}},
            r"ablations.dataset.*\(synthetic_faces, digits\), found 'faces'",
        ),
    ],
)
def test_bad_input_names_what_was_meant(given, expected):
    with pytest.raises(UserError, match=f"(?s){expected}"):
        resolved(given)


def test_strings_of_the_command_line_become_what_a_key_asks_for():
    """`--config key={...}` reaches the workflow with its inner scalars as strings."""
    config = resolved(
        {
            "seeds": ["0", "1"],
            "method": {
                "n_gm": "2",
                "reuse_batch": "true",
                "lambda_kl": "null",
                "lr": "1e-3",
            },
            "datasets": {"digits": {"train": {"steps": "5"}}},
            "options": {"cvae": {"d_z": "64"}},
            "data_root": "null",
            "three_moons": "null",
        }
    )
    assert config["seeds"] == [0, 1]
    assert (config["method"]["n_gm"], config["method"]["reuse_batch"]) == (2, True)
    assert config["method"]["lambda_kl"] is None and config["method"]["lr"] == 1e-3
    assert config["datasets"]["digits"]["train"]["steps"] == 5
    assert config["options"] == {"cvae": {"d_z": 64}}
    assert config["data_root"] is None and config["three_moons"] is None
    assert resolved({"data_root": "123"})["data_root"] == "123"


def test_options_of_an_installed_model_pass_and_are_typed(tmp_path, monkeypatch):
    install(tmp_path, {"theirs": "their_package.model:MODEL"}, {})
    monkeypatch.syspath_prepend(tmp_path)
    # From the command line they come as strings. What they may be the model says when it is built.
    given = {"theirs": {"beta": "0.5", "depth": "3", "norm": "batch"}}
    config = resolved({"options": given, "models": ["theirs"]})
    assert config["options"] == {"theirs": {"beta": 0.5, "depth": 3, "norm": "batch"}}
    with pytest.raises(UserError, match="unknown model 'thiers'.*Did you mean 'theirs'"):
        resolved({"options": {"thiers": {}}})


def test_options_that_fit_the_defaults_of_a_baseline_are_kept():
    options = {"cvae": {"d_z": None}, "cvae_gan_bao": {"d_z": 8, "lambda_1": 2, "lambda_3": 0.5}}
    assert resolved({"options": options})["options"] == options


def test_checking_a_configuration_imports_no_torch():
    code = (
        "import sys; from pathlib import Path; from dlvae.config.preset import resolve; "
        "given = {'options': {'cvae': {'d_z': 4}, 'cvae_gan_bao': {'centre_rate': 0.5}}}; "
        "resolve(given, False, Path('config')); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_snapshot_of_the_last_epoch_is_taken():
    train = {"epochs": 3, "snapshot_epochs": [0, 3]}
    found = resolved({"three_moons": {"train": train}})["three_moons"]["train"]
    assert found["snapshot_epochs"] == [0, 3]


def test_ablations_hold_what_they_change_and_nothing_else():
    """They are laid over the method: a default in them would undo what is set there."""
    shipped = ablation_models(resolved())
    assert shipped["ours_n_gm_1"] == {"n_gm": 1} and shipped["ours_paper"] == {"variant": "paper"}
    assert shipped["ours_unit_covariance"] == {"fixed_sigma": True} and len(shipped) == 8
    given = {"weak": {"lambda_gan": "0.1", "fixed_sigma": "true", "lambda_kl": "null"}}
    added = ablation_models(resolved({"ablations": {"methods": given}}))
    typed = {"lambda_gan": 0.1, "fixed_sigma": True, "lambda_kl": None}
    assert added == shipped | {"ours_weak": typed}
    assert ablation_models(resolved({"ablations": "null"})) == {}
    assert ablation_models(resolved({"preset": "cifar10"})) == {}


def test_an_incomplete_file_is_refused():
    with pytest.raises(UserError, match="'datasets'.*complete file"):
        resolved({"preset": "mine"}, complete=True)


def test_merge_leaves_its_arguments_alone():
    base, over = {"a": {"b": 1, "c": 2}, "l": [1]}, {"a": {"b": 3}, "l": [2]}
    assert merge(base, over) == {"a": {"b": 3, "c": 2}, "l": [2]}
    assert base == {"a": {"b": 1, "c": 2}, "l": [1]}


def test_canonical_text_depends_on_the_value_alone():
    assert canonical({"b": 1, "a": [1.0, None]}) == canonical({"a": [1.0, None], "b": 1})
