"""The leaderboard and the README's tables, of made-up stored results and of those in git."""

import io
import itertools
import math
import shutil
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from scipy import stats

from dlvae.stage.artefact import sha256_file, write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage, stage_parser
from eval.protocol import load_protocol
from eval.rows import COLUMNS
from reports.leaderboard import METRICS, main, texts, with_results

PROTOCOL = Path(__file__).parents[2] / "config" / "protocol" / "v2.yaml"
DATASETS = {"synthetic_faces": "fa", "digits": "d1"}
# Inception Scores, in an order that is neither the paper's nor that of the alphabet.
SCORES = {"real": 9.5, "cvae": 7.0, "cgan": 1.5, "cvae_gan": 8.25, "ours": 8.0, "mine": 3.0}
SCORES |= {"ours_no_gan": 9.0, "ours_b": 2.0}
DIGITS = "Handwritten digits"


def score_rows(seeds, preset="quick", label=None):
    """Rows of every model: value over ten for what is no Inception Score; seeds differ by 0.1."""
    found = []
    for dataset, judge in DATASETS.items():
        for model, metric in itertools.product(SCORES, [*METRICS, "inception_score:half"]):
            for seed in (0,) if model == "real" else seeds:
                value = SCORES[model] + 0.1 * seed
                value = value if metric.startswith("inception_score") else value / 10
                row = {"preset": preset, "dataset": dataset, "model": model, "seed": seed}
                row |= {"metric": metric, "value": value, "ci_kind": "jackknife95_images"}
                row |= {"ci_low": value - 0.05, "ci_high": value + 0.05, "classes": 10}
                row |= {"n": 359 if model == "real" else 5000, "code": "c0de"}
                row |= {"precision": "none" if model == "real" else "bf16", "data": f"{dataset}#"}
                row |= {"evaluator": "none" if metric.startswith("d_") else 6 * judge}
                row |= {"protocol": label or load_protocol(PROTOCOL).label}
                found.append(row | {"samples": f"{model}{seed}"})
    return pd.DataFrame(found, columns=list(COLUMNS))


def save(root, seeds=(0,), preset="quick", rows=None):
    """Store made-up results of a preset, as `freeze` leaves them."""
    folder = root / preset
    (folder / "evaluator").mkdir(parents=True)
    rows = score_rows(seeds, preset) if rows is None else rows
    rows.to_csv(folder / "scores.csv", index=False, lineterminator="\n")
    shutil.copy(PROTOCOL, folder / "protocol.yaml")
    config = {"preset": preset, "datasets": dict.fromkeys(DATASETS, {}), "bn_eval": None}
    config |= {"models": ["cvae", "cgan", "cvae_gan", "ours"], "seeds": list(seeds)}
    config |= {"ablations": {"dataset": "digits", "methods": {"no_gan": {}, "b": {}}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    for dataset, judge in DATASETS.items():
        card = {"dataset": dataset, "accuracy": 0.98, "weights_sha256": 32 * judge}
        card |= {"inception_score": {"train": 9.9, "test": 9.5}}
        write_json(folder / "evaluator" / dataset / "report.json", card)
    index = {"preset": preset, "commit": "ab" * 20, "command": "snakemake --cores 2 freeze"}
    index |= {"files": {"scores.csv": sha256_file(folder / "scores.csv")}}
    write_json(folder / "index.json", index | {"protocol": load_protocol(PROTOCOL).label})
    return root


def leaderboard(root):
    """The leaderboard of stored results, as Markdown and as CSV."""
    markdown, csv = texts(root, None).values()
    return SimpleNamespace(markdown=markdown, csv=csv)


def write(root, readme=None):
    """Write the files of a leaderboard; their paths."""
    main(Namespace(root=root, readme=readme))
    return [root / "leaderboard.md", root / "leaderboard.csv", *([readme] if readme else [])]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The leaderboard of one seed."""
    return leaderboard(save(tmp_path_factory.mktemp("stored")))


def sections(markdown):
    """Cells by (section, data set): lists of texts, the head first."""
    found = {}
    for line in markdown.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("### "):
            table = found[section, line.removeprefix("### ")] = []
        elif line.startswith("| ") and "---" not in line:
            table.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_models_stand_by_their_score_below_the_real_images_and_ablations_are_left_out(made):
    found = sections(made.markdown)
    label = load_protocol(PROTOCOL).label
    assert list(found) == [
        (f"Preset quick, protocol {label}", "Synthetic faces"),
        (f"Preset quick, protocol {label}", "Handwritten digits"),
    ]
    for table in found.values():
        names = [line[0] for line in table[1:]]
        assert names == ["real images (ceiling)", "cVAE-GAN", "ours", "cVAE", "mine", "cGAN"]


def test_every_row_says_what_it_is_of(made):
    faces, digits = sections(made.markdown).values()
    shared = ["model", "IS", "top-1", "d_intra", "FID", "precision", "recall"]
    assert digits[0] == [*shared, "seeds", "n", "trained in"]
    assert faces[0] == [*shared, "paper's IS, FaceScrub", "paper's d_intra, FaceScrub"] + [
        *("seeds", "n", "trained in")
    ]
    assert faces[3] == ["ours", "8.00 [7.95, 8.05]", "80.0 [75.0, 85.0] %"] + [
        *("0.8000 [0.7500, 0.8500]", "0.800 [0.750, 0.850]", "0.800 [0.750, 0.850]"),
        *("0.800 [0.750, 0.850]", "17.91", "0.0157", "0", "5000", "bf16"),
    ]
    assert faces[1][-5:] == ["–", "–", "–", "359", "–"]
    assert "where intervals overlap the order means nothing" in made.markdown
    assert f"commit `{'ab' * 20}`, command `snakemake --cores 2 freeze`" in made.markdown
    assert "evaluator fafafafafafa" in made.markdown and "Data digits#" in made.markdown


def test_the_csv_has_the_numbers_of_the_stored_rows(made):
    data = pd.read_csv(io.StringIO(made.csv), dtype={"seeds": str})
    assert len(data) == 2 * 6 * len(METRICS)
    (row,) = data.query("dataset == 'synthetic_faces' and model == 'ours' and metric == 'fid'").iloc
    expected = {"value": 0.8, "ci_low": 0.75, "ci_high": 0.85, "ci_kind": "jackknife95_images"}
    expected |= {"seeds": "0", "n": 5000, "precision": "bf16", "evaluator": "fa" * 6}
    expected |= {"data": "synthetic_faces#", "commit": "ab" * 20, "preset": "quick"}
    expected |= {"command": "snakemake --cores 2 freeze", "code": "c0de", "classes": 10}
    expected |= {"protocol": load_protocol(PROTOCOL).label}
    assert {key: row[key] for key in expected} == pytest.approx(expected)
    paper = data[data["published"].notna()]
    assert set(paper["dataset"]) == {"synthetic_faces"}
    assert dict(zip(paper["model"] + paper["metric"], paper["published"], strict=True)) == {
        "cvaeinception_score": 9.55,
        "cganinception_score": 10.02,
        "cvae_ganinception_score": 16.75,
        "cvae_gand_intra_standard": 0.0141,
        "oursinception_score": 17.91,
        "oursd_intra_standard": 0.0157,
    }


def test_three_seeds_are_a_mean_with_the_interval_over_them(tmp_path):
    made = leaderboard(save(tmp_path, (0, 1, 2)))
    data = pd.read_csv(io.StringIO(made.csv))
    (row,) = data.query("dataset == 'digits' and model == 'ours' and metric == 'fid'").iloc
    half = stats.t.ppf(0.975, 2) * 0.01 / 3**0.5
    assert (row["value"], row["ci_low"]) == pytest.approx((0.81, 0.81 * math.exp(-half / 0.81)))
    assert (row["seeds"], row["ci_kind"]) == ("0, 1, 2", "t95_seeds_log")
    digits = sections(made.markdown)[f"Preset quick, protocol {row['protocol']}", DIGITS]
    low, high = map(float, digits[3][1].removeprefix("8.10 [").removesuffix("]").split(", "))
    assert low < 8.1 - 10 * half and 8.1 < high < 8.1 + 10 * half  # less room to the ceiling of 10
    assert digits[3][-3:] == ["0, 1, 2", "5000", "bf16"]
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    block = texts(tmp_path, readme)[readme]
    assert "| ours | 8.10 [" in block and "Mean over the seeds 0, 1, 2" in block


def test_presets_and_protocols_have_sections_of_their_own(tmp_path):
    save(tmp_path, preset="quick")
    second = tmp_path / "v2.yaml"
    second.write_text(PROTOCOL.read_text().replace("id: v2", "id: v3"))
    label = load_protocol(second).label
    own = load_protocol(PROTOCOL).label
    rows = score_rows((0,), "smoke").replace({"ours": "other", own: label})
    save(tmp_path, preset="smoke", rows=rows)
    shutil.copy(second, tmp_path / "smoke" / "protocol.yaml")
    found = sections(leaderboard(tmp_path).markdown)
    assert [key for key, _ in found] == [
        *2 * [f"Preset quick, protocol {load_protocol(PROTOCOL).label}"],
        *2 * [f"Preset smoke, protocol {label}"],
    ]
    assert [line[0] for line in found[f"Preset smoke, protocol {label}", DIGITS]][3] == "other"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("evaluator", "e" * 12, "differ in evaluator"),
        ("protocol", "v2:" + "0" * 12, "differ in protocol"),
        ("data", "other", "differ in data"),
    ],
)
def test_what_cannot_stand_in_one_section_is_refused_and_nothing_is_written(
    tmp_path, column, value, words
):
    rows = score_rows((0,))
    rows.loc[(rows["model"] == "ours") & (rows["metric"] == "fid"), column] = value
    with pytest.raises(UserError, match=words):
        write(save(tmp_path, rows=rows))
    assert not list(tmp_path.glob("leaderboard.*"))


def test_rows_of_another_judge_than_stored_and_no_rows_are_refused(tmp_path):
    rows = score_rows((0,)).replace("fa" * 6, "0" * 12)
    with pytest.raises(UserError, match="expected scores of evaluator fafa"):
        leaderboard(save(tmp_path / "b", rows=rows))
    rows = score_rows((0,)).query("metric == 'kid'")
    with pytest.raises(UserError, match="expected rows of inception_score, found none"):
        leaderboard(save(tmp_path / "c", rows=rows))


def test_a_score_that_cannot_be_had_says_why_and_stands_last(tmp_path):
    rows = score_rows((0,))
    chosen = (rows["model"] == "ours") & (rows["metric"] == "inception_score")
    rows.loc[chosen, ["value", "ci_low", "ci_high"]] = None
    rows.loc[chosen, "ci_kind"] = "n/a: no evaluator"
    rows = rows[(rows["model"] != "cvae") | (rows["metric"] != "fid")]
    made = leaderboard(save(tmp_path, rows=rows))
    last = sections(made.markdown)[f"Preset quick, protocol {rows['protocol'][0]}", DIGITS][-1]
    assert last[:3] == ["ours", "n/a: no evaluator", "80.0 [75.0, 85.0] %"]
    data = pd.read_csv(io.StringIO(made.csv)).query("dataset == 'digits'")
    assert data.query("model == 'cvae' and metric == 'fid'").empty
    (row,) = data.query("model == 'ours' and metric == 'inception_score'").iloc
    assert pd.isna(row["value"]) and row["ci_kind"] == "n/a: no evaluator"


TEXT = "Before.\n\n<!-- results: quick -->\nold | table\n<!-- /results -->\n\nAfter.\n"


def test_the_readme_shows_the_short_table_between_its_marks(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    written = write(save(tmp_path / "stored"), readme)
    text = readme.read_text()
    assert text.startswith("Before.\n\n<!-- results: quick -->\n| model | synthetic faces: IS |")
    assert text.endswith("<!-- /results -->\n\nAfter.\n") and "old" not in text
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert lines[0].count("|") == 8
    names = [line.split("|")[1].strip() for line in lines[2:]]
    assert names == ["real images (ceiling)", "cVAE", "cGAN", "cVAE-GAN", "mine", "ours"]
    assert lines[-1].startswith("| ours | 8.00 [7.95, 8.05] | 80.0 % | 0.800 [0.750, 0.850] | 8.00")
    # Again, from the same rows: the same bytes.
    before = [path.read_bytes() for path in written]
    write(tmp_path / "stored", readme)
    assert [path.read_bytes() for path in written] == before


def test_every_block_gets_the_table_of_its_preset():
    text = TEXT + TEXT.replace("quick", "faces-64")
    found = with_results(text, {"quick": "Q\n", "faces-64": "F\n", "unused": "U\n"})
    assert found.count("<!-- results: quick -->\nQ\n<!-- /results -->") == 1
    assert found.count("<!-- results: faces-64 -->\nF\n<!-- /results -->") == 1
    assert with_results("No marks.\n", {}) == "No marks.\n"
    # A table may hold what a pattern would read as a reference.
    assert "\\1 \\g<head>" in with_results(TEXT, {"quick": "\\1 \\g<head>\n"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("<!-- /results -->\n", ""), "expected pairs of lines"),
        (TEXT.replace("<!-- results: quick -->\n", ""), "expected pairs of lines"),
        (TEXT.replace("<!-- /results -->", "") + TEXT, "expected pairs of lines"),
        (TEXT.replace("quick", "qiuck"), "mark of 'qiuck'.*Did you mean 'quick'"),
    ],
)
def test_marks_that_do_not_fit_are_refused(text, words):
    with pytest.raises(UserError, match=words):
        with_results(text, {"quick": "Q\n"})


def test_the_command_says_what_to_do_where_nothing_is_stored(tmp_path, capsys):
    parser = stage_parser("")
    parser.add_argument("--root", type=Path, default=tmp_path)
    parser.add_argument("--readme", type=Path, default=tmp_path / "README.md")
    with pytest.raises(SystemExit) as stopped:
        run_stage(main, parser, [])
    assert stopped.value.code == 2
    assert "snakemake --cores all freeze" in capsys.readouterr().err


def test_the_pages_in_the_repository_are_those_of_the_stored_rows():
    """If this fails: snakemake leaderboard."""
    made = texts()
    assert [path.name for path in made] == ["leaderboard.md", "leaderboard.csv", "README.md"]
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text
    assert "<!-- results: quick -->" in text
