"""A training as its command runs it: the precision that it resolves to."""

from argparse import Namespace

import pytest

from dlvae.prepare import prepare
from dlvae.stage import runtime
from dlvae.stage.artefact import read_json
from dlvae.train.__main__ import train

SECTIONS = {
    "three_moons": {
        "data": {"points": 60, "test_points": 6},
        "network": {"backbone": "toy", "width": 1.0, "d_s": 2, "d_u": 2},
        "train": {"steps": 1, "batch_size": 8},
    },
    "digits": {
        "data": {"size": 32},
        "network": {"backbone": "net32", "width": 0.03, "d_s": 4, "d_u": 4},
        "train": {"steps": 1, "batch_size": 8},
    },
}


@pytest.mark.parametrize(
    ("dataset", "asked", "resolved"),
    [("three_moons", "auto", "fp32"), ("three_moons", "bf16", "bf16"), ("digits", "auto", "bf16")],
)
def test_points_gain_nothing_by_bf16(tmp_path, monkeypatch, dataset, asked, resolved):
    monkeypatch.setattr(runtime, "_cpu_has_bf16", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    sections = SECTIONS[dataset]
    prepare({"dataset": dataset, **sections["data"]}, tmp_path / "data")
    names = {"preset": "p", "dataset": dataset, "model": "cvae", "seed": 0, "stage": "supervised"}
    config = names | {"options": {}, "method": {}} | sections
    folders = {"data": "data", "out": "model", "resume_root": "resume", "run_log": "log"}
    paths = {name: tmp_path / folder for name, folder in folders.items()}
    options = {"threads": 1, "init": None, "fingerprint": "", "save_seconds": 30.0}
    train(Namespace(config=config, precision=asked, keep_state=False, **options, **paths))
    assert read_json(tmp_path / "model" / "manifest.json")["precision"] == resolved
