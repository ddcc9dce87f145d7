"""Every rule of claims.yaml on made-up scores that satisfy it, violate it or are missing."""

import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from claim_scores import (
    BY_ID,
    NAN,
    RULES,
    SCOPE,
    SCORES,
    SETS,
    everywhere,
    judged,
    models,
    ours,
    outcomes,
    rows_for,
    rows_of,
    seeds,
)
from dlvae.config.preset import load_preset, protocol_file
from dlvae.stage.artefact import write_json
from dlvae.stage.errors import UserError
from dlvae.stage.runtime import run_stage
from eval.metrics import intervals
from eval.metrics.intervals import Interval
from eval.metrics.ranges import Range
from eval.protocol import load_protocol
from reports.claims import __main__ as claims
from reports.claims.readings import Scope, transformed
from reports.claims.rules import Side, load_rules, needed_scores
from reports.claims.verdicts import Result, verdict
from reports.tables.captions import INTERVALS
from reports.tables.cells import Cell
from reports.tables.inputs import page_parser

ROOT = Path(__file__).parents[3]
PROTOCOL = protocol_file(load_preset("quick", ROOT / "config"), ROOT / "config")


def test_there_is_a_rule_for_each_of_the_18_claims_in_the_papers_order():
    assert list(BY_ID) == list(SCORES) and len(BY_ID) == 18


@pytest.mark.parametrize("claim", SCORES)
def test_scores_that_satisfy_a_rule_replicate_the_claim(claim):
    found = judged(claim, everywhere(claim, SCORES[claim][0], trainings=3))
    assert found.verdict == "replicated", found.outcomes
    assert set(found.outcomes) == {"holds"}


@pytest.mark.parametrize("claim", SCORES)
def test_scores_that_violate_a_rule_do_not_replicate_the_claim(claim):
    found = judged(claim, everywhere(claim, SCORES[claim][1]))
    assert found.verdict == "not replicated", found.outcomes
    assert set(found.outcomes) == {"fails"}


@pytest.mark.parametrize("claim", SCORES)
def test_without_scores_a_claim_is_not_run_and_says_which_are_missing(claim):
    found = judged(claim, rows_of({}, "digits"))
    assert found.verdict == "not run" and found.outcomes
    for dataset, results in found.results.items():
        for result in results:
            side = result.test.sides[0]
            assert side.metric in result.reason
            assert result.reason.startswith("no score ")
            assert result.left.value is None and result.probability is None, dataset


@pytest.mark.parametrize("claim", SCORES)
@pytest.mark.parametrize("missing", ["absent", "n/a"])
def test_one_score_that_is_not_to_be_had_leaves_the_other_tests(claim, missing):
    rows = everywhere(claim, SCORES[claim][0], trainings=3)
    model, metric = next(iter(SCORES[claim][0]))
    gone = rows["model"].eq(model) & rows["metric"].eq(metric)
    if missing == "absent":
        rows, words = rows[~gone], f"no score {metric} of "
    else:
        rows.loc[gone, ["value", "ci_low", "ci_high"]] = NAN
        rows.loc[gone, "ci_kind"], words = "n/a: needs n > 64", "n/a: needs n > 64"
    found = judged(claim, rows)
    every = [result for results in found.results.values() for result in results]
    without = [r for r in every if r.outcome == "not run"]
    # Of a test that does not read it, it may be a precondition.
    allowed = (words, f"no row {metric} of ")
    assert without and all(any(w in r.reason for w in allowed) for r in without)
    assert {r.outcome for r in every if r not in without} <= {"holds"}
    headline = any(r.test.headline and r not in without for r in every)
    assert found.verdict == ("partly" if headline else "not run")


HEADLINE = BY_ID["swap"].tests[0]
BESIDE = HEADLINE.model_copy(update={"headline": False})
WITHIN, DEPENDS = "holds, within the noise", "depends on the judge"


@pytest.mark.parametrize(
    ("headlines", "others", "expected"),
    [
        (["holds"], ["holds", "holds"], "replicated"),
        (["holds"], [], "replicated"),
        (["holds"], ["fails"], "partly"),
        (["holds"], [WITHIN], "partly"),
        ([WITHIN], [], "partly"),
        ([WITHIN], ["fails"], "partly"),
        (["holds"], ["not run"], "partly"),
        (["holds"], [DEPENDS], "partly"),
        # Without the headline nothing is replicated.
        (["fails"], ["holds", "holds"], "not replicated"),
        (["fails"], ["not run"], "not replicated"),
        (["not run"], ["holds"], "not run"),
        (["not run"], ["not run"], "not run"),
        ([DEPENDS], ["holds"], "depends on the judge"),
        # Over data sets.
        (["holds", "fails"], ["holds"], "partly"),
        (["holds", "not run"], ["holds"], "partly"),
        (["fails", "not run"], ["holds"], "not replicated"),
        (["fails", DEPENDS], ["holds"], "depends on the judge"),
        (["holds", DEPENDS], ["holds"], "partly"),
        ([], [], "not run"),
    ],
)
def test_a_verdict_is_made_of_outcomes(headlines, others, expected):
    tests = [(HEADLINE, outcome) for outcome in headlines] + [(BESIDE, o) for o in others]
    results = [Result(test, None, None, outcome) for test, outcome in tests]
    assert verdict(results) == expected


ONE_SEED = "one seed cannot tell how far trainings differ"


def test_with_one_seed_the_order_of_table_1_holds_within_the_noise_however_sharp_the_scores():
    found = judged("inception_order", everywhere("inception_order", SCORES["inception_order"][0]))
    results = found.results["digits"]
    assert {result.probability for result in results} == {None}
    assert {(r.outcome, r.reason) for r in results} == {(WITHIN, ONE_SEED)}
    assert found.verdict == "partly"


@pytest.mark.parametrize(
    "claim", ["inception_order", "diversity_order", "likelihood_needed", "z_u_without_label"]
)
def test_what_must_exceed_the_spread_of_trainings_needs_three_seeds(claim):
    def noisy(trainings):
        found = judged(claim, everywhere(claim, SCORES[claim][0], trainings=trainings))
        every = itertools.chain(*found.results.values())
        return [(r.outcome, r.reason) for r in every if r.test.beyond_noise]

    assert set(noisy(1)) == {("holds, within the noise", ONE_SEED)}
    assert set(noisy(2)) == {("holds, within the noise", ONE_SEED.replace("one seed", "two seeds"))}
    assert set(noisy(3)) == {("holds", "")}


def test_a_test_without_the_condition_holds_whatever_the_noise():
    rows = everywhere("cvae_blurry", SCORES["cvae_blurry"][0], half=None)
    assert judged("cvae_blurry", rows).verdict == "replicated"


def test_three_seeds_are_averaged_with_the_interval_over_them():
    values = models(
        "inception_score",
        cvae=(3.0, 3.1, 3.2),
        cgan=(6.0, 6.1, 6.4),
        cvae_gan=(6.5, 7.0, 7.1),
        ours=(6.9, 7.2, 7.3),
    )
    results = judged("inception_order", seeds("inception_order", values)).results["digits"]
    ours, other = np.array(values["ours", "inception_score"]), values["cvae_gan", "inception_score"]
    left = results[0].left
    assert left.seeds == (0, 1, 2) and left.value.mean == pytest.approx(ours.mean())
    half = stats.t.ppf(0.975, 2) * stats.sem(ours)
    low = left.value.interval.low
    assert low == pytest.approx(ours.mean() - half, abs=0.1) and low < ours.mean() - half
    assert left.value.interval.kind == "t95_seeds_logit"
    welch = stats.ttest_ind(ours, other, equal_var=False, alternative="greater")
    assert results[0].probability == pytest.approx(1 - welch.pvalue)
    # The gap does not exceed the spread of the seeds; that of the others does.
    expected = ["holds, within the noise", "holds", "holds"]
    assert [result.outcome for result in results] == expected


def test_two_seeds_have_a_mean_and_no_probability():
    values = models("sharpness_ratio", cvae=(0.2, 0.4), cgan=(1, 1), cvae_gan=(1, 1), ours=(1, 1))
    values |= models("fid", cvae=(5, 5), cgan=(4, 4), cvae_gan=(4, 4), ours=(4, 4))
    found = judged("cvae_blurry", seeds("cvae_blurry", values)).results["digits"]
    assert found[0].left.value.mean == pytest.approx(0.3)
    assert [r.outcome for r in found] == ["holds"] * 7
    assert {r.probability for r in found} == {None}
    two = {key: (value, value) for key, value in SCORES["inception_order"][0].items()}
    assert set(outcomes("inception_order", seeds("inception_order", two), "digits")) == {
        "holds, within the noise"
    }


def test_a_distance_is_taken_of_every_seed_before_the_mean():
    values = {key: (v, v, v) for key, v in SCORES["toy_diverse"][0].items()}
    values["ours", "toy_spread_y:50"] = (0.8, 1.2, 1.0)  # on average the spread of the data
    values["cvae_gan", "toy_spread_y:50"] = (0.9, 0.9, 0.9)
    found = judged("toy_diverse", seeds("toy_diverse", values, "three_moons"))
    result = found.results["three_moons"][1]
    assert result.left.value.mean == pytest.approx(0.4 / 3) and result.outcome == "fails"


def test_a_threshold_is_compared_with_every_seed():
    good = SCORES["toy_codes"][0]
    values = {key: (v, v, v) for key, v in good.items()}
    values["ours", "position_r2"] = (0.4, 0.6, 0.7)
    result = judged("toy_codes", seeds("toy_codes", values, "three_moons")).results["three_moons"]
    one_sample = stats.ttest_1samp([0.4, 0.6, 0.7], 0.5, alternative="greater")
    assert result[2].outcome == "holds"
    assert result[2].probability == pytest.approx(1 - one_sample.pvalue)


def with_other_seeds(of_cvae_gan, of_ours=(0,)):
    """Rows of diversity_order in which the two models have seeds of their own."""
    scores = SCORES["diversity_order"][0]
    every = rows_for("diversity_order", scores, "digits")
    parts = [every[~every["model"].str.startswith(("ours", "cvae_gan"))]]
    for name, numbers in (("ours", of_ours), ("cvae_gan", of_cvae_gan)):
        own = every[every["model"].isin([name, f"{name}_fitted"])]
        # The value of a seed: higher by a tenth of its number.
        parts += [own.assign(seed=seed, value=own["value"] + seed / 10) for seed in numbers]
    return pd.concat(parts, ignore_index=True)


def test_what_has_fewer_seeds_is_compared_on_those_that_both_have():
    rows = with_other_seeds([0], of_ours=(0, 1, 2))
    first = judged("diversity_order", rows).results["digits"][0]
    assert first.left.seeds == first.right.seeds == (0,)
    assert first.left.value.values == (0.6,) and first.right.value.values == (0.5,)
    assert first.outcome == "holds, within the noise" and first.probability is None


def test_every_data_set_has_a_verdict_and_all_of_them_make_that_of_the_claim():
    good, bad = SCORES["cgan_collapses"]
    parts = ((good, "synthetic_faces"), (bad, "digits"))
    rows = pd.concat([rows_for("cgan_collapses", *part) for part in parts])
    found = judged("cgan_collapses", rows)
    assert list(found.results) == ["synthetic_faces", "digits"] and found.verdict == "partly"
    parts = {d: verdict(results) for d, results in found.results.items()}
    assert parts == {"synthetic_faces": "replicated", "digits": "not replicated"}


def test_ablations_are_tested_where_the_preset_has_them_and_else_not_run():
    good = SCORES["likelihood_needed"][0]
    found = judged("likelihood_needed", everywhere("likelihood_needed", good))
    assert list(found.results) == ["synthetic_faces"]
    assert len(judged("z_u_without_label", rows_of({}, "digits")).results["digits"]) == 1
    without = Scope(list(SETS), 0.75, left_out={
        ("digits", "ours_no_likelihood", "inception"): "preset 'x' has no such model"
    })  # fmt: skip
    found = judged("likelihood_needed", rows_of({}, "digits"), without)
    assert list(found.results) == ["synthetic_faces", "digits"] and found.verdict == "not run"
    assert (
        "on handwritten digits: preset 'x' has no such model" in found.results["digits"][0].reason
    )


def test_pose_and_expression_cannot_be_tested_on_real_faces():
    rows = rows_of(SCORES["single_coordinates"][0], "faces")
    found = judged("single_coordinates", rows, Scope(["faces"], 0.75))
    assert found.verdict == "not run" and not found.results
    assert not any(family == "coordinates" for *_, family in needed_scores(RULES, ["faces"]))


def test_the_evaluators_features_do_not_stand_in_for_factors_of_real_faces():
    scores = ours(walk_ratio__b=0.95, walk_consistency__b=NAN, walk_consistency_features__b=0.9)
    rows = rows_for("z_u_path", scores, "faces")
    rows.loc[rows["value"].isna(), "ci_kind"] = "n/a: needs a factor regressor"
    found = judged("z_u_path", rows, Scope(["faces"], 0.75))
    assert found.outcomes == ["holds", "not run"] and found.verdict == "partly"
    assert "n/a: needs a factor regressor" in found.results["faces"][1].reason
    features = found.beside["faces"][1]
    assert features.side.metric == "walk_consistency_features:b" and features.value.mean == 0.9


def test_a_preset_without_the_data_does_not_run_a_claim():
    found = judged("toy_codes", rows_of({}, "digits"), Scope(["digits"], 0.75))
    assert found.results == {} and found.verdict == "not run"


@pytest.mark.parametrize(
    ("side", "value", "ends", "expected", "expected_ends"),
    [
        (Side(metric="m", model="ours"), 0.9, (0.8, 0.95), 0.9, (0.8, 0.95)),
        (Side(metric="m", model="ours", times=2, plus=-0.5), 0.9, (0.8, 0.95), 1.3, (1.1, 1.4)),
        (Side(metric="m", model="ours", away_from=1), 1.2, (1.1, 1.5), 0.2, (0.1, 0.5)),
        (Side(metric="m", model="ours", away_from=1), 0.8, (0.7, 1.1), 0.2, (0, 0.3)),
        (
            Side(metric="m", model="ours", away_from=1, times=3, plus=1),
            0.8,
            (0.7, 0.9),
            1.6,
            (1.3, 1.9),
        ),
    ],
)
def test_a_side_transforms_its_number_and_its_interval(side, value, ends, expected, expected_ends):
    found = transformed(side, Cell((value,), Interval(*ends, "wilson95")), Range())
    assert found.mean == pytest.approx(expected) and found.interval.kind == "wilson95"
    assert (found.interval.low, found.interval.high) == pytest.approx(expected_ends)
    assert transformed(side, Cell((value,), None), Range()).interval is None


def test_what_follows_z_u_is_read_off_factors_or_on_real_faces_off_brightness():
    scores = ours(swap_identity__unseen_after=0.85, swap_factors__unseen_after=0.9)
    scores |= ours(swap_brightness__unseen_after=0.7)

    def on(dataset, scope=SCOPE):
        return outcomes("swap", rows_for("swap", scores, dataset), dataset, scope)

    assert on("synthetic_faces") == ["holds"] * 2
    scope = Scope(["faces"], 0.75)
    assert on("faces", scope) == ["holds", "fails"]
    scores |= ours(swap_brightness__unseen_after=0.8, swap_factors__unseen_after=NAN)
    assert on("faces", scope) == ["holds", "holds"]
    del scores["ours", "swap_brightness:unseen_after"]
    assert on("faces", scope) == ["holds", "not run"]


def test_blurred_images_do_not_pass_for_sharp_because_those_of_cvae_are_worse():
    sharpness = models("sharpness_ratio", cvae=0.02, cgan=0.1, cvae_gan=0.2, ours=0.4)
    rows = rows_for("cvae_blurry", SCORES["cvae_blurry"][0] | sharpness, "digits")
    assert outcomes("cvae_blurry", rows, "digits")[:4] == ["holds", "fails", "fails", "fails"]


@pytest.mark.parametrize("code", ["z_s", "z_u"])
@pytest.mark.parametrize(
    ("without", "expected"),
    [(0.74, "fails"), (0.76, "holds"), (0.8, "holds"), (0.84, "holds"), (0.86, "fails")],
)
def test_probes_without_the_gan_may_differ_by_5_points_to_either_side(code, without, expected):
    probes = models(f"probe_excess:{code}", ours_no_gan=without, ours=0.8)
    scores = SCORES["without_gan"][0] | probes
    rows = rows_for("without_gan", scores, "synthetic_faces", half=0.03)
    place = 2 + (code == "z_u")
    result = judged("without_gan", rows).results["synthetic_faces"][place]
    assert result.outcome == expected and result.probability is None


def test_the_probability_of_a_margin_is_that_of_a_gap_between_its_ends():
    values = {key: (v, v, v) for key, v in SCORES["without_gan"][0].items()}
    values["ours_no_gan", "probe_excess:z_s"] = (0.8, 0.83, 0.96)
    values["ours", "probe_excess:z_s"] = (0.81, 0.86, 0.9)
    rows = seeds("without_gan", values, "synthetic_faces")
    result = judged("without_gan", rows).results["synthetic_faces"][2]
    one, other = (np.array(values[m, "probe_excess:z_s"]) for m in ("ours_no_gan", "ours"))
    limits = [
        stats.ttest_ind(one, other + by, equal_var=False, alternative="greater").pvalue
        for by in (0.05, -0.05)
    ]
    assert result.probability == pytest.approx(limits[0] - limits[1])
    assert result.outcome == "holds"  # 0.863 and 0.857 on average


def test_an_equality_counts_where_the_rule_says_so():
    distances = models("toy_wasserstein:50", ours=0.75, cvae_gan=0.5)
    rows = rows_for("toy_converges", distances, "three_moons")
    assert outcomes("toy_converges", rows, "three_moons") == ["holds"]  # <=
    scores = SCORES["z_u_path"][0] | ours(walk_consistency__b=0.5)
    rows = rows_for("z_u_path", scores, "synthetic_faces")
    assert outcomes("z_u_path", rows, "synthetic_faces") == ["holds", "fails"]  # >


# --- The files ---------------------------------------------------------------------------------


CARD = {"accuracy": 0.9712, "weights_sha256": "fa" * 32, "inception_score": {"test": 9.5}}


def run(tmp_path, rows, **config):
    files = []
    for name, part in rows.groupby("model"):
        files.append(str(tmp_path / f"{name}.csv"))
        part.to_csv(files[-1], index=False)
    write_json(tmp_path / "report.json", CARD | {"dataset": "digits"})
    given = {"datasets": list(SETS), "ablated": "synthetic_faces", "left_out": []} | config
    arguments = ["--scores", *files, "--cards", str(tmp_path / "report.json")]
    arguments += ["--protocol", str(PROTOCOL), "--csv", str(tmp_path / "claims.csv")]
    args = page_parser(None).parse_args([*arguments, "--markdown", str(tmp_path / "claims.md")])
    args.config = given
    claims.main(args)
    return (tmp_path / "claims.md").read_text(encoding="utf-8"), pd.read_csv(
        tmp_path / "claims.csv"
    )


@pytest.fixture
def scored():
    """Scores of Table 1 on digits with an evaluator, and of the toy, by the shipped protocol."""
    table = rows_for("inception_order", SCORES["inception_order"][0], "digits")
    table["evaluator"] = np.where(table["metric"].str.contains(":plain"), "b1" * 6, "fa" * 6)
    toy = rows_for(
        "toy_diverse", SCORES["toy_diverse"][0], "three_moons", half=0.01, kind="wilson95"
    )
    rows = pd.concat([table, toy[toy["metric"].str.startswith("toy_")]], ignore_index=True)
    rows["protocol"] = load_protocol(PROTOCOL).label
    return rows


def test_the_page_gives_every_number_its_interval_and_what_is_left_open(tmp_path, scored):
    left_out = [
        {"dataset": "digits", "model": "cvae", "family": "codes", "reason": "nobody measured it"}
    ]
    text, _ = run(tmp_path, scored, left_out=left_out)
    assert text.count("\n## ") == 18
    summary = text[: text.index("\n## ")]
    assert "| 2 | On the toy data ours is diverse" in summary
    assert "| Figure 2 | replicated | replicated | 4 hold |" in summary
    assert "| Table 1 | partly | partly | 3 within the noise, 3 not run |" in summary
    assert "| Figure 7 | not run | same | 9 not run |" in summary
    for part in (
        f"Protocol {load_protocol(PROTOCOL).label}; preset quick.",
        "Handwritten digits: 10 classes; evaluator fafafafafafa, held-out accuracy 0.971",
        "Synthetic faces: no scores.",
        "tell what would change with: `jackknife95_images`, other images of the same model "
        "(jackknife); `wilson95`, other images of the same model (Wilson).",
        "| `inception_score` of ours: 7.04 [7.039, 7.041] | >= | "
        "`inception_score` of cVAE-GAN: 6.99 [6.989, 6.991] | `jackknife95_images` | "
        f"– | 2000 | holds, within the noise: {ONE_SEED} |",
        "| the same by the plain judges | `inception_score:plain` of ours: 7.04 [",
        "`inception_score` of ours, fitted: 7.04 [7.039, 7.041]",
        "top-1 of each at least 5 times chance",
        "the same class in at least 75 % of the images of each model",
        "Excused from the preconditions agree, trained: ours_no_likelihood (that samples of its",
        "distance of `toy_spread_radial:50` of ours from 1: 0.1 (measured 1.1 [1.09, 1.11])",
        "`toy_precision:50` of cVAE-GAN − 0.05: 0.9 (measured 0.95 [0.94, 0.96])",
        "Verdict as published: **partly**; with fitted priors: **partly**.",
        "Handwritten digits, as published: **partly**.",
        "Handwritten digits, with fitted priors: **partly**.",
        "Synthetic faces: **not run**.",
        "no score active_units:z_u of cVAE on handwritten digits: nobody measured it",
        "Beside, not tested: `inception_score` of real data: 9.5 [",
        "Left open: The paper gives neither coordinates of its masks",
    ):
        assert part in text, part


def test_every_bracket_has_its_kind_explained(tmp_path, scored):
    walk = ours(walk_ratio__a=0.95) | models("walk_top1_plain", ours=0.9)
    more = rows_of(walk, "synthetic_faces", kind="t95_paths", n=24 * 16 * 8)
    more = more.assign(protocol=scored["protocol"].iloc[0])
    text, _ = run(tmp_path, pd.concat([scored, more], ignore_index=True))
    for part in (
        "`t95_paths`, other paths of the same model",
        "| `walk_ratio:a` of ours: 0.95 [0.949, 0.951] | >= | 0.9 | `t95_paths` | – | 3072 |",
        "`inception_score` of real data: 9.5 [9.499, 9.501] (`jackknife95_images`).",
        "`walk_top1_plain` of ours: 0.9 [0.899, 0.901] (`t95_paths`)",
    ):
        assert part in text, part


def test_kinds_of_interval_over_seeds_are_explained_and_none_without_intervals(tmp_path, scored):
    table = scored[(scored["dataset"] == "digits") & (scored["model"] != "real")]
    real = scored[(scored["dataset"] == "digits") & (scored["model"] == "real")].copy()
    real[["ci_low", "ci_high"]], real["ci_kind"] = NAN, "none"
    text, _ = run(tmp_path, pd.concat([real, *(table.assign(seed=seed) for seed in range(3))]))
    assert "change with: `t95_seeds_logit`, other trainings (t on a logit scale, for s" in text
    assert "6.99 [6.99, 6.99] | `t95_seeds_logit` | 1.000" in text
    text, _ = run(tmp_path, pd.concat([real, *(table.assign(seed=seed) for seed in range(2))]))
    assert "Their kinds" not in text and "of cVAE-GAN: 6.99 | – | – | 2000" in text


def test_every_kind_of_interval_of_a_score_has_a_meaning():
    kinds = {value for value in vars(intervals).values() if isinstance(value, str)}
    kinds = {value for value in kinds if re.fullmatch(r"[a-z0-9]+95(_[a-z]+)?", value)}
    assert len(kinds) >= 7 and kinds <= set(INTERVALS)


def test_the_data_hold_what_the_page_says(tmp_path, scored):
    _, data = run(tmp_path, scored)
    assert set(data["claim"]) == set(BY_ID)
    row = data[data["test"].eq("the spread of ours along y is nearer to that of the data")].iloc[0]
    assert row["left_value"] == pytest.approx(0.05) and row["left_measured"] == 0.95
    assert (row["left_ci_low"], row["left_ci_high"]) == pytest.approx((0.04, 0.06))
    assert row["left_ci_kind"] == "wilson95" and row["right_model"] == "cvae_gan"
    assert row["outcome"] == "holds" and row["claim_verdict"] == "replicated"
    assert row["form"] == "published"
    counts = data.groupby("form")["claim"].nunique()
    # Two of them about ablations alone, which are not fitted.
    assert counts.to_dict() == {"published": 13, "fitted": 11, "same": 5}
    constant = data[data["claim"].eq("swap")].iloc[0]
    assert constant["right_value"] == 0.8 and np.isnan(constant["right_ci_low"])
    assert constant["outcome"] == "not run" and constant["dataset"] == "synthetic_faces"
    beside = data[data["outcome"] == "beside"]
    assert set(beside["claim"]) >= {"toy_converges", "diversity_order", "swap"}
    assert set(data["preset"]) == {"quick"}
    table = data[data["claim"].eq("inception_order") & data["dataset"].eq("digits")]
    assert set(table["evaluator"]) == {"fa" * 6 + "+" + "b1" * 6}  # the robust judges first
    assert set(table["data"]) == {"digits"}
    kinds = table["judges"].fillna("").value_counts()
    assert kinds["robust"] == kinds["plain"] == 6  # 3 tests in 2 forms
    plain = table[table["judges"].eq("plain")]
    assert set(plain["left_metric"]) == {"inception_score:plain"}


def test_a_margin_is_printed_and_in_the_data(tmp_path, scored):
    rows = rows_of(SCORES["without_gan"][0], "synthetic_faces", protocol=scored["protocol"][0])
    text, data = run(tmp_path, rows)
    assert "0.86 [0.859, 0.861] | within 0.05 of | `probe_excess:z_s` of ours: 0.9" in text
    probes = data[data["op"].eq("within") & data["claim"].eq("without_gan")]
    assert len(probes) == 2 and set(probes["margin"]) == {0.05}


def test_a_claim_without_data_says_which_it_is_about(tmp_path, scored):
    text, data = run(tmp_path, scored, datasets=["digits"], ablated="")
    assert "It is about three moons, which this preset has not." in text
    assert "It is about synthetic faces or faces, which this preset has not." in text
    assert data[data["claim"].eq("swap")]["outcome"].tolist() == ["not run"]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("evaluator", "scores of inception_score on digits differ in evaluator"),
        ("data", "scores on digits differ in data"),
        ("protocol", f"expected scores of protocol {load_protocol(PROTOCOL).id}:"),
    ],
)
def test_rows_that_cannot_be_compared_are_refused(tmp_path, scored, column, words):
    scored.loc[scored["model"].eq("cvae"), column] = "other"
    with pytest.raises(UserError, match=words):
        run(tmp_path, scored)


def test_scores_of_another_evaluator_than_the_quoted_one_are_refused(tmp_path, scored):
    scored["evaluator"] = scored["evaluator"].replace("fa" * 6, "0" * 12)
    with pytest.raises(UserError, match="digits: expected scores of evaluator fafafafafafa"):
        run(tmp_path, scored)


def test_a_second_judge_stands_beside_the_quoted_evaluator(tmp_path, scored):
    scores = ours(**{"walk_consistency__b": 0.7})
    walks = rows_of(scores, "digits", evaluator="fa" * 6 + "+" + "b0" * 6, data="digits+more")
    walks["protocol"] = scored["protocol"].iloc[0]
    _, data = run(tmp_path, pd.concat([scored, walks], ignore_index=True))
    table = data[data["claim"].eq("inception_order") & data["dataset"].eq("digits")]
    assert set(table["evaluator"].iloc[0].split("+")) == {"fa" * 6, "b0" * 6, "b1" * 6}
    assert set(table["data"]) == {"digits+more"}
    walks["evaluator"] = "b0" * 6 + "+" + "fa" * 6
    with pytest.raises(UserError, match="digits: expected scores of evaluator fafafafafafa"):
        run(tmp_path, pd.concat([scored, walks], ignore_index=True))


def test_scores_of_another_protocol_are_refused(tmp_path, scored):
    with pytest.raises(UserError, match="score again with this protocol"):
        run(tmp_path, scored, protocol_overrides={"bn_eval": "batch"})


def test_a_score_that_is_there_twice_is_refused(tmp_path, scored):
    twice = pd.concat([scored, scored[scored["model"] == "cvae"]])
    with pytest.raises(UserError, match="found two of digits, cvae, .*, 0"):
        run(tmp_path, twice)


def test_an_incomplete_command_names_the_keys(tmp_path, capsys):
    arguments = ["--scores", "x.csv", "--protocol", str(PROTOCOL), "--config", '{"datasets": []}']
    arguments += ["--csv", str(tmp_path / "a"), "--markdown", str(tmp_path / "b")]
    with pytest.raises(SystemExit) as stopped:
        run_stage(claims.main, page_parser(None), arguments)
    assert stopped.value.code == 2
    assert "expected the keys ablated, left_out" in capsys.readouterr().err


# --- The rules ---------------------------------------------------------------------------------


SHORT = """\
data_sets: {toy: [three_moons]}
ablations: []
preconditions: {times_chance: 5, still_learning: 0.05, toy_distance: 0.5}
claims:
  - id: one
    where: Figure 2
    statement: A statement.
    data: [toy]
    tests:
      - name: a test
        headline: true
        left: {metric: "toy_recall:50", model: ours}
        op: ">"
        right: {metric: "toy_recall:50", model: cvae_gan, plus: 0.1}
    open: Nothing.
"""


EXCUSED = "open: n\n    excused: [{{models: [ours], of: [{}], reason: so}}]"


def written(tmp_path, old="", new=""):
    assert old in SHORT
    path = tmp_path / "claims.yaml"
    path.write_text(SHORT.replace(old, new, 1) if old else SHORT, encoding="utf-8")
    return path


def test_a_file_of_rules_is_read(tmp_path):
    (claim,) = load_rules(written(tmp_path)).claims
    (test,) = claim.tests
    assert test.left == Side(metric="toy_recall:50", model="ours") and not test.beyond_noise
    assert test.headline and not claim.excused and claim.recognised is None
    assert test.right == Side(metric="toy_recall:50", model="cvae_gan", plus=0.1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("op:", "opp:", "unknown key 'claims.one.tests.a test.opp'.*Did you mean 'op'"),
        ('">"', '"=>"', "op: expected one of <, <=, >, >=, within, found '=>'"),
        ('">"', "within", "expected a margin with the operator 'within', and only there"),
        (
            'op: ">"',
            "op: within\n        margin: 0",
            "margin: expected a number above 0, or null, found 0",
        ),
        ("toy_recall:50", "toy_recal:50", "found 'toy_recal:50'. Did you mean 'toy_recall:50'"),
        ("cvae_gan", "cvae_gna", "found 'cvae_gna'. Did you mean 'cvae_gan'"),
        ("cvae_gan", "ours_no_gan", "model: expected one of real, ours"),
        ('op: ">"', 'data: toy\n        op: ">"', "data: expected a list, each text, found 'toy'"),
        ("[toy]", "[toys]", "data: .*found 'toys'. Did you mean 'toy'"),
        ("plus", "plsu", "unknown key .*right.plsu'.*Did you mean 'plus'"),
        ("plus: 0.1", "plus: much", "plus: expected a number, found 'much'"),
        ("plus: 0.1", "times: -1", "times: expected a number above 0, found -1"),
        ("    open: Nothing.\n", "", "missing key 'claims.one.open'"),
        ("headline: true", "headline: false", "expected one test with headline: true, found none"),
        ("headline: true", "headline: 1", "headline: expected true or false, found 1"),
        ("plus: 0.1", "plus: .nan", "plus: expected a number, found nan"),
        ('op: ">"', 'data: [toy]\n        op: ">"', "expected a headline test without data"),
        ("open: Nothing.", EXCUSED.format("train"), "excused.0.of.0: .*Did you mean 'trained'"),
        ("open: Nothing.", EXCUSED.format("agree, reason: 3"), "excused"),
        (
            "open: Nothing.",
            "open: n\n    recognised: 3",
            "recognised: expected a section, or null, found 3",
        ),
        ("times_chance: 5", "times_chance: 0", "times_chance: expected a number above 0, found 0"),
        (
            "times_chance: 5",
            "times_chance: many",
            "times_chance: expected a number above 0, found 'many'",
        ),
        ("ablations: []", "", "missing key 'ablations'"),
        (
            "[three_moons]",
            "three_moons",
            "data_sets.toy: expected a list, each text, found 'three_moons'",
        ),
        ("claims:\n", "claims: 3\nclaim:\n", "unknown key 'claim'.*Did you mean 'claims'"),
        ("id: one", "id: !!python/name:os.system", "expected readable rules"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_nearest_name(tmp_path, old, new, words):
    with pytest.raises(UserError, match=words):
        load_rules(written(tmp_path, old, new))


def test_a_test_of_two_numbers_and_a_second_claim_of_one_id_are_refused(tmp_path):
    path = written(tmp_path)
    text = path.read_text(encoding="utf-8").partition("  - id: one")
    path.write_text("".join([*text, *text[1:]]), encoding="utf-8")
    with pytest.raises(UserError, match="found 'one' twice"):
        load_rules(path)
    left, right = ('{metric: "toy_recall:50", model: ours}', "model: cvae_gan, plus: 0.1}")
    text = SHORT.replace(left, "1").replace('{metric: "toy_recall:50", ' + right, "2")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="left: expected a section, found 1"):
        load_rules(path)
    with pytest.raises(UserError, match="expected readable rules at"):
        load_rules(tmp_path / "none.yaml")


def test_the_ablations_of_the_rules_are_those_of_the_default_preset():
    methods = load_preset("quick", ROOT / "config")["ablations"]["methods"]
    expected = {
        "ours_no_adversary": {"lambda_adv": 0},
        "ours_no_likelihood": {"lambda_lkd": 0},
        "ours_no_gan": {"lambda_gan": 0},
    }
    assert set(RULES.ablations) == set(expected)
    assert {name: methods[name.removeprefix("ours_")] for name in expected} == expected


CLAIMED = {"inception", "progress", "diversity", "fidelity", "priors", "codes", "walks"}
CLAIMED |= {"coordinates", "swaps", "inpainting", "toy"}


def test_the_scores_needed_are_those_that_rules_name():
    needed = needed_scores(RULES, list(SETS), "synthetic_faces")
    assert len(needed) == len(set(needed)) and {family for *_, family in needed} == CLAIMED
    on = {d: {(m, f) for where, m, f in needed if where == d} for d in SETS}
    toy = {(f"{model}{form}", "toy") for model in ("ours", "cvae_gan") for form in ("", "_fitted")}
    assert on["three_moons"] == {*toy, ("ours", "codes")}
    assert ("cvae", "codes") in on["digits"] and ("real", "diversity") in on["digits"]
    assert not any(model in RULES.ablations for model, _ in on["digits"])
    faces = {("ours_no_adversary", "codes"), ("ours_no_likelihood", "inception")}
    assert faces | {("cvae_gan", "inpainting"), ("ours", "swaps")} <= on["synthetic_faces"]
    only = {family for _, family in on["digits"]}
    assert only == {"inception", "progress", "diversity", "fidelity", "codes", "priors"}
    # Preconditions: of every model its sets and its course, of ablations too, and the ceiling.
    trained = {model for model, family in on["synthetic_faces"] if family == "progress"}
    models = ("cvae", "cgan", "cvae_gan", "ours")
    of_forms = {*models, *(f"{name}_fitted" for name in models if name != "cgan")}
    assert trained == {*of_forms, *RULES.ablations}
    assert {(model, "inception") for model in (*trained, "real")} <= on["synthetic_faces"]
    fitted = {family for model, family in on["synthetic_faces"] if model == "ours_fitted"}
    of_samples = {"inception", "progress", "diversity", "fidelity", "walks", "coordinates"}
    assert fitted == {*of_samples, "priors"}
    assert not any(name.startswith("cgan_") for _, name, _ in needed)
