"""What Snakemake says of errors: one sentence, no traceback and no name of a workflow file."""

import logging

import numpy as np
import pytest
from PIL import Image

from dlvae.stage.errors import UserError
from workflow.plan.sentences import Sentences

FRAMES = ("Traceback", ".smk", "Snakefile", "Exception", 'File "')


class Wrapped(Exception):
    """What Snakemake raises for an error of a rule."""

    __module__ = "snakemake.exceptions"


def record(message, level=logging.ERROR):
    return logging.LogRecord("snakemake", level, __file__, 1, message, (), None)


def said(raised, message, around=Wrapped):
    """What is left of a message while an exception is handled that another was raised for."""
    found = record(message)
    try:
        try:
            raise raised
        except Exception as error:
            raise around("in rule x in file y.smk") from error
    except around:
        assert Sentences().filter(found)
    return found.getMessage()


def test_the_sentence_is_all_that_is_said_of_what_a_user_can_mend():
    assert said(UserError("expected a, found b"), "Traceback ...") == "error: expected a, found b"
    full = OSError(28, "No space left on device", "results/x")
    assert said(full, "...").startswith("error: results/x: No space left on device: the disk is")


def test_mistakes_in_code_keep_their_frames():
    assert said(IndexError("list index out of range"), "Traceback ...") == "Traceback ..."
    # A mistake made while an error of the machine was handled is a mistake.
    gone = FileNotFoundError(2, "No such file or directory", "x")
    assert said(gone, "Traceback ...", around=KeyError) == "Traceback ..."


def test_a_job_is_told_once_and_other_messages_stay():
    assert not Sentences().filter(record("Command '...' returned non-zero exit status 2."))
    assert Sentences().filter(record("Error in rule prepare"))
    killed = record("Command '...' returned non-zero exit status 137.")
    assert Sentences().filter(killed) and "uses up the memory" in killed.getMessage()
    assert Sentences().filter(record("returned non-zero exit status", logging.INFO))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--configfile", "nowhere.yaml"], "expected a preset at nowhere.yaml, found nothing"),
        (["--configfile", "template.yaml"], "found '__use_yte__'"),
        (["--config", "candidate"], "--config: expected KEY=VALUE, found 'candidate'"),
        (["--config", "steps=abc"], "steps: expected an integer of at least 1, or null"),
        (["compare"], "compare needs a candidate"),
        (["table1", "--config", "preset=faces", "data_root=config"], "expected train.parquet or"),
    ],
)
@pytest.mark.slow
def test_a_wrong_command_is_one_sentence(copy, plan, arguments, words):
    canary = copy / "canary"
    text = f"__use_yte__: true\n__definitions__:\n  - open({str(canary)!r}, 'w')\npreset: x\n"
    (copy / "template.yaml").write_text(text)
    found = plan(copy, *arguments)
    assert found.returncode != 0 and not found.rules and not canary.exists()
    error = found.text[found.text.index("error: ") :]
    assert words in error and error.count("error: ") == 1
    assert not any(frame in error for frame in FRAMES), error


@pytest.mark.slow
def test_a_job_that_fails_says_its_sentence_and_no_frames(copy, snakemake):
    for name in ("ann", "bob"):
        (copy / "images" / name).mkdir(parents=True)
        for index in range(12):
            pixels = np.full((64, 64, 3), index + 100 * (name == "bob"), np.uint8)
            Image.fromarray(pixels).save(copy / "images" / name / f"{index}.png")
    (copy / "images" / "ann" / "x.png").write_bytes(b"\x1b[31mno image")
    card, root = "results/faces/data/faces/card.json", f"data_root={copy / 'images'}"
    done = snakemake(copy, "--cores", "1", card, "--config", "preset=faces", root)
    assert done.returncode == 1
    assert "x.png: expected a readable image, found a file that starts with" in done.stdout
    assert "Traceback" not in done.stdout and "CalledProcessError" not in done.stdout
    assert "\x1b[31mno image" not in done.stdout
