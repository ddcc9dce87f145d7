"""The target `prepare_faces`: what it needs, and what stops it."""

import re

import pytest

from asked import asked
from dlvae.stage.errors import UserError
from workflow.plan.preparing_faces import PhotoPlan


def refused(words, function):
    with pytest.raises(UserError, match=words):
        function()


def test_a_missing_folder_is_named():
    refused("one folder for each person in it: --config photos=PATH", PhotoPlan(asked()).folder)
    refused("photos: .*nowhere, found nothing", PhotoPlan(asked(photos="nowhere")).folder)


def test_the_detector_needs_a_file_only_where_it_is_a_network(tmp_path):
    assert PhotoPlan(asked()).model() == []
    yunet = {"detector": "yunet"}
    assert PhotoPlan(asked(prepare_faces=yunet)).model() == [PhotoPlan.yunet_file]
    own = tmp_path / "m.onnx"
    plan = PhotoPlan(asked(prepare_faces=yunet | {"yunet_model": str(own)}))
    refused("prepare_faces.yunet_model: expected a file at", plan.model)
    own.touch()
    assert plan.model() == [str(own)] and "yunet_model" not in plan.settings()


def test_it_is_one_job_and_no_part_of_the_results(repository, plan, real_data):
    found = plan(repository, "prepare_faces", "-p", "--config", f"photos={real_data}/faces")
    assert found.rules == {"prepare_faces": 1}
    assert re.search(
        r"--out results/quick/aligned_faces .*--resume results/quick/resume", found.text
    )
    given = asked(photos="x", prepare_faces={"detector": "yunet"})
    assert PhotoPlan(given).run_config == PhotoPlan(asked()).run_config


def test_the_network_is_downloaded_first(repository, plan, real_data):
    options = ["--config", f"photos={real_data}/faces", "prepare_faces={detector: yunet}"]
    found = plan(repository, "prepare_faces", *options)
    assert found.rules == {"prepare_faces": 1, "fetch_yunet": 1}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "prepare_faces needs a folder of photos"),
        (["photos=."], None),
        (["photos=.", "prepare_faces={detector: hog}"], "expected one of haar, yunet, found 'hog'"),
    ],
)
def test_bad_input_stops_before_any_job(repository, plan, given, words):
    found = plan(repository, "prepare_faces", *(["--config", *given] if given else []))
    assert (found.returncode != 0) == bool(words)
    assert words is None or re.search(words, found.text), found.text
