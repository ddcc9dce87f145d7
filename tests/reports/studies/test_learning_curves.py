"""The page and the data of learning curves, of made-up scores whose leaders are known."""

import dataclasses
import json
import math

import pandas as pd
import pytest

from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.rows import write_rows
from made_up_curves import CEILING, LABEL, MODELS, PROTOCOL, curves, frame, made_up, tidy
from reports.studies import learning_curves
from reports.studies.curve_data import CURRENCIES, curve_rows
from reports.studies.curve_leads import amount, lead, leads
from reports.studies.learning_curves import doublings, forms_of_curves, settled
from reports.tables.inputs import page_parser

AGREED = 0.75

# --- Curves and data ---------------------------------------------------------------------------


def test_a_curve_holds_the_scores_by_seed_and_mean_costs_of_its_snapshots():
    scores, costs, agreement = curves(frame())["ours"]
    assert scores.index.tolist() == costs.index.tolist() == [100, 200, 400, 800]
    assert scores.loc[200].tolist() == [6.0, 6.1, 6.2] and scores.loc[400].count() == 1
    expected = {"updates": 200, "images_read": 200 * 128, "cpu_seconds": 8.0}
    assert costs.loc[200].to_dict() == expected
    assert agreement.to_dict() == dict.fromkeys([100, 200, 400, 800], 0.9)
    assert curves(frame(), ["cvae_gan"]) == {}


def test_processor_seconds_are_averaged_over_seeds():
    rows = frame()
    chosen = rows["metric"].eq("cpu_seconds:200") & rows["model"].eq("ours")
    rows.loc[chosen, "value"] = [7.0, 8.0, 12.0]
    assert curves(rows)["ours"].costs.at[200, "cpu_seconds"] == 9.0


def test_the_data_have_every_seed_their_means_and_the_ceiling():
    data = tidy(frame(), [*MODELS, "ours_fitted"])
    assert data["statistic"].value_counts().to_dict() == {
        "seed": 4 * (3 + 3 + 1 + 1),
        "mean": 4 * 2,
        "ceiling": 1,
    }
    known = data.set_index(["statistic", "model", "step"]).sort_index()
    mean = known.loc[("mean", "ours", 200)]
    assert mean["inception_score"] == pytest.approx(6.1) and mean["seeds"] == 3
    assert mean["inception_score_ci_kind"] == "t95_seeds_logit"
    assert mean["inception_score_ci_high"] == pytest.approx(6.1 + 4.3027 * 0.1 / 3**0.5, abs=1e-2)
    assert mean["images_read"] == 25600 and mean["cpu_seconds"] == 8.0
    assert pd.isna(mean["seed"]) and pd.isna(mean["samples"])
    seed = known.loc[("seed", "ours", 400)]
    assert seed["inception_score_ci_low"] == 7.5 and seed["seed"] == 0
    assert seed["d_intra_standard"] == pytest.approx(8 / 30) and seed["fid"] == 92
    assert data.iloc[0]["model"] == "real" and data.iloc[0]["inception_score"] == CEILING


def test_a_score_that_cannot_be_had_says_why_in_the_data():
    reason = "n/a (n = 24, needs 25 generated images)"
    content = [
        dataclasses.replace(one, value=math.nan, ci_kind=reason) if "fid" in one.metric else one
        for one in made_up()
    ]
    data = tidy(pd.DataFrame(content))
    assert data["fid"].isna().all() and reason in set(data["fid_ci_kind"])


@pytest.mark.parametrize("metric", ["cpu_seconds:200", "inception_score:200"])
def test_a_snapshot_without_score_or_costs_is_named(metric):
    rows = frame()
    rows = rows[~(rows["metric"].eq(metric) & rows["model"].eq("ours") & rows["seed"].eq(2))]
    with pytest.raises(UserError, match=f"digits/ours: expected {metric} of the seeds 0, 1, 2"):
        curves(rows)


def test_rows_without_curves_are_refused():
    with pytest.raises(UserError, match="family curve, found none; make them with snakemake"):
        curve_rows(frame(scores={}))


# --- Who leads ---------------------------------------------------------------------------------


def test_the_known_leader_leads_by_updates():
    found = leads(curves(frame()), "updates", AGREED)
    assert [one.answer for one in found] == [
        "level (cVAE and ours)",
        "ours",
        "ours (too few seeds to tell)",
        "ours (too few seeds to tell)",
    ]
    assert found[1].cells == ["ours 6.10 after 200 (3)", "cVAE 4.10 after 200 (3)", "2.00"]
    assert found[2].cells[-1] == "3.80 (too few seeds to tell)"


def test_a_gap_within_the_spread_over_seeds_is_no_lead():
    first = lead(curves(frame()), "updates", 100, AGREED)
    assert first.cells == ["level: ours 2.13 after 100 (3)", "cVAE 2.10 after 100 (3)", "0.03"]
    # The same gap between trainings that hardly differ is one.
    close = {"cvae": {100: (2.1, 2.101, 2.102)}, "ours": {100: (2.13, 2.131, 2.132)}}
    assert lead(curves(frame(close), list(close)), "updates", 100, AGREED).answer == "ours"


def test_equal_scores_are_level_with_any_number_of_seeds():
    same = {"cvae": {100: (2.0,)}, "ours": {100: (2.0,)}}
    assert (
        lead(curves(frame(same), list(same)), "updates", 100, AGREED).answer
        == "level (cVAE and ours)"
    )


def test_nobody_leads_where_the_judges_disagree_on_one_of_the_first_two():
    rows = frame()
    rows.loc[rows["metric"].eq("judge_agreement:200") & rows["model"].eq("ours"), "value"] = 0.7
    early, found, *_ = leads(curves(rows), "updates", AGREED)
    assert early.answer == "level (cVAE and ours)" and found.answer == "judges disagree (ours)"
    first = "judges disagree: ours 6.10 after 200 (3)"
    assert found.cells == [first, "cVAE 4.10 after 200 (3)", "2.00"]
    rows.loc[rows["metric"].eq("judge_agreement:200"), "value"] = 0.7
    assert leads(curves(rows), "updates", AGREED)[1].answer == "judges disagree (cVAE and ours)"
    # The third says nothing of who leads.
    rows.loc[rows["model"].ne("cgan") & rows["metric"].eq("judge_agreement:200"), "value"] = 0.8
    assert leads(curves(rows), "updates", AGREED)[1].answer == "ours"


def test_a_budget_between_snapshots_buys_the_one_before():
    own = curves(frame())

    def bought(currency, budget):
        return [text.removesuffix(" (3)") for text in lead(own, currency, budget, AGREED).cells[:2]]

    assert bought("updates", 399) == ["ours 6.10 after 200", "cVAE 4.10 after 200"]
    # 12,800 images are 400 updates of the cVAE and 100 of ours.
    assert bought("images_read", 12_800) == ["cVAE 4.20 after 400 (1)", "ours 2.13 after 100"]
    assert bought("images_read", 12_799)[0] == "cVAE 4.10 after 200"


def test_a_model_without_a_snapshot_within_the_budget_takes_no_part():
    found = lead(curves(frame(), ["cgan", "ours"]), "images_read", 3200, AGREED)
    assert found.answer == "cGAN alone" and found.cells[1:] == ["–", "–"]


def test_budgets_end_where_the_first_training_does_and_begin_where_all_have_begun():
    found = {
        name: [one.budget for one in leads(curves(frame()), name, AGREED)] for name in CURRENCIES
    }
    # The cVAE ends at 25,600 images; ours begins at 12,800.
    expected = {"updates": [100, 200, 400, 800], "images_read": [12_800, 25_600]}
    assert found == expected | {"cpu_seconds": [4, 8]}


def test_who_leads_depends_on_the_currency():
    found = {
        name: [one.cells[0].split()[-5] for one in leads(curves(frame()), name, AGREED)]
        for name in CURRENCIES
    }
    assert found["updates"] == ["ours"] * 4
    assert found["images_read"] == ["cVAE", "ours"]


def test_forms_are_compared_separately_and_a_model_without_one_stands_in_both():
    models = ["cvae", "cvae_fitted", "cgan", "ours", "ours_fitted"]
    assert forms_of_curves(models) == {
        "as published": ["cvae", "cgan", "ours"],
        "fitted priors": ["cvae_fitted", "cgan", "ours_fitted"],
    }
    assert forms_of_curves(MODELS) == {"as published": MODELS}


# --- What a doubling moves ---------------------------------------------------------------------


def test_doublings_are_shares_of_the_ceiling_over_the_seeds_that_have_both():
    shares, seeds = (part["ours"] for part in doublings(curves(frame()), CEILING))
    assert shares.index.tolist() == [100, 200, 400]
    assert shares[100] == pytest.approx((6.1 - 6.4 / 3) / 10) and seeds[100] == 3
    # The first seed alone went on: its own 6.0, not the mean of three.
    assert shares[200] == pytest.approx(0.2) and seeds[200] == 1
    assert shares[400] == pytest.approx(0.01)


def test_a_score_that_falls_moves_too():
    falls = {"ours": {100: (5.0,), 200: (4.0,)}}
    assert doublings(curves(frame(falls), ["ours"]), 10)[0].at[100, "ours"] == pytest.approx(0.1)


def test_the_smallest_budget_that_no_doubling_moves():
    shares, _ = doublings(curves(frame()), CEILING)
    assert settled(shares, 0.05) == (400, [])
    # The cVAE alone hardly moves from 200 on, the cGAN never does.
    assert settled(shares[["cvae"]], 0.05) == (200, [])
    assert settled(shares[["cgan"]], 0.05) == (100, [])
    assert settled(shares, 0.001) == (None, [])
    late = {"ours": {100: (1.0,), 200: (1.1,), 400: (5.0,)}}
    shares, _ = doublings(curves(frame(late), ["ours"]), CEILING)
    assert settled(shares, 0.05) == (100, [("ours", 200)])


# --- The page ----------------------------------------------------------------------------------


def written(folder, content, models=MODELS):
    write_rows(folder / "scores.csv", content)
    card = {"dataset": "digits", "kind": "robust", "accuracy": 0.97, "weights_sha256": "a" * 64}
    card |= {"inception_score": {"test": CEILING}}
    (folder / "card.json").write_text(json.dumps(card))
    config = {"preset": "quick", "datasets": ["digits"], "models": models}
    arguments = ["--scores", folder / "scores.csv", "--cards", folder / "card.json"]
    arguments += ["--config", json.dumps(config), "--csv", folder / "out.csv"]
    arguments += ["--markdown", folder / "out.md", "--protocol", PROTOCOL]
    run_stage(learning_curves.main, page_parser(""), [str(a) for a in arguments])
    return (folder / "out.md").read_text(), pd.read_csv(folder / "out.csv")


def test_the_page_says_who_leads_at_which_budget(tmp_path):
    text, data = written(tmp_path, made_up())
    for part in (
        "| counted in | as published | fitted priors |",
        "| updates | level (cVAE and ours) at 100; ours at 200; ours (too few seeds to tell) at "
        "400 to 800 | level (cVAE, fitted and ours, fitted) at 100; ours, fitted at 200; ",
        "| images read | cVAE (too few seeds to tell) at 12,800; ours (too few seeds to tell) at "
        "25,600 | cVAE, fitted (",
        "| updates | 200 | ours 6.10 after 200 (3) | cVAE 4.10 after 200 (3) | 2.00 | ours, fitted",
        "| updates | 100 | level: ours 2.13 after 100 (3) | cVAE 2.10 after 100 (3) | 0.03 |",
        "Processor seconds are measurements of one machine",
        "budgets end where the first of the models that are compared does",
    ):
        assert part in text, part
    assert len(data) == 1 + 5 * 8 + 5 * 2 and list(data["protocol"].unique()) == [LABEL]


def test_the_page_has_every_score_by_updates(tmp_path):
    text, _ = written(tmp_path, made_up())
    assert (
        "| ours | 2.13 [1.64, 2.92] (3) | 6.10 [5.85, 6.35] (3) | 8.00 [7.50, 8.50] (1) |" in text
    )
    assert "| top-1 | ours, fitted | 15.7 % | 35.5 % | 45.0 % | 45.5 % |" in text
    assert "| d_intra | cGAN | 0.0367 | 0.0400 | 0.0433 | 0.0500 |" in text
    assert "| FID | cVAE | 97.9 | 95.9 | 95.8 | 95.6 |" in text
    assert "Ceiling, of real held-out images: 10.00." in text


def test_the_page_says_what_a_doubling_moves(tmp_path):
    text, _ = written(tmp_path, made_up())
    assert "| ours | **39.7 %** (3) | **20.0 %** (1) | 1.0 % (1) |" in text
    assert "bold above 5 %" in text
    assert "As published: the smallest budget at which it moves no model by more than 5 %" in text
    assert "is 400 updates." in text
    longer = {"ours": {100: (1.0,), 200: (3.0,), 400: (6.0,)}}
    text, _ = written(tmp_path, made_up(longer, {}), ["ours"])
    assert "As published: at every budget it moves a model by more than 5 %." in text


def test_the_page_names_seeds_judge_and_protocol(tmp_path):
    text, _ = written(tmp_path, made_up())
    for part in (
        "Mean over the seeds 0, 1, 2. In brackets: 95 % interval of the mean over many trainings",
        "evaluator aaaaaaaaaaaa, held-out accuracy 0.970",
        "10 classes, 500 images per class, n = 5000 generated images per model and seed",
        f"Protocol {LABEL}; preset quick.",
    ):
        assert part in text, part
    text, _ = written(tmp_path, made_up(), [*MODELS, "cvae_gan"])
    assert "Not scored in this run: cVAE-GAN on handwritten digits." in text


def test_without_fitted_forms_there_is_one_comparison(tmp_path):
    text, _ = written(tmp_path, made_up(fitted={}))
    assert "| counted in | as published |\n" in text and "Fitted priors" not in text
    assert "| counted in | budget | as published: leads | runner-up | gap |\n" in text


def test_a_missing_fitted_form_leaves_the_model_as_it_is(tmp_path):
    text, _ = written(tmp_path, made_up(fitted={"cvae": 3.0}))
    # cVAE with fitted priors against ours as published.
    assert "| cVAE, fitted 5.10 after 100 (3) | ours 2.13 after 100 (3) | 2.97 |" in text


def test_mixed_protocols_are_refused(tmp_path, capsys):
    content = made_up()
    content[-1] = dataclasses.replace(content[-1], protocol="v1:0123456789ab")
    with pytest.raises(SystemExit):
        written(tmp_path, content)
    assert f"expected scores of protocol {LABEL}" in capsys.readouterr().err
    content = [dataclasses.replace(one, protocol="v1:0123456789ab") for one in made_up()]
    with pytest.raises(SystemExit):
        written(tmp_path, content)
    assert f"expected scores of protocol {LABEL}" in capsys.readouterr().err


def test_another_evaluator_and_a_missing_ceiling_are_refused(tmp_path, capsys):
    judged = [
        dataclasses.replace(one, evaluator="b" * 12) if one.evaluator == "a" * 12 else one
        for one in made_up()
    ]
    with pytest.raises(SystemExit):
        written(tmp_path, judged)
    assert "expected scores of evaluator aaaaaaaaaaaa, found bbbb" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        written(tmp_path, [one for one in made_up() if one.model != "real"])
    assert "expected inception_score of the real images" in capsys.readouterr().err


def test_amounts_are_whole_where_they_are_large():
    assert [amount(v) for v in (3.14159, 99.5, 480.4, 768_000)] == [
        "3.14",
        "99.5",
        "480",
        "768,000",
    ]
