from argparse import Namespace

import numpy as np
import pytest

from dlvae.base import Method, Task
from dlvae.sample import main
from dlvae.stage.artefact import read_json
from dlvae.stage.registry import build_seeded, save_model

TASK = Task("image", "net32", 32, 3, width=0.1, d_s=4, d_u=4, batch_size=6, train_images=60)
PER_CLASS = {"few_classes": 3, "few": 2, "many": 1}
CONFIG = {"preset": "t", "dataset": "d", "model": "cvae", "seed": 0, "per_class": PER_CLASS}


@pytest.mark.parametrize(
    ("section", "recorded"),
    [({"precision": "bf16"}, "bf16"), ({"precision": "fp32"}, "fp32"), ({}, None)],
)
def test_the_manifest_names_the_precision_of_the_training(tmp_path, section, recorded):
    save_model(tmp_path / "m", "cvae", build_seeded("cvae", TASK, Method(), {}, "t"), section)
    out, config = tmp_path / "s.npz", CONFIG | {"bn_eval": "running"}
    main(Namespace(model_dir=tmp_path / "m", config=config, out=out, threads=1))
    assert read_json(tmp_path / "s.manifest.json")["precision"] == recorded
    assert np.load(out, allow_pickle=False)["images"].shape == (6, 32, 32, 3)
