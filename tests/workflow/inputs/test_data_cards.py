"""Data cards beside prepared sets: which there are, and what makes them anew."""

from asked import asked
from workflow.plan.data_sets import DataSetPlan


def names(preset, **given):
    folder = f"results/{preset}/data/"
    files = DataSetPlan(asked(preset, **given)).data_cards()
    assert all(file.startswith(folder) and file.endswith("/croissant.json") for file in files)
    return [file.removeprefix(folder).removesuffix("/croissant.json") for file in files]


def test_every_prepared_set_has_one(real_data):
    rendered = ["synthetic_faces", "digits", "three_moons"]
    rendered += ["synthetic_faces_judges", "synthetic_faces_unlabelled"]
    assert names("smoke") == rendered
    assert names("cifar10") == ["cifar10", "three_moons"]
    local = {"data_root": str(real_data)}
    assert names("faces", **local) == ["faces", "three_moons"]
    others = local | {"unlabelled_root": str(real_data / "others")}
    assert names("faces", **others) == ["faces", "three_moons", "faces_unlabelled"]


def test_the_target_prepares_and_describes_and_does_no_more(repository, plan):
    found = plan(repository, "cards", "--config", "preset=smoke")
    assert found.rules == {
        "prepare": 3, "prepare_judges": 1, "prepare_unlabelled": 1, "describe": 5, "cards": 1,
    }  # fmt: skip


def test_a_better_description_trains_and_scores_nothing(finished, plan):
    path = finished / "dlvae" / "data" / "croissant" / "about.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Three moons", "Three half moons"), encoding="utf-8")
    try:
        found = plan(finished, "--config", "preset=smoke")
    finally:
        path.write_text(text, encoding="utf-8")
    assert found.rules == {"describe": 5, "report": 1, "reproduce": 1}, found.text
