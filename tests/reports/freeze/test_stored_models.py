"""Which trained models are stored, and that their cards follow from rows and manifests."""

import shutil
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard, ModelCardData

from dlvae.stage.artefact import read_json, write_json
from dlvae.stage.stored_files import STORED
from reports.freeze.checks import contents
from reports.freeze.stored import load_stored
from reports.freeze.stored_models import PAGE, chosen_models, model_pages, wrong_cards

KB = 1000
CONFIG = {"seeds": [3, 4], "models": ["cvae", "cgan", "ours"]}
CONFIG |= {"datasets": {"digits": {"data": {}}, "faces": {"data": {"root": None}}}}


@pytest.fixture
def sizes(tmp_path):
    """Write models of so many kB; return their manifests."""

    def write(**kilobytes):
        manifests = {}
        for dataset in CONFIG["datasets"]:
            for name, size in kilobytes.items():
                run = f"{dataset}/{name}/seed3"
                folder = tmp_path / "models" / run
                folder.mkdir(parents=True)
                (folder / "weights.safetensors").write_bytes(bytes(size * KB))
                (folder / "model.json").write_bytes(b"")
                manifests |= {f"models/{run}": {}, f"samples/{run}": {}}
        return manifests

    return write


def chosen(results, manifests, megabytes):
    found = chosen_models(results, CONFIG | {"stored_models_mb": megabytes}, manifests)
    return [name.removeprefix("models/digits/").removesuffix("/seed3") for name in found]


def test_ours_goes_first_and_what_has_no_room_is_left_out(tmp_path, sizes):
    manifests = sizes(cvae=700, cgan=900, ours=1200)
    assert chosen(tmp_path, manifests, 2) == ["ours", "cvae"]
    assert chosen(tmp_path, manifests, 1) == ["cvae"]
    assert chosen(tmp_path, manifests, 0) == []


def test_models_of_images_from_a_folder_are_never_stored(tmp_path, sizes):
    found = chosen_models(tmp_path, CONFIG | {"stored_models_mb": 99}, sizes(ours=1))
    assert found == ["models/digits/ours/seed3"]


def test_what_was_not_frozen_is_not_stored(tmp_path, sizes):
    manifests = sizes(ours=1, cvae=1)
    del manifests["samples/digits/ours/seed3"]
    assert chosen(tmp_path, manifests, 8) == ["cvae"]


@pytest.fixture(scope="module")
def quick():
    return load_stored("quick")


def test_the_shipped_cards_follow_from_rows_and_manifests(quick):
    pages = model_pages(quick)
    assert any("/ours/" in file for file in pages)
    for file, text in pages.items():
        assert (quick.folder / file).read_text(encoding="utf-8") == text
    assert not list(wrong_cards(quick))


def test_a_hub_accepts_the_metadata(quick):
    for file, text in model_pages(quick).items():
        data = ModelCard(text).data
        assert isinstance(data, ModelCardData)
        assert (data.license, data.library_name) == ("mit", "dlvae")
        scores = {result.metric_type: result.metric_value for result in data.eval_results}
        _, dataset, model, seed, _ = file.split("/")
        rows = quick.rows.query("dataset == @dataset and model == @model and seed == 0")
        expected = rows[rows["metric"] == "inception_score"]["value"].item()
        assert scores["inception_score"] == pytest.approx(expected, abs=1e-6)
        assert set(scores) == set(data.metrics) and seed == "seed0"


def test_a_card_that_says_something_else_is_found(quick, tmp_path):
    folder = tmp_path / "quick"
    for part in ("models", "manifests"):
        shutil.copytree(STORED / "quick" / part, folder / part)
    copy = replace(quick, folder=folder)
    card = next(folder.glob("models/digits/ours/seed0/card.json"))
    write_json(card, read_json(card) | {"seed": 1})
    (found,) = wrong_cards(copy)
    assert "expected the seed of the manifests, 0, found 1" in found.text
    assert found.file.endswith("models/digits/ours/seed0/card.json")


def test_weights_other_than_those_of_the_manifests_are_found(quick, tmp_path):
    folder = tmp_path / "quick"
    for part in ("models", "manifests"):
        shutil.copytree(STORED / "quick" / part, folder / part)
    for name in ("scores.csv", "pages.json"):
        shutil.copy(STORED / "quick" / name, folder / name)
    path = folder / "models" / "digits" / "ours" / "seed0" / "weights.safetensors"
    path.write_bytes(b"other")
    found = [each for each in contents(replace(quick, folder=folder)) if "models" in each.file]
    assert len(found) == 1 and "by manifests/models.jsonl" in found[0].text
    assert PAGE not in found[0].file
