import hashlib

import pytest

from dlvae.photos.detectors import yunet_model
from dlvae.photos.detectors.yunet_model import download
from dlvae.photos.downloads import UNREACHABLE, NotFetched
from dlvae.stage.errors import UserError


def answering(monkeypatch, content):
    monkeypatch.setattr(yunet_model, "fetch", lambda url, limit: content)


def test_the_model_is_kept_if_it_is_the_pinned_one(tmp_path, monkeypatch):
    answering(monkeypatch, b"model")
    download(tmp_path / "m.onnx", sha256=hashlib.sha256(b"model").hexdigest())
    assert (tmp_path / "m.onnx").read_bytes() == b"model"


def test_another_file_is_not_kept(tmp_path, monkeypatch):
    answering(monkeypatch, b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(
        UserError, match=r"expected a file with the SHA-256 ebafce.*yunet_model: PATH"
    ):
        download(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_without_a_network_the_message_says_what_else_to_do(tmp_path, monkeypatch):
    def fail(url, limit):
        raise NotFetched(UNREACHABLE, "URLError: no route to host")

    monkeypatch.setattr(yunet_model, "fetch", fail)
    with pytest.raises(
        UserError, match="no route to host; fetch face_detection_yunet.*or detect with"
    ):
        download(tmp_path / "m.onnx")
