"""A candidate beside made-up stored results: numbers, words, refusals and the exit status."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from dlvae.candidate import Candidate
from dlvae.stage.artefact import sha256_file, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.protocol import load_protocol
from eval.rows import ScoreRow, write_rows
from reports.compare import __main__ as command
from reports.compare.comparison import COLUMNS, PRINTED, Verdict, beside_stored, tidy
from reports.compare.conditions import thresholds
from reports.figures import draw_comparison
from reports.freeze.stored import load_stored

PROTOCOL = Path(__file__).parents[3] / "config" / "protocol" / "v2.yaml"
LABEL = load_protocol(PROTOCOL).label
JUDGES = {"synthetic_faces": "fa" * 32, "digits": "d1" * 32}
CLASSES = {"synthetic_faces": 20, "digits": 10}
JUDGED = ("inception_score", "label_fidelity", "fid", "precision", "recall")
KINDS = {"inception_score": "jackknife95_images", "fid": "jackknife95_images"}
KINDS |= {"label_fidelity": "wilson95", "precision": "wilson95", "recall": "jackknife95_images"}
REAL = {"inception_score": 9.5, "label_fidelity": 0.99, "d_intra_standard": 0.35, "fid": 0.1}
REAL |= {"precision": 0.93, "recall": 0.9, "d_intra_range_mismatched": 0.011}
MODEL = {"inception_score": 7.0, "label_fidelity": 0.7, "d_intra_standard": 0.25, "fid": 6.0}
MODEL |= {"precision": 0.6, "recall": 0.4, "d_intra_range_mismatched": 0.008}


def rows(model, seeds=(0,), better=0.0, datasets=("digits",), wobble=0.01, **changed):
    """Score rows of a model: every score ``better`` times above those of MODEL."""
    found = []
    for dataset in datasets:
        for seed in seeds:
            for metric, value in (REAL if model == "real" else MODEL).items():
                value *= 1 + better + wobble * seed
                interval = metric in KINDS
                row = {"preset": "quick", "dataset": dataset, "model": model, "seed": seed}
                row |= {"metric": metric, "value": value, "n": 5000, "classes": CLASSES[dataset]}
                row |= {"ci_low": 0.95 * value, "ci_high": 1.05 * value} if interval else {
                    "ci_low": np.nan, "ci_high": np.nan}  # fmt: skip
                row |= {"ci_kind": KINDS.get(metric, "none"), "precision": "bf16"}
                row |= {"evaluator": JUDGES[dataset][:12] if metric in JUDGED else "none"}
                row |= {"protocol": LABEL, "samples": f"{model}{seed}", "data": f"data-{dataset}"}
                found.append(ScoreRow(**row | {"code": "c0de"} | changed))
                if metric.startswith("d_intra") and model != "nobody":
                    shares = np.linspace(0.5, 1.5, 10)
                    found += [
                        ScoreRow(**vars(found[-1]) | {"metric": f"{metric}:class:{k}",
                                 "value": value * share, "n": 500})
                        for k, share in enumerate(shares)
                    ]  # fmt: skip
    return found


def training(model, seed=0, **changed):
    """The manifest of a training."""
    config = {"stage": "supervised", "network": {"width": 0.25}, "options": {"d_z": None}}
    config |= {"train": {"steps": 700, "batch_size": 16}, "method": {"lr": 0.002}} | changed
    more = {"seed": seed, "steps": config["train"]["steps"], "images_seen": 11200}
    return {"config": config, "precision": "bf16", "threads": 1, "packages": {}} | more


class Shelf:
    """Stored results of `quick` and the files of a candidate."""

    def __init__(self, folder, stored_rows, datasets=("digits",)):
        self.folder, self.datasets = folder, datasets
        self.stored = folder / "stored" / "quick"
        write_rows(self.stored / "scores.csv", stored_rows)
        shutil.copy(PROTOCOL, self.stored / "protocol.yaml")
        config = {"preset": "quick", "datasets": {name: {} for name in datasets}, "bn_eval": None}
        config |= {"ablations": {"dataset": "digits", "methods": {"no_gan": {"lambda_gan": 0}}}}
        (self.stored / "config.yaml").write_text(yaml.safe_dump(config))
        models = {(row.dataset, row.model, row.seed) for row in stored_rows if row.model != "real"}
        lines = [
            json.dumps({"artefact": f"models/{d}/{m}/seed{s}", **training(m, s)})
            for d, m, s in sorted(models)
        ]
        (self.stored / "manifests").mkdir()
        (self.stored / "manifests" / "models.jsonl").write_text("\n".join(lines))
        for dataset in datasets:
            report = {"dataset": dataset, "weights_sha256": JUDGES[dataset], "accuracy": 0.98}
            report |= {"inception_score": {"test": 9.5}}
            write_json(self.stored / "evaluator" / dataset / "report.json", report)
        self.index()

    def index(self):
        """Write the index of the scores as they are."""
        index = {"preset": "quick", "commit": "beef" * 10, "command": "snakemake freeze"}
        index |= {"machine": {"cores": 2}}
        index |= {"files": {"scores.csv": sha256_file(self.stored / "scores.csv")}}
        write_json(self.stored / "index.json", index)

    def runs(self, candidate, samples=None, duplicates=None, model=None):
        """Write the files of a candidate; the argument --runs."""
        entries = []
        frame = pd.DataFrame(candidate)
        for (dataset, seed), _ in frame.groupby(["dataset", "seed"]):
            folder = self.folder / f"{dataset}{seed}"
            own = [row for row in candidate if (row.dataset, row.seed) == (dataset, seed)]
            write_rows(folder / "scores.csv", own)
            entry = {"dataset": dataset, "seed": int(seed), "scores": [f"{folder}/scores.csv"]}
            for key, value in {
                "samples": samples or {"precision": "bf16"},
                "duplicates": duplicates or {"findings": []},
                "model": model,
            }.items():
                entry[key] = value and f"{folder}/{key}.json"
                if value:
                    write_json(folder / f"{key}.json", value)
            entries.append(entry)
        return entries

    def page(self, candidate, fail_below=None, name="wgan_gp", outside=None, **files):
        """Write the page; its Markdown, its data and its HTML."""
        config = {"name": name, "samples": outside, "datasets": list(self.datasets)}
        config |= {"fail_below": fail_below or {}, "seeds": sorted({r.seed for r in candidate})}
        out = self.folder / "page" / name
        arguments = ["--stored", str(self.stored), "--out", str(out), "--config"]
        arguments += [json.dumps(config), "--runs", json.dumps(self.runs(candidate, **files))]
        run_stage(lambda args: args.run(args), command.command(), ["page", *arguments])
        texts = [(out.with_name(f"{name}.{kind}")).read_text() for kind in ("md", "html")]
        return texts[0], pd.read_csv(f"{out}.csv"), texts[1]

    def verdict(self, name="wgan_gp"):
        """Run the last step; its exit status."""
        arguments = ["verdict", "--page", str(self.folder / "page" / name)]
        try:
            run_stage(lambda args: args.run(args), command.command(), arguments)
        except SystemExit as stop:
            return stop.code
        return 0


def compared(shelf, found, least=None):
    """The comparison of a model's rows on digits."""
    stored = load_stored("quick", shelf.stored.parent)
    candidate = Candidate("wgan_gp", None, ("digits",), (0,))
    return beside_stored(stored, candidate, pd.DataFrame(found), [], least or {})


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """A dot in place of the figure, which takes a second; what was to be drawn."""
    asked = []

    def dot(found, png):
        asked.append(found)
        Path(png).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (1, 1)).save(png)

    monkeypatch.setattr(command, "draw_comparison", dot)
    return asked


@pytest.fixture
def shelf(tmp_path):
    """One seed each of real data, cVAE, ours and an ablation."""
    stored = [*rows("real"), *rows("cvae"), *rows("ours", better=0.2), *rows("ours_no_gan")]
    return Shelf(tmp_path, stored)


def of(data, model, metric):
    (row,) = data[(data["model"] == model) & (data["metric"] == metric)].to_dict("records")
    return row


def test_the_csv_has_every_number(shelf):
    _, data, _ = shelf.page(rows("wgan_gp", better=0.1), {"inception_score": 7.5, "recall": 0.5})
    assert set(data["model"]) == {"real", "cvae", "ours", "wgan_gp"}  # no ablation
    assert len(data) == 4 * len(COLUMNS)
    own = of(data, "wgan_gp", "inception_score")
    assert own["value"] == pytest.approx(7.7) and own["role"] == "candidate"
    assert (own["ci_low"], own["ci_high"]) == pytest.approx((7.7 * 0.95, 7.7 * 1.05))
    assert (own["threshold"], str(own["passed"])) == (7.5, "True")
    missed = of(data, "wgan_gp", "recall")
    assert (missed["threshold"], str(missed["passed"])) == (0.5, "False")
    cvae, ours = (of(data, name, "inception_score") for name in ("cvae", "ours"))
    assert cvae["delta"] == pytest.approx(0.7) and ours["delta"] == pytest.approx(-0.7)
    half = 0.05 * np.hypot(7.7, 7.0)
    assert cvae["delta_ci_low"] == pytest.approx(0.7 - half)
    assert cvae["delta_ci_kind"] == "combined95" and np.isnan(cvae["p_better"])  # one seed each
    assert of(data, "cvae", "d_intra_standard")["delta_ci_kind"] == "paired95_classes"
    assert of(data, "cvae", "d_intra_range_mismatched")["delta"] == pytest.approx(0.0008)
    assert np.isnan(of(data, "real", "fid")["delta"])
    assert set(data["protocol"]) == {LABEL} and set(data["data"]) == {"data-digits"}


def test_the_page_can_be_read_alone(shelf):
    text, _, html = shelf.page(rows("wgan_gp", better=0.1), model=training("wgan_gp"))
    assert "# wgan_gp beside the stored results of preset quick" in text
    assert "No threshold was set" in text and "trained here with seed 0." in text
    lines = text.splitlines()
    assert any(line.startswith("| real data | 9.50 [9.03, 9.97] | 99.0 [") for line in lines)
    own = "| WGAN-GP (candidate) | 7.70 [7.32, 8.09] | 77.0 ["
    assert any(line.startswith(own) for line in lines)
    (change,) = (line for line in lines if line.startswith("| cVAE | undecided | +0.70 ["))
    assert change.startswith("| cVAE | undecided | +0.70 [+0.18, +1.22] | +7.0 points [")
    for words in (
        "evaluator d1d1d1d1d1d1, held-out accuracy 0.980",
        "IS, top-1, FID, precision, recall: from the two intervals of the table above",
        "d_intra: over classes, of the differences class by class",
        "One seed: how far another training would differ is not known",
        "Every model has one seed",
        "n = 5000 generated images per model and seed",
        f"Protocol {LABEL}",
        "commit `" + "beef" * 10,
        "Nothing, neither of the samples nor in the search for near-duplicates",
        "No setting that models share differs from the stored runs",
        "| WGAN-GP (candidate) | 0 | 700 | 16 | 11200 | 0.25 | bf16 |",
    ):
        assert words in text, words
    assert "Differs" not in text and "ours_no_gan" not in text
    assert "![" in text and "(wgan_gp.png)" in text
    assert '<img style="max-width: 100%" src="data:image/png;base64,' in html
    assert not re.search(r'(src|href)="(?!data:)', html)
    # The same cells in both.
    for cell in ("7.70 [7.32, 8.09]", "+0.70 [", "11200"):
        assert cell in text and cell in html


def test_a_threshold_that_is_missed_fails_the_command(shelf, capsys):
    candidate = rows("wgan_gp", better=0.1)
    text, _, _ = shelf.page(candidate, {"inception_score": 7.69, "label_fidelity": 0.8})
    assert "**Failed**: top-1 on handwritten digits 77.0 % < 80.0 %." in text
    assert "**Passed**: IS on handwritten digits 7.70 >= 7.69." in text
    capsys.readouterr()
    assert shelf.verdict() == 1
    printed = capsys.readouterr()
    assert printed.out.strip() == text.strip()
    assert "label_fidelity on digits: expected 0.8 or more, found 0.77" in printed.err
    assert "inception_score" not in printed.err
    shelf.page(candidate, {"inception_score": 7.69})
    assert shelf.verdict() == 0
    shelf.page(candidate)
    assert shelf.verdict() == 0


def test_equal_to_the_threshold_is_not_below_it():
    assert Verdict("digits", "recall", 0.4, 0.4).passed
    below = Verdict("digits", "recall", 0.4, 0.4 - 1e-9)
    assert not below.passed and "0.400 < 0.400 (0.4, 0.4)" in below.text


def test_another_evaluator_leaves_out_what_it_judged(shelf, capsys):
    judged = rows("wgan_gp", better=0.1, evaluator="0ddba11")
    free = [row for row in rows("wgan_gp", better=0.1) if row.metric.startswith("d_intra")]
    candidate = [row for row in judged if row.metric in JUDGED] + free
    text, data, _ = shelf.page(candidate, {"inception_score": 1, "d_intra_standard": 0.1})
    assert "**Another evaluator.** The stored scores were judged by evaluator d1d1d1d1d1d1" in text
    assert "it became 0ddba11 here" in text and "`snakemake reproduce`" in text
    assert "so IS, top-1, FID, precision, recall of the candidate are left out" in text
    (line,) = (x for x in text.splitlines() if x.startswith("| WGAN-GP (candidate) | other"))
    assert line.count("other evaluator") == 5 and "0.2750" in line
    (change,) = (x for x in text.splitlines() if x.startswith("| cVAE | undecided | – "))
    assert "+0.0250 [" in change
    own = of(data, "wgan_gp", "inception_score")
    assert np.isnan(own["value"]) and own["note"] == "judged by another evaluator"
    assert of(data, "cvae", "d_intra_standard")["delta"] == pytest.approx(0.025)
    # What cannot be held against a threshold does not pass it.
    assert "IS on handwritten digits: judged by another evaluator, so that it was not" in text
    assert shelf.verdict() == 1
    assert "found judged by another evaluator" in capsys.readouterr().err


def test_a_metric_that_cannot_be_had_says_why_and_passes_nothing(shelf):
    candidate = rows("wgan_gp")
    missing = {"value": np.nan, "ci_low": np.nan, "ci_high": np.nan}
    missing |= {"ci_kind": "n/a: needs n > 5"}
    changed = [
        ScoreRow(**vars(row) | missing) if row.metric == "precision" else row for row in candidate
    ]
    text, data, _ = shelf.page(changed, {"precision": 0.1})
    assert "n/a: needs n > 5" in text and shelf.verdict() == 1
    assert of(data, "wgan_gp", "precision")["note"] == "n/a: needs n > 5"
    assert np.isnan(of(data, "cvae", "precision")["delta"])


def test_the_first_line_is_the_answer_in_every_form(shelf, capsys):
    text, _, html = shelf.page(rows("wgan_gp", better=0.1))
    first = text.splitlines()[0]
    assert first.startswith("Handwritten digits: wgan_gp is **undecided against** ours (IS -0.70 [")
    # IS and top-1 are on one side of zero, the FID on the other.
    assert "); cVAE, **better than** none, **worse than** none. Of another training" in first
    assert shelf.verdict() == 0 and capsys.readouterr().out.startswith(first)
    body = html[html.index("<body") :]
    assert body.index("<strong>undecided against</strong> ours") < body.index("<h1")
    assert "| model | candidate is | IS |" in text


def test_seeds_are_averaged_and_their_spread_is_printed(tmp_path):
    seeds = (0, 1, 2)
    stored = [*rows("real"), *rows("cvae", seeds), *rows("ours", seeds, better=0.2)]
    shelf = Shelf(tmp_path, stored)
    text, data, _ = shelf.page(rows("wgan_gp", better=0.1))
    cvae = of(data, "cvae", "inception_score")
    values = 7.0 * np.array([1.0, 1.01, 1.02])
    assert cvae["value"] == pytest.approx(values.mean())
    assert cvae["sd_seeds"] == pytest.approx(values.std(ddof=1))
    assert cvae["ci_kind"] == "t95_seeds_logit" and cvae["seeds"] == "0 1 2"
    assert cvae["delta_ci_kind"] == "combined95"
    assert "### Spread over seeds" in text and "| cVAE | 0.07 | 0.7 points | 0.0025 |" in text
    assert "Every model has one seed" not in text
    text, data, _ = shelf.page(rows("wgan_gp", seeds, better=0.1), model=training("wgan_gp"))
    assert of(data, "cvae", "inception_score")["delta_ci_kind"] == "welch95_seeds"
    assert of(data, "cvae", "d_intra_standard")["delta_ci_kind"] == "welch95_seeds"
    assert of(data, "cvae", "inception_score")["p_better"] > 0.999
    assert "trained here with seeds 0, 1, 2." in text


def by_plain(model):
    """The Inception Score by the plain judge, which stands in every file of the family."""
    first = next(row for row in rows(model) if row.metric == "inception_score")
    return dataclasses.replace(first, metric="inception_score:plain", evaluator="9" * 12)


def test_what_the_plain_judge_says_stays_out(shelf):
    text, data, _ = shelf.page([*rows("wgan_gp"), by_plain("wgan_gp")])
    assert set(data["metric"]) == set(COLUMNS) and "plain" not in text


def test_fitted_priors_are_beside_and_have_no_training_of_their_own(tmp_path):
    shelf = Shelf(tmp_path, [*rows("real"), *rows("ours"), *rows("ours_fitted", better=0.3)])
    path = shelf.stored / "manifests" / "models.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in (line for line in lines if "_fitted" in line["artefact"]):
        line["config"] = {"preset": "quick", "model": "ours"}
    path.write_text("\n".join(map(json.dumps, lines)))
    text, data, _ = shelf.page(rows("wgan_gp"), model=training("wgan_gp"))
    assert of(data, "ours_fitted", "inception_score")["value"] == pytest.approx(9.1)
    assert any(line.startswith("| ours, fitted | 9.10 ") for line in text.splitlines())
    assert sum("| 700 | 16 |" in line for line in text.splitlines()) == 2  # ours, the candidate
    assert "**Differs from the stored runs**" not in text


def test_a_longer_training_is_named(shelf):
    manifest = training("wgan_gp", train={"steps": 7000, "batch_size": 16}, method={"lr": 0.001})
    manifest |= {"precision": "fp32", "packages": {"torch": "9.9"}, "images_seen": 112000}
    text, _, _ = shelf.page(rows("wgan_gp"), model=manifest)
    assert "**Differs from the stored runs**" in text
    for words in (
        "- Handwritten digits: train.steps: 7000 (stored: 700)",
        "method.lr: 0.001 (stored: 0.002)",
        "precision: fp32 (stored: bf16)",
        "packages.torch: 9.9 (stored: –)",
        "| WGAN-GP (candidate) | 0 | 7000 | 16 | 112000 | 0.25 | fp32 |",
    ):
        assert words in text, words
    assert "batch_size:" not in text and "options" not in text


def test_own_options_are_compared_with_the_same_model_alone(shelf):
    changed = training("cvae", options={"d_z": 7})
    text, _, _ = shelf.page(rows("cvae", better=0.1), name="cvae", model=changed)
    assert "options.d_z: 7 (stored: None)" in text
    assert "have a model of that name too" in text
    lines = text.splitlines()
    assert any(line.startswith("| cVAE | 7.00 ") for line in lines)
    assert any(line.startswith("| cVAE (candidate) | 7.70 ") for line in lines)
    assert "the very images of cVAE" in text
    text, _, _ = shelf.page(rows("wgan_gp"), model=training("wgan_gp", options={"d_z": 7}))
    assert "options" not in text and "the very images" not in text


def test_other_scoring_code_is_a_warning(shelf):
    text, data, _ = shelf.page(rows("wgan_gp", code="0ther"), model=training("wgan_gp"))
    said = "scored by other code here (0ther) than in the stored results (c0de)"
    assert said in text and "gave the same bytes" not in text
    assert of(data, "wgan_gp", "fid")["value"] == 6.0


def test_scoring_code_that_gave_the_same_numbers_is_no_warning(shelf):
    entry = {"stored": "c0de", "run": "beef", "files": ["digits/real/seed0.inception"], "rows": 2}
    record = {"preset": "quick", "commit": "f00d", "trainings": [], "scores_sha256": "1" * 64}
    families = ("inception", "diversity", "fidelity")
    record["scores"] = {family: [entry | {"sha256": "2" * 64}] for family in families}
    write_json(shelf.stored / "same_numbers.json", record)
    text, _, _ = shelf.page(rows("wgan_gp", code="beef"), model=training("wgan_gp"))
    assert "other code here" not in text and "Differs from the stored runs" not in text
    assert "at commit `f00d`: 6 rows of 3 score files and the weights of 0 trainings." in text
    text, _, _ = shelf.page(rows("wgan_gp", code="0ther"), model=training("wgan_gp"))
    assert "scored by other code here (0ther)" in text


def test_samples_from_outside_and_what_stood_out(shelf):
    finding = {"kind": "grey", "severity": "warning", "text": "Images are grey | <all>."}
    copies = {"kind": "copies", "severity": "note", "text": "2 images are copies."}
    text, _, html = shelf.page(
        rows("mine", precision="unknown"),
        name="mine",
        outside="/some/where/mine.npz",
        samples={"findings": [finding]},
        duplicates={"findings": [copies]},
    )
    assert r"- Warning, handwritten digits: Images are grey \| \<all\>." in text
    assert "- Note, handwritten digits: 2 images are copies." in text
    assert "samples from outside, /some/where/mine.npz." in text
    assert "| mine (candidate) | – | unknown | unknown | unknown | unknown | unknown |" in text
    assert "How the samples came about is not known" in text
    assert "/some/where/mine.npz." in html and "grey &#124; &lt;all&gt;." in html


def test_data_sets_stand_below_each_other(tmp_path):
    both = ("synthetic_faces", "digits")
    stored = [*rows("real", datasets=both), *rows("cvae", datasets=both)]
    shelf = Shelf(tmp_path, stored, both)
    limits = {"recall": 0.3, "digits": {"recall": 0.5}}
    text, data, _ = shelf.page(rows("wgan_gp", datasets=both), limits)
    assert text.index("## Synthetic faces") < text.index("## Handwritten digits")
    assert "**Failed**: recall on handwritten digits" in text
    assert "**Passed**: recall on synthetic faces" in text
    assert len(data) == 2 * 3 * len(COLUMNS)
    faces = text[text.index("## Synthetic faces") : text.index("## Handwritten digits")]
    assert "fafafafafafa" in faces and "d1d1d1d1d1d1" not in faces


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data": "other"}, "differ in data, so .*data-digits .*other .digits/WGAN-GP"),
        ({"protocol": "v3:0"}, "differ in protocol, so .*v2:.*v3:0 .digits/WGAN-GP"),
        (
            {"evaluator": "none"},
            "digits: expected scores by one evaluator of the candidate, .*none",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(shelf, changed, words):
    with pytest.raises(UserError, match=words):
        compared(shelf, rows("wgan_gp", **changed))


def test_stored_scores_of_another_evaluator_than_the_stored_one_are_refused(shelf):
    write_rows(shelf.stored / "scores.csv", rows("real", evaluator="5ca1ab1e"))
    with pytest.raises(UserError, match="scores.csv: expected SHA-256 .* by index.json, found"):
        _ = load_stored("quick", shelf.stored.parent).rows
    shelf.index()
    with pytest.raises(UserError, match="expected scores of evaluator d1d1"):
        compared(shelf, rows("wgan_gp"))


def test_a_model_of_the_stored_results_alone_has_a_dash(tmp_path):
    """A stored set without some metric is compared on the others."""
    stored = [row for row in [*rows("real"), *rows("cvae")] if row.metric != "fid"]
    shelf = Shelf(tmp_path, stored)
    text, data, _ = shelf.page(rows("wgan_gp"))
    assert of(data, "cvae", "fid")["note"] == "not scored"
    assert np.isnan(of(data, "cvae", "fid")["delta"])
    assert of(data, "wgan_gp", "fid")["value"] == 6.0


def test_the_printed_metrics_are_those_of_the_tables():
    assert [COLUMNS[metric].title for metric in PRINTED] == [
        "IS", "top-1", "d_intra", "FID", "precision", "recall",
    ]  # fmt: skip


def test_the_figure_has_a_dot_per_model_and_the_real_line(shelf, drawn, tmp_path):
    candidate = [row for row in rows("wgan_gp", better=0.1) if row.metric != "recall"]
    shelf.page(candidate)
    figure = draw_comparison.draw(drawn[0])
    frames = figure.get_axes()
    assert len(frames) == len(PRINTED)
    for axes, metric in zip(frames, PRINTED, strict=True):
        times = 100 if metric == "label_fidelity" else 1
        dots = [line for line in axes.get_lines() if line.get_marker() in "oD"]
        placed = {line.get_xdata()[0]: line.get_marker() for line in dots}
        expected = {MODEL[metric] * times: "o", MODEL[metric] * 1.2 * times: "o"}
        expected |= {} if metric == "recall" else {MODEL[metric] * 1.1 * times: "D"}
        assert sorted(placed) == pytest.approx(sorted(expected))
        assert sorted(placed.values()) == sorted(expected.values())
        (real,) = (line for line in axes.get_lines() if line.get_linestyle() == "--")
        assert real.get_xdata()[0] == pytest.approx(REAL[metric] * times)
        whiskers = [line for line in axes.get_lines() if line.get_linestyle() == "-"]
        assert len(whiskers) == (len(dots) if metric in KINDS else 0)
    draw_comparison.draw_comparison(drawn[0], tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.width == 2100 and np.asarray(picture.convert("RGB")).std() > 5


def test_equal_comparisons_give_equal_data(shelf):
    least = thresholds({"recall": 0.1}, ["digits"])
    found = [compared(shelf, rows("wgan_gp"), least) for _ in range(2)]
    pd.testing.assert_frame_equal(*map(tidy, found))
