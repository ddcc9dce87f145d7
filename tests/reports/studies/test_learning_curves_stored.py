"""The page of learning curves, made again from stored rows."""

import json
import shutil

from dlvae.stage.runtime import run_stage
from eval.rows import read_texts, write_rows
from made_up_curves import CEILING, MODELS, PROTOCOL, made_up
from reports.freeze.remake import make_page
from reports.freeze.stored import Page
from reports.studies import learning_curves
from reports.tables.inputs import page_parser

CONFIG = {"preset": "quick", "datasets": ["digits"], "models": [*MODELS, "cvae_fitted"]}


def family(line):
    """The score file of a row, as in the workflow."""
    dataset, model, seed = line[1:4]
    return f"{dataset}/{model}/seed{seed}.{'inception' if model == 'real' else 'curve'}"


def test_the_page_of_stored_rows_is_that_of_the_run(tmp_path):
    write_rows(tmp_path / "scores.csv", made_up())
    lines = {}
    for line in read_texts(tmp_path / "scores.csv"):
        lines.setdefault(family(line), []).append(line)
    assert len(lines) == 1 + 5 * 3
    card = {"dataset": "digits", "kind": "robust", "accuracy": 0.97, "weights_sha256": "a" * 64}
    report = tmp_path / "evaluator" / "digits" / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text(json.dumps(card | {"inception_score": {"test": CEILING}}))
    shutil.copy(PROTOCOL, tmp_path / "protocol.yaml")
    page = Page("learning_curves", CONFIG, tuple(lines))
    make_page(page, tmp_path, lines, tmp_path / "again")
    arguments = ["--scores", tmp_path / "scores.csv", "--cards", report, "--protocol", PROTOCOL]
    arguments += ["--config", json.dumps(CONFIG), "--csv", tmp_path / "learning_curves.csv"]
    arguments += ["--markdown", tmp_path / "learning_curves.md"]
    run_stage(learning_curves.main, page_parser(""), [str(part) for part in arguments])
    for file in page.files:
        made = (tmp_path / "again" / file).read_bytes()
        assert made and made == (tmp_path / file).read_bytes(), file
