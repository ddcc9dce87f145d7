"""Made-up scores of every claim: that satisfy its tests, that violate them, and what they need."""

import itertools

import pandas as pd

from eval.families import FAMILY_OF
from eval.rows import COLUMNS
from reports.claims.readings import Scope
from reports.claims.rules import has_fitted_form, load_rules, models_of
from reports.claims.verdicts import judge
from reports.names import as_published

NAN = float("nan")
RULES = load_rules()
BY_ID = {claim.id: claim for claim in RULES.claims}
FACTORS = ("expression", "elevation", "azimuth")
MASKS = ("right_half", "bottom_half", "eyes")


def models(metric, **values):
    return {(model, metric): value for model, value in values.items()}


def ours(**values):
    return {("ours", metric.replace("__", ":")): value for metric, value in values.items()}


def each(names, metric, **values):
    return {key: v for name in names for key, v in models(f"{metric}:{name}", **values).items()}


# Per claim: scores under which every test holds, and scores under which none does.
SCORES = {
    "toy_converges": (
        models("toy_wasserstein:50", ours=0.12, cvae_gan=0.1),
        models("toy_wasserstein:50", ours=0.16, cvae_gan=0.1),
    ),
    "toy_diverse": (
        models("toy_spread_radial:50", ours=1.1, cvae_gan=0.5)
        | models("toy_spread_y:50", ours=0.95, cvae_gan=0.9)
        | models("toy_recall:50", ours=0.9, cvae_gan=0.6)
        | models("toy_precision:50", ours=0.92, cvae_gan=0.95),
        models("toy_spread_radial:50", ours=1.6, cvae_gan=0.5)
        | models("toy_spread_y:50", ours=0.8, cvae_gan=0.9)
        | models("toy_recall:50", ours=0.5, cvae_gan=0.6)
        | models("toy_precision:50", ours=0.89, cvae_gan=0.95),
    ),
    "toy_codes": (
        ours(probe_linear__z_s=0.947, probe_linear__z_u=0.37, probe_chance=1 / 3, position_r2=0.6)
        | ours(bayes_accuracy=0.956),
        ours(probe_linear__z_s=0.944, probe_linear__z_u=0.39, probe_chance=1 / 3, position_r2=0.4)
        | ours(bayes_accuracy=0.956),
    ),
    "cvae_blurry": (
        models("sharpness_ratio", cvae=0.3, cgan=1.9, cvae_gan=0.5, ours=0.7)
        | models("fid", cvae=5.0, cgan=4.0, cvae_gan=3.0, ours=2.0),
        models("sharpness_ratio", cvae=0.6, cgan=2.1, cvae_gan=0.49, ours=0.3)
        | models("fid", cvae=5.0, cgan=43.0, cvae_gan=6.0, ours=5.0),
    ),
    "cgan_collapses": (
        models("d_intra_standard", cgan=0.1, cvae_gan=0.2, ours=0.3, real=0.35)
        | models("duplicate_share", cgan=0.5, cvae_gan=0.1, ours=0.0, real=0.0)
        | models("recall", cgan=0.1, cvae_gan=0.4, ours=0.5, real=0.8),
        models("d_intra_standard", cgan=0.4, cvae_gan=0.2, ours=0.3, real=0.35)
        | models("duplicate_share", cgan=0.0, cvae_gan=0.1, ours=0.0, real=0.0)
        | models("recall", cgan=0.9, cvae_gan=0.4, ours=0.5, real=0.8),
    ),
    "inception_order": (
        models("inception_score", cvae=3.01, cgan=6.27, cvae_gan=6.99, ours=7.04),
        models("inception_score", cvae=7.04, cgan=6.99, cvae_gan=6.27, ours=3.01),
    ),
    "diversity_order": (
        models("d_intra_standard", ours=0.6, cvae_gan=0.5)
        | models("d_intra_range_mismatched", ours=0.0157, cvae_gan=0.0141),
        models("d_intra_standard", ours=0.5, cvae_gan=0.6)
        | models("d_intra_range_mismatched", ours=0.0141, cvae_gan=0.0157),
    ),
    "z_u_without_label": (
        models("probe_excess:z_u", ours=0.1, ours_no_adversary=0.5) | ours(probe_excess__z_s=0.8),
        models("probe_excess:z_u", ours=0.3, ours_no_adversary=0.2) | ours(probe_excess__z_s=0.8),
    ),
    "z_s_mixture": (
        ours(mixture_accuracy=0.95, mahalanobis_ratio=1.9, centre_separation=3.0),
        ours(mixture_accuracy=0.85, mahalanobis_ratio=2.1, centre_separation=0.9),
    ),
    "likelihood_needed": (
        models("inception_score", ours=7.0, ours_no_likelihood=3.0)
        | models("prior_distance", ours=1.0, ours_no_likelihood=9.0),
        models("inception_score", ours=3.0, ours_no_likelihood=7.0)
        | models("prior_distance", ours=9.0, ours_no_likelihood=1.0),
    ),
    "z_s_path": (
        ours(walk_ratio__a=0.95, walk_smoothness__a=0.6),
        ours(walk_ratio__a=0.85, walk_smoothness__a=0.4),
    ),
    "z_u_path": (
        ours(walk_ratio__b=0.95, walk_consistency__b=0.7),
        ours(walk_ratio__b=0.85, walk_consistency__b=0.5),
    ),
    "single_coordinates": (
        each(FACTORS, "coordinate_spearman", ours=0.7)
        | each(FACTORS, "coordinate_top1", ours=0.75)
        | ours(coordinate_top1_plain=0.8),
        each(FACTORS, "coordinate_spearman", ours=-0.7)
        | each(FACTORS, "coordinate_top1", ours=0.7)
        | ours(coordinate_top1_plain=0.8),
    ),
    "swap": (
        ours(swap_identity__unseen_after=0.85, swap_factors__unseen_after=0.8),
        ours(swap_identity__unseen_after=0.75, swap_factors__unseen_after=0.79),
    ),
    "semi_supervised": (
        ours(reconstruction_mse__unseen_after=0.1, reconstruction_mse__unseen_before=0.2)
        | ours(swap_identity__unseen_after=0.8, swap_identity__unseen_before=0.6)
        | ours(swap_factors__unseen_after=0.76, swap_factors__unseen_before=0.8),
        ours(reconstruction_mse__unseen_after=0.2, reconstruction_mse__unseen_before=0.2)
        | ours(swap_identity__unseen_after=0.6, swap_identity__unseen_before=0.8)
        | ours(swap_factors__unseen_after=0.74, swap_factors__unseen_before=0.8),
    ),
    "inpainting": (
        each(MASKS, "inpaint_feature_distance", ours=1.0, cvae_gan=2.0)
        | each(MASKS, "inpaint_psnr", ours=21.0, cvae_gan=20.0)
        | each(MASKS, "inpaint_identity", ours=0.8, cvae_gan=0.7),
        each(MASKS, "inpaint_feature_distance", ours=2.0, cvae_gan=1.0)
        | each(MASKS, "inpaint_psnr", ours=19.0, cvae_gan=20.0)
        | each(MASKS, "inpaint_identity", ours=0.7, cvae_gan=0.7),
    ),
    "no_collapse": (
        models("active_units:z_u", ours=0.6, cvae=0.3)
        | ours(information_bound=2.1, information_ceiling=2.3),
        models("active_units:z_u", ours=0.3, cvae=0.3)
        | ours(information_bound=2.0, information_ceiling=2.3),
    ),
    "without_gan": (
        models("reconstruction_mse", ours_no_gan=0.1, ours=0.02)
        | models("image_variance", ours_no_gan=0.2)
        | models("probe_excess:z_s", ours_no_gan=0.86, ours=0.9)
        | models("probe_excess:z_u", ours_no_gan=0.14, ours=0.1)
        | models("label_fidelity", ours_no_gan=0.9, cvae=0.9),
        models("reconstruction_mse", ours_no_gan=0.11, ours=0.2)
        | models("image_variance", ours_no_gan=0.2)
        | models("probe_excess:z_s", ours_no_gan=0.96, ours=0.9)
        | models("probe_excess:z_u", ours_no_gan=0.16, ours=0.1)
        | models("label_fidelity", ours_no_gan=0.8, cvae=0.9),
    ),
}
SETS = {"three_moons": 3, "synthetic_faces": 20, "digits": 10}
SCOPE = Scope(list(SETS), 0.75, ablated="synthetic_faces")


def rows_of(scores, dataset, seed=0, half=0.001, kind="jackknife95_images", **more):
    """One row per score, its interval `half` to each side; None for no interval."""
    records = []
    for (model, metric), value in scores.items():
        record = dict.fromkeys(COLUMNS, "") | {"preset": "quick", "dataset": dataset}
        record |= {"model": model, "seed": seed, "metric": metric, "value": value, "n": 2000}
        ends = (NAN, NAN) if half is None else (value - half, value + half)
        record |= {"ci_low": ends[0], "ci_high": ends[1], "classes": SETS.get(dataset, 12)}
        record |= {"ci_kind": "none" if half is None else kind, "precision": "fp32"}
        record |= {"protocol": "v1:0123456789ab", "evaluator": "none", "samples": model}
        records.append(record | {"data": dataset, "code": "c0de"} | more)
    return pd.DataFrame(records, columns=list(COLUMNS))


def about(claim):
    return list(RULES.tests_of(BY_ID[claim], SCOPE.datasets, SCOPE.ablated))


def ready(claim, scores):
    """Scores with those that the preconditions of a claim ask for, and of models fitted alike.

    Every model is trained, no longer learns, and is judged alike by every judge.
    """
    names = {
        as_published(m) for _, form in RULES.forms(BY_ID[claim]) for m in models_of(form.tests)
    }
    found = {("real", "inception_score"): 9.5, **scores}
    for name in names:
        found = {(name, "inception_score"): 7.0, (name, "label_fidelity"): 0.9} | found
        found = {(name, "judge_agreement"): 0.95, (name, "toy_wasserstein:0"): 2.0} | found
        found = {(name, "toy_wasserstein:50"): 0.1} | found
        found = {(name, "toy_wasserstein:40"): found[name, "toy_wasserstein:50"]} | found
        found = {(name, "inception_score:half"): found[name, "inception_score"]} | found
        found = {
            (name, f"{metric}:plain"): found[name, metric]
            for metric in ("inception_score", "label_fidelity")
        } | found
    if side := BY_ID[claim].recognised:
        found = {(side.model, side.metric): 0.9} | found
    return {
        (f"{model}_fitted", metric): value
        for (model, metric), value in found.items()
        if has_fitted_form(model) and FAMILY_OF[metric].fitted
    } | found


def rows_for(claim, scores, dataset, **more):
    """Rows of scores that meet the preconditions of a claim, those of real images with one seed."""
    every = ready(claim, scores)
    if more.get("seed"):
        every = {key: value for key, value in every.items() if key[0] != "real"}
    return rows_of(every, dataset, **more)


def everywhere(claim, scores, trainings=1, **more):
    every = itertools.product(about(claim), range(trainings))
    return pd.concat(
        [rows_for(claim, scores, dataset, seed=seed, **more) for dataset, seed in every]
    )


def seeds(claim, values, dataset="digits"):
    """Rows of several seeds: of every score its value by seed."""
    trainings = range(len(next(iter(values.values()))))
    return pd.concat(
        [
            rows_for(claim, {key: v[seed] for key, v in values.items()}, dataset, seed=seed)
            for seed in trainings
        ]
    )


def with_tests(claim, *tests):
    """Rules with one claim alone, and of it these tests."""
    own = BY_ID[claim].model_copy(update={"tests": list(tests)})
    return RULES.model_copy(update={"claims": [own]})


def forms(claim, rows, scope=SCOPE):
    """Judgements of a claim by form."""
    (found,) = judge(with_tests(claim, *BY_ID[claim].tests), rows, scope)
    return {judgement.form: judgement for judgement in found}


def judged(claim, rows, scope=SCOPE):
    """The judgement of a claim as published."""
    return next(iter(forms(claim, rows, scope).values()))


def outcomes(claim, rows, dataset, scope=SCOPE):
    return [result.outcome for result in judged(claim, rows, scope).results[dataset]]
