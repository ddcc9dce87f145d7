"""ImageNet's Inception with random weights: the plumbing, not the numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity import feature_extractor_inceptionv3 as inception

from dlvae.data.dataset import Split, save_dataset
from dlvae.stage.artefact import save_samples, sha256_file
from dlvae.stage.errors import UserError
from eval.score_request import ScoreRequest
from eval.scores.fidelity import imagenet

PROTOCOL = Path(__file__).resolve().parents[3] / "config" / "protocol" / "smoke.yaml"
CLASSES = np.array(["a", "b"])
CARD = {"dataset": "dots", "source": "made up", "licence": "none", "flip": True, "preparation": {}}


@pytest.fixture
def request_for(tmp_path):
    """A request whose weights are a given file."""
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(12) % 2
    splits = {name: Split(images, None, labels, CLASSES) for name in ("train", "test")}
    save_dataset(tmp_path / "data", splits, CARD)
    save_samples(tmp_path / "samples.npz", images, labels)

    def make(weights):
        config = {"preset": "smoke", "dataset": "dots", "model": "ours", "seed": 0}
        inputs = {"images": str(tmp_path / "samples.npz"), "weights": str(weights)}
        return ScoreRequest("imagenet", config, inputs, tmp_path / "data", PROTOCOL)

    return make


@pytest.mark.slow
def test_few_images_have_a_score_and_no_fid(request_for, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        cls = inception.FeatureExtractorInceptionV3
        patch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(cls, "load_state_dict", lambda *_: None)
        torch.manual_seed(0)
        network = cls("random", ["2048"])
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    found = imagenet(request_for(tmp_path / "weights.pth"))
    score, fid = (found.values[f"imagenet_{name}"] for name in ("inception_score", "fid"))
    assert 1 <= score.value <= 12 and score.n == 12
    assert fid.value is None and fid.note == "n/a (n = 12, needs 2049 images of each set)"
    assert found.evaluator == sha256_file(tmp_path / "weights.pth")


class Evil:
    """Runs code when unpickled."""

    def __reduce__(self):
        return (print, ("this must not be printed",))


@pytest.mark.parametrize("content", [Evil(), {"fc.weight": torch.zeros(10, 10)}, {"fc.bias": 1}])
def test_a_file_of_anything_else_is_refused_and_runs_nothing(
    request_for, tmp_path, capsys, content
):
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="expected the weights of torch-fidelity's"):
        imagenet(request_for(tmp_path / "weights.pth"))
    assert "must not" not in capsys.readouterr().out
