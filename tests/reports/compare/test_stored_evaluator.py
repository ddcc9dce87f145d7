"""The judge behind the stored scores: taken from git, or recognised when it was rebuilt."""

import json

import pytest

from dlvae.stage.artefact import sha256_file, write_json
from dlvae.stage.runtime import run_stage
from reports.compare import stored_evaluator
from reports.freeze.stored import load_stored

DATA = {"train": "aa" * 32, "test": "bb" * 32}


def judge(folder, weights, **changed):
    """An evaluator's folder: bytes for weights, and its card."""
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(weights)
    card = {"dataset": "digits", "data_sha256": DATA}
    card |= {"weights_sha256": sha256_file(folder / "weights.safetensors")}
    write_json(folder / "card.json", card | changed)
    return folder


@pytest.fixture
def world(tmp_path):
    """Stored results with small weights, prepared data, and a call of the stage."""
    stored = tmp_path / "reports" / "stored" / "quick"
    own = judge(stored / "evaluator" / "digits", b"the judge")
    write_json(tmp_path / "data" / "card.json", {"dataset": "digits", "sha256": DATA})

    class World:
        out, data, folder, evaluator = tmp_path / "out", tmp_path / "data", stored, own

        def index(self, *names):
            files = {f"evaluator/digits/{n}": sha256_file(own / n) for n in names}
            write_json(stored / "index.json", {"preset": "quick", "files": files})
            return self

        def take(self, *more):
            arguments = ["--stored", str(stored), "--judge", "digits", "--out", str(self.out)]
            arguments += ["--data", str(self.data), *map(str, more)]
            run_stage(stored_evaluator.main, stored_evaluator.command(), arguments)

    return World().index("card.json", "weights.safetensors")


def refused(world, capsys, *more):
    with pytest.raises(SystemExit) as stop:
        world.take(*more)
    assert stop.value.code == 2
    assert not (world.out / "weights.safetensors").exists()
    return capsys.readouterr().err


def test_stored_weights_are_taken_as_they_are(world, capsys):
    assert load_stored("quick", world.folder.parent).has_weights("digits")
    world.take()
    for name in ("weights.safetensors", "card.json"):
        assert (world.out / name).read_bytes() == (world.evaluator / name).read_bytes()
    assert "as stored" in capsys.readouterr().out


def test_tampered_weights_are_refused(world, capsys):
    (world.evaluator / "weights.safetensors").write_bytes(b"another judge")
    assert "expected the file that card.json beside it names" in (text := refused(world, capsys))
    assert "git checkout -- " in text


def test_a_card_that_was_changed_with_its_weights_is_refused(world, capsys):
    (world.evaluator / "weights.safetensors").write_bytes(b"another judge")
    card = json.loads((world.evaluator / "card.json").read_text())
    card["weights_sha256"] = sha256_file(world.evaluator / "weights.safetensors")
    write_json(world.evaluator / "card.json", card)
    assert "card.json: expected the file of " in refused(world, capsys)


def test_other_prepared_data_are_refused_before_anything_is_scored(world, capsys):
    write_json(world.data / "card.json", {"dataset": "digits", "sha256": DATA | {"test": "c" * 64}})
    text = refused(world, capsys)
    assert "digits: expected the prepared data of the stored results, test bbbbbbbbbbbb/" in text
    assert "found test cccccccccccc/train aaaaaaaaaaaa" in text and "data_root" in text


def test_an_evaluator_rebuilt_to_the_same_weights_is_the_stored_one(world, tmp_path, capsys):
    world.index("card.json")
    built = judge(tmp_path / "built", b"the judge", precision="fp32")
    world.take("--built", built)
    assert "is the one behind the stored scores" in capsys.readouterr().out
    assert (world.out / "card.json").read_bytes() == (built / "card.json").read_bytes()


def test_another_rebuilt_evaluator_is_taken_and_named(world, tmp_path, capsys):
    world.index("card.json")
    built = judge(tmp_path / "built", b"nearly the judge")
    world.take("--built", built)
    found, expected = (sha256_file(f / "weights.safetensors") for f in (built, world.evaluator))
    assert sha256_file(world.out / "weights.safetensors") == found
    text = capsys.readouterr().out
    assert f"evaluator {found[:12]}, rebuilt by the recipe, is not the one" in text
    assert expected[:12] in text and "cannot be compared" in text


def test_rebuilt_weights_that_are_not_their_cards_are_refused(world, tmp_path, capsys):
    world.index("card.json")
    built = judge(tmp_path / "built", b"the judge", weights_sha256="0" * 64)
    text = refused(world, capsys, "--built", built)
    assert f"{built / 'weights.safetensors'}: expected the file that card.json" in text
