"""Tables from made-up score rows: numbers in place, captions complete, mixing refused."""

import importlib.util
import itertools
import re
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from eval.protocol import load_protocol
from eval.rows import COLUMNS
from reports.tables.__main__ import build_table, main, write_table
from reports.tables.inputs import TableInputs, evaluator_cards
from reports.tables.specs import TABLES

PROTOCOL = Path(__file__).parents[3] / "config" / "protocol" / "v2.yaml"
SETS = {"synthetic_faces": (24, 100), "digits": (10, 500)}
MODELS = ["ours", "cvae", "cgan", "cvae_gan"]
OF_SAMPLES = [name for name, spec in TABLES.items() if not spec.transposed]
METRICS = list(dict.fromkeys(metric for spec in TABLES.values() for metric in spec.metrics))
CARDS = {
    "synthetic_faces": {
        "dataset": "synthetic_faces",
        "accuracy": 0.9712,
        "weights_sha256": "fa" * 32,
        "inception_score": {"train": 23.5, "test": 22.25},
    },
    "digits": {
        "dataset": "digits",
        "accuracy": 0.9861,
        "weights_sha256": "d1" * 32,
        "inception_score": {"train": 9.9, "test": 9.62},
    },
}


def score_rows(seeds=(0,), sets=SETS):
    """One row per data set, model, seed and metric, every value different."""
    records = []
    for (dataset, (classes, per_class)), model in itertools.product(
        sets.items(), ["real", *MODELS]
    ):
        for seed, metric in itertools.product((0,) if model == "real" else seeds, METRICS):
            record = dict.fromkeys(COLUMNS, "")
            record |= {"preset": "quick", "dataset": dataset, "model": model, "seed": seed}
            record |= {"metric": metric, "value": (len(records) + 1) / 1000, "ci_kind": "none"}
            record |= {"ci_low": float("nan"), "ci_high": float("nan"), "classes": classes}
            record |= {"n": 15 * classes if model == "real" else per_class * classes}
            record |= {"precision": "fp32", "protocol": "v1:0123456789ab", "code": "c0de"}
            card = CARDS.get(dataset, CARDS["digits"])
            judged = metric in ("inception_score", "label_fidelity")
            record |= {"evaluator": card["weights_sha256"][:12] if judged else "none"}
            record |= {"samples": f"{model}{seed}", "data": dataset}
            records.append(record)
    return without_marks(pd.DataFrame(records, columns=list(COLUMNS)))


def without_marks(rows):
    """Judges that agree, and models that no longer learn: the half has the scores of the whole."""
    rows.loc[rows["metric"] == "judge_agreement", "value"] = 0.9
    keys = ["dataset", "model", "seed"]
    whole = rows[rows["metric"] == "inception_score"].set_index(keys)["value"]
    half = rows["metric"] == "inception_score:half"
    rows.loc[half, "value"] = whole.loc[pd.MultiIndex.from_frame(rows.loc[half, keys])].to_numpy()
    return rows


def build(name, rows, datasets=tuple(SETS), models=MODELS):
    scores = TableInputs(rows, list(datasets), models, CARDS)
    return build_table(TABLES[name], scores, load_protocol(PROTOCOL))


def value_of(rows, dataset, model, metric):
    keys = (rows["dataset"] == dataset) & (rows["model"] == model) & (rows["metric"] == metric)
    return rows[keys]["value"].tolist()


def test_numbers_stand_where_they_belong():
    rows = score_rows()
    one, two = build("table1", rows).printed.cells, build("table2", rows).printed.cells
    (score,) = value_of(rows, "digits", "cgan", "inception_score")
    assert one.loc[("handwritten digits", "cGAN"), "IS"] == f"{score:.2f}"
    (share,) = value_of(rows, "synthetic_faces", "ours", "label_fidelity")
    assert one.loc[("synthetic faces", "ours"), "top-1"] == f"{100 * share:.1f} %"
    (diversity,) = value_of(rows, "digits", "real", "d_intra_standard")
    row = ("handwritten digits", "real data (training)")
    assert two.loc[row, "d_intra"] == f"{diversity:.4f}"


def test_models_stand_in_the_papers_order_with_real_data_first():
    printed = build("table1", score_rows()).printed.cells
    assert printed.loc["handwritten digits"].index.tolist() == [
        "real data (held out)",
        "cVAE",
        "cGAN",
        "cVAE-GAN",
        "ours",
    ]


def test_the_papers_numbers_stand_beside_the_data_they_belong_to():
    rows = score_rows(sets=SETS | {"cifar10": (10, 500), "faces": (12, 100)})
    sets = ["synthetic_faces", "digits", "cifar10", "faces"]
    one, two = (build(name, rows, sets).printed.cells for name in ("table1", "table2"))
    expected = {"cVAE": "3.01", "cGAN": "6.27", "cVAE-GAN": "6.99", "ours": "7.04"}
    column = one.loc["CIFAR-10"]["paper"].drop("real data (held out)")
    assert column.to_dict() == {name: f"{text} (CIFAR-10)" for name, text in expected.items()}
    assert one.loc[("faces", "ours"), "paper"] == "17.91 (FaceScrub)"
    assert one.loc[("synthetic faces", "ours"), "paper"] == "17.91 (FaceScrub)"
    assert set(one.loc["handwritten digits"]["paper"]) == {"–"}
    assert two.loc[("CIFAR-10", "ours"), "paper"] == "0.0149 (CIFAR-10)"
    assert two.loc[("faces", "cVAE-GAN"), "paper"] == "0.0141 (FaceScrub)"
    assert two.loc[("faces", "cVAE"), "paper"] == "–"
    assert two.loc[("handwritten digits", "ours"), "paper"] == "–"


def test_a_table_without_comparable_data_has_no_paper_column():
    rows = score_rows(sets={"digits": (10, 500)})
    for name in TABLES:
        table = build(name, rows, ["digits"])
        assert (
            "paper" not in str(table.printed.cells.columns.tolist())
            and "'Paper'" not in table.printed.caption
        )


@pytest.mark.parametrize("name", OF_SAMPLES)
def test_every_printed_format_carries_the_whole_caption(name, tmp_path):
    table = build(name, score_rows())
    write_table(table, tmp_path)
    for part in (
        "24 classes, 100 images per class, n = 2400",
        "10 classes, 500 images per class, n = 5000",
        "n = 360 real images",
        "evaluator fafafafafafa, held-out accuracy 0.971, IS of real held-out images 22.25",
        "evaluator d1d1d1d1d1d1, held-out accuracy 0.986, IS of real held-out images 9.62",
        "Protocol v1:0123456789ab",
        "Seed 0. No interval was computed.",
        "preset quick",
    ):
        assert part in table.printed.caption
        for kind in ("md", "html", "tex"):
            assert part in (tmp_path / f"{name}.{kind}").read_text(encoding="utf-8")


def test_formats_agree_and_are_well_formed(tmp_path):
    table = build("table2", score_rows())
    write_table(table, tmp_path)
    markdown = (tmp_path / "table2.md").read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in markdown if line.startswith("|")]
    assert len({len(line) for line in cells}) == 1 and len(cells) == 2 + 10
    page = pd.read_html((tmp_path / "table2.html").as_uri())[0] if _has_lxml() else None
    assert page is None or page.shape[0] == 10
    tex = (tmp_path / "table2.tex").read_text(encoding="utf-8")
    assert tex.count(r"\midrule") == 2 and r"\cline" not in tex
    assert "d\\_intra" in tex and not re.search(r"(?<!\\)_intra", tex)
    first = table.printed.cells.iloc[0, 0]
    assert first in tex and first in "\n".join(markdown)


def _has_lxml():
    return importlib.util.find_spec("lxml") is not None


def test_three_seeds_are_averaged_and_each_is_in_the_csv(tmp_path):
    rows = score_rows(seeds=(0, 1, 2))
    table = build("table1", rows)
    write_table(table, tmp_path)
    values = pd.Series(value_of(rows, "digits", "ours", "inception_score"))
    printed = table.printed.cells.loc[("handwritten digits", "ours"), "IS"]
    units = (values.mean() - 1) / 9  # ten classes
    half = stats.t.ppf(0.975, 2) * values.std() / 3**0.5 / 9 / (units * (1 - units))
    low, high = (1 + 9 * special.expit(special.logit(units) + sign * half) for sign in (-1, 1))
    assert printed == f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"
    assert (
        "seeds 0, 1, 2. In brackets: 95 % interval of the mean over many" in table.printed.caption
    )
    listed = ", ".join(f"{value:.2f}" for value in values)
    assert (
        "IS by seed. Synthetic faces: " in table.printed.caption
        and f"ours {listed}" in table.printed.caption
    )
    data = pd.read_csv(tmp_path / "table1.csv")
    keys = (data["dataset"] == "digits") & (data["model"] == "ours")
    chosen = data[keys & (data["metric"] == "inception_score")]
    by_seed = chosen[chosen["statistic"] == "seed"]
    assert by_seed["seed"].tolist() == [0, 1, 2]
    assert by_seed["value"].tolist() == values.tolist()
    mean = chosen[chosen["statistic"] == "mean"]
    assert mean["value"].item() == pytest.approx(values.mean())
    assert (
        mean["ci_low"].item() == pytest.approx(low) and mean["ci_kind"].item() == "t95_seeds_logit"
    )


def test_two_seeds_have_a_mean_and_no_interval():
    table = build("table1", score_rows(seeds=(0, 1)))
    assert "[" not in table.printed.cells.loc[("handwritten digits", "ours"), "IS"]
    assert "two are too few for an interval over seeds" in table.printed.caption
    assert set(table.printed.cells.loc["handwritten digits"]["P(ours higher)"]) == {"–"}


def test_with_two_seeds_the_brackets_of_real_images_are_explained():
    rows = score_rows(seeds=(0, 1))
    judged = rows["metric"].eq("inception_score")
    ends = ["ci_low", "ci_high", "ci_kind"]
    rows.loc[judged, ends] = [1, 2, "jackknife95_images"]
    generated = rows["metric"].eq("label_fidelity") & rows["model"].ne("real")
    rows.loc[generated, ends] = [0, 1, "wilson95"]
    table = build("table1", rows)
    cells = table.printed.cells.loc["handwritten digits"]["IS"]
    assert cells["real data (held out)"].endswith("[1.00, 2.00]")
    assert not cells.drop("real data (held out)").str.contains("[", regex=False).any()
    said = "two are too few for an interval over seeds. Real images: in brackets: 95 % intervals,"
    assert said in table.printed.caption and "jackknife" in table.printed.caption
    assert "Wilson" not in table.printed.caption  # no interval of a row of two seeds is printed


def test_a_model_of_one_seed_among_others_has_its_brackets_explained():
    rows = score_rows(seeds=(0, 1, 2))
    rows = rows[rows["model"].ne("cgan") | rows["seed"].eq(0)]
    keys = rows["model"].eq("cgan") & rows["metric"].eq("label_fidelity")
    rows.loc[keys, ["ci_low", "ci_high", "ci_kind"]] = [0, 1, "wilson95"]
    text = build("table1", rows).printed.caption
    assert "stays within). Real images and single seeds: in brackets: 95 % intervals, " in text
    assert "(Wilson)" in text


def test_splits_of_the_inception_score_are_those_of_the_protocol():
    rows = score_rows()
    for splits, words in ((1, "at once (one split)"), (10, "mean over 10 splits of the images")):
        protocol = load_protocol(PROTOCOL, {"inception": {"splits": splits}})
        for name, spec in TABLES.items():
            table = build_table(spec, TableInputs(rows, list(SETS), MODELS, CARDS), protocol)
            assert (words in table.printed.caption) == (name in ("table1", "imagenet"))


def test_metrics_of_different_numbers_of_images_are_named():
    rows = score_rows(sets={"digits": (10, 500)})
    other = rows["metric"].eq("label_fidelity") & rows["model"].ne("real")
    rows.loc[other, "n"] = 24  # not as many of every class: nothing is said per class
    text = build("table1", rows, ["digits"]).printed.caption
    counted = "10 classes, n = 24 generated images for top-1; 500 images per class, "
    assert counted + "n = 5000 generated images for IS, judges agree, " in text
    assert "; n = 5000 held-out images encoded per model and seed, n = 150 real" in text
    rows.loc[other & rows["model"].ne("cgan"), "n"] = 5000
    text = build("table1", rows, ["digits"]).printed.caption
    assert "n = 24 generated images for top-1 of cGAN; 500 images per class, n = 5000" in text
    assert "for IS, top-1 of ours and cVAE and cVAE-GAN, judges agree, " in text


def test_the_probability_that_ours_is_better_is_welchs_with_three_seeds():
    rows = score_rows(seeds=(0, 1, 2))
    picked = rows["metric"].eq("inception_score") & rows["dataset"].eq("digits")
    scores = {"ours": [5, 6, 7.5], "cvae": [1, 2, 3], "cgan": [4, 6, 8]}
    for model, values in scores.items():
        rows.loc[picked & rows["model"].eq(model), "value"] = values
    column = build("table1", rows).printed.cells.loc["handwritten digits"]["P(ours higher)"]
    assert column["ours"] == column["real data (held out)"] == "–"
    for model, title in (("cvae", "cVAE"), ("cgan", "cGAN")):
        welch = stats.ttest_ind(
            scores["ours"], scores[model], equal_var=False, alternative="greater"
        )
        assert column[title] == f"{1 - welch.pvalue:.2f}"


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_fewer_than_three_seeds_give_no_probability(seeds):
    column = build("table1", score_rows(seeds=seeds)).printed.cells.loc["handwritten digits"]
    assert set(column["P(ours higher)"]) == {"–"}
    column = build("table2", score_rows(seeds=seeds)).printed.cells.loc["handwritten digits"]
    assert set(column["P(ours higher)"]) == {"–"}


def with_classes(rows, dataset, values):
    """Rows with d_intra of single classes, by model, and the interval of their mean."""
    more = []
    for model, scores in values.items():
        keys = rows["dataset"].eq(dataset) & rows["model"].eq(model)
        keys &= rows["metric"].eq("d_intra_standard")
        ends = [np.mean(scores) - 0.2, np.mean(scores) + 0.2, "bootstrap95_classes"]
        columns = ["value", "ci_low", "ci_high", "ci_kind"]
        rows.loc[keys, columns] = [np.mean(scores), *ends]
        own = {"n": 500, "ci_kind": "none", "ci_low": np.nan, "ci_high": np.nan}
        for label, score in enumerate(scores):
            name = f"d_intra_standard:class:{label}"
            more.append(rows[keys].assign(metric=name, value=score, **own))
    return pd.concat([rows, *more], ignore_index=True)


def test_rows_of_single_classes_stay_out_of_the_table():
    scores = np.random.default_rng(0).uniform(0.2, 0.6, 10)
    values = {"ours": scores + 0.01, "cvae": scores}
    table = build("table2", with_classes(score_rows(), "digits", values))
    counted = "n = 5000 generated images; n = 5000 held-out images encoded per model and seed"
    assert counted in table.printed.caption
    assert "d_intra_standard:class:0" not in set(table.data["metric"])


def test_a_metric_that_could_not_be_had_says_why():
    rows = score_rows()
    picked = rows["metric"].eq("inception_score") & rows["model"].eq("cvae")
    rows.loc[picked, ["value", "ci_kind"]] = [float("nan"), "n/a: needs n > 64"]
    table = build("table1", rows)
    assert table.printed.cells.loc[("handwritten digits", "cVAE"), "IS"] == "n/a: needs n > 64"


def test_the_csv_has_the_papers_numbers_with_their_source(tmp_path):
    write_table(build("table2", score_rows()), tmp_path)
    data = pd.read_csv(tmp_path / "table2.csv")
    published = data[data["statistic"] == "published"]
    assert published["value"].tolist() == [0.0141, 0.0157]
    assert published["source"].str.contains("Table 2").all()
    assert published["source"].str.contains("FaceScrub").all()
    assert "d_intra_range_mismatched_offdiag" in set(data["metric"])


def test_an_interval_of_a_single_seed_is_printed_with_its_kind():
    rows = score_rows()
    rows.loc[rows["model"] == "ours", ["ci_low", "ci_high", "ci_kind"]] = [1, 2, "wilson95"]
    table = build("table1", rows)
    assert table.printed.cells.loc[("handwritten digits", "ours"), "IS"].endswith("[1.00, 2.00]")
    assert "would change with other images of the same model (Wilson)." in table.printed.caption


def test_a_model_without_scores_is_left_blank_and_named():
    rows = score_rows()
    rows = rows[~((rows["model"] == "cgan") & (rows["dataset"] == "digits"))]
    table = build("table1", rows)
    assert table.printed.cells.loc[("handwritten digits", "cGAN"), "IS"] == "–"
    assert "Not scored in this run: cGAN on handwritten digits." in table.printed.caption


def test_a_model_that_the_paper_does_not_know_is_shown_under_its_name():
    rows = score_rows()
    other = rows[rows["model"] == "cvae"].assign(model="my_model")
    printed = build("table1", pd.concat([rows, other])).printed.cells
    assert printed.loc["handwritten digits"].index.tolist()[-2:] == ["my_model", "ours"]


def with_fitted(rows, *models):
    forms = [rows[rows["model"] == name].assign(model=f"{name}_fitted") for name in models]
    return pd.concat([rows, *forms], ignore_index=True)


def test_a_fitted_form_follows_its_model_and_is_compared_with_ours_fitted():
    rows = with_fitted(score_rows(seeds=(0, 1, 2)), "cvae_gan", "ours")
    scores = {"ours": [1, 2, 3], "cvae_gan": [4, 6, 8]}
    scores |= {"ours_fitted": [5, 6, 7.5], "cvae_gan_fitted": [1, 2, 3.5]}
    for model, values in scores.items():
        keys = rows["metric"].str.startswith("inception_score") & rows["model"].eq(model)
        for seed, value in enumerate(values):
            rows.loc[keys & rows["seed"].eq(seed), "value"] = value
    column = build("table1", rows).printed.cells.loc["handwritten digits"]["P(ours higher)"]
    assert column.index.tolist()[-4:] == ["cVAE-GAN", "cVAE-GAN, fitted", "ours", "ours, fitted"]
    for one, other, title in (
        ("ours", "cvae_gan", "cVAE-GAN"),
        ("ours_fitted", "cvae_gan_fitted", "cVAE-GAN, fitted"),
    ):
        welch = stats.ttest_ind(scores[one], scores[other], equal_var=False, alternative="greater")
        assert column[title] == f"{1 - welch.pvalue:.2f}"
    assert column["ours"] == column["ours, fitted"] == "–"


def test_scores_that_are_of_the_judge_or_still_move_say_so():
    rows = score_rows()
    digits = rows["dataset"].eq("digits")
    ceiling = 8.0
    rows.loc[rows["metric"].eq("inception_score"), "value"] = ceiling
    rows.loc[rows["metric"].eq("inception_score:half"), "value"] = ceiling
    half = digits & rows["metric"].eq("inception_score:half")
    rows.loc[half & rows["model"].eq("cvae"), "value"] = 0.94 * ceiling
    rows.loc[half & rows["model"].eq("cgan"), "value"] = 1.06 * ceiling
    rows.loc[half & rows["model"].eq("cvae_gan"), "value"] = 0.96 * ceiling
    agreement = digits & rows["metric"].eq("judge_agreement")
    rows.loc[agreement & rows["model"].eq("cvae"), "value"] = 0.74
    rows.loc[agreement & rows["model"].eq("ours"), "value"] = 0.76
    table = build("table1", rows)
    cells = table.printed.cells.loc["handwritten digits"]["IS"]
    assert cells["cVAE"] == "8.00 (judges disagree; still learning)"
    assert cells["cGAN"] == "8.00 (still learning)"
    assert cells["cVAE-GAN"] == cells["ours"] == cells["real data (held out)"] == "8.00"
    assert set(table.printed.cells.loc["synthetic faces"]["IS"]) == {"8.00"}
    assert (
        "fewer than 75% of the images" in table.printed.caption
        and "more than 5%" in table.printed.caption
    )


def test_without_the_score_of_half_it_is_not_known_whether_a_model_still_learns():
    rows = score_rows()
    half = rows["metric"].eq("inception_score:half")
    table = build("table1", rows[~half | rows["model"].ne("cvae")])
    cells = table.printed.cells.loc["handwritten digits"]["IS"]
    assert cells["cVAE"].endswith("(unknown if still learning)")
    assert not cells.drop("cVAE").str.contains("learning").any()


def test_a_distance_to_a_prior_that_is_not_there_is_a_dash():
    rows = score_rows()
    picked = rows["metric"].eq("mahalanobis_ratio") & rows["model"].eq("cvae")
    rows.loc[picked, ["value", "ci_kind"]] = [float("nan"), "n/a: the model has no z_s"]
    for name in ("table1", "table2"):
        printed = build(name, rows).printed.cells
        assert printed.loc[("handwritten digits", "cVAE"), "Mahalanobis ratio"] == "–"
        assert printed.loc[("handwritten digits", "ours"), "Mahalanobis ratio"] != "–"


@pytest.mark.parametrize("column", ["evaluator", "protocol", "data"])
def test_rows_that_cannot_be_compared_are_refused(column):
    rows = score_rows()
    rows.loc[(rows["dataset"] == "digits") & (rows["model"] == "cvae"), column] = "other"
    with pytest.raises(UserError, match=column):
        build("table1", rows)


def test_scores_of_another_evaluator_than_the_quoted_one_are_refused():
    rows = score_rows()
    judged = (rows["dataset"] == "digits") & (rows["evaluator"] != "none")
    rows.loc[judged, "evaluator"] = "0" * 12
    with pytest.raises(UserError, match="expected scores of evaluator d1d1d1d1d1d1"):
        build("table1", rows)


def test_the_command_reads_rows_cards_and_protocol(tmp_path):
    rows = score_rows()
    protocol = load_protocol(PROTOCOL, {"bn_eval": "batch"})
    rows["protocol"] = protocol.label
    files = []
    for (dataset, model), part in rows.groupby(["dataset", "model"]):
        files.append(str(tmp_path / f"{dataset}.{model}.csv"))
        part.to_csv(files[-1], index=False)
        card = tmp_path / f"{dataset}.json"
        write_json(card, CARDS[dataset])
    config = {"preset": "quick", "datasets": list(SETS), "models": MODELS}
    config |= {"protocol_overrides": {"bn_eval": "batch"}}
    cards = [str(tmp_path / f"{dataset}.json") for dataset in SETS]
    arguments = Namespace(
        table="table2", scores=files, cards=cards, protocol=PROTOCOL, config=config, out=tmp_path
    )
    main(arguments)
    assert protocol.label in (tmp_path / "table2.md").read_text(encoding="utf-8")
    arguments.config = config | {"protocol_overrides": {}}
    with pytest.raises(UserError, match="expected scores of protocol v2:"):
        main(arguments)


def test_no_scores_at_all_is_an_error_that_says_what_to_run():
    with pytest.raises(UserError, match="python -m eval.scores"):
        build("table1", score_rows().iloc[:0])


def test_only_evaluator_cards_are_taken(tmp_path):
    write_json(tmp_path / "a.json", CARDS["digits"])
    write_json(tmp_path / "b.json", {"dataset": "digits", "source": "scikit-learn"})
    found = evaluator_cards([tmp_path / "a.json", tmp_path / "b.json"])
    assert list(found) == ["digits"] and found["digits"]["accuracy"] == 0.9861
