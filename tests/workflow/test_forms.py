"""Figures of samples show models as published and, where the preset has them, fitted."""

import json
import re

import pytest

FIGURES = ["figure2", "figure3", "figure4", "figure5"]
SHOWN = {
    "figure2": ["cvae_gan", "ours"],
    "figure3": ["cvae", "cgan", "cvae_gan", "ours"],
    "figure4": ["ours"],
    "figure5": ["ours"],
}
FITTED = {"cvae", "cvae_gan", "ours"}


def sources(text):
    """Models or samples that every panel is told to read, in their order, by figure."""
    commands = re.findall(r"-m eval.panels (figure\d) .*--inputs '(.*?)'", text)
    inputs = {figure: json.loads(given) for figure, given in commands}
    return {
        figure: list(given.get("models", given.get("samples"))) for figure, given in inputs.items()
    }


@pytest.mark.parametrize("fitted", [True, False], ids=["fitted", "published"])
def test_a_figure_is_given_the_forms_that_the_preset_has(repository, plan, fitted):
    own = [] if fitted else ["fitted=[]"]
    found = plan(repository, "-p", *FIGURES, "--config", "preset=smoke", *own)
    assert found.returncode == 0, found.text
    fits = {job for job in found.jobs if job.startswith("Fitting the priors")}
    if not fitted:
        assert sources(found.text) == SHOWN and not fits and "_fitted" not in found.text
        return
    assert sources(found.text) == {
        figure: [
            name
            for model in models
            for name in ([model, f"{model}_fitted"] if model in FITTED else [model])
        ]
        for figure, models in SHOWN.items()
    }
    image_sets = ("synthetic_faces", "digits")
    wanted = {(model, dataset) for model in FITTED for dataset in image_sets}
    wanted |= {(model, "three_moons") for model in ("cvae_gan", "ours")}
    assert fits == {f"Fitting the priors of {model} on {d}, seed 0" for model, d in wanted}

    # Of snapshots the toy figure alone is made: other ones decode no other panel anew.
    panels = re.findall(r"Decoding the panel of (figure\d).*\n(Reason: .*)", found.text)
    read = {figure for figure, reason in panels if "/snapshots.safetensors" in reason}
    assert {figure for figure, _ in panels} == set(FIGURES) and read == {"figure2"}
