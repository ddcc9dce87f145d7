"""What the rules ask of a configuration: names, slices, files, and what it cannot give and why."""

import json

import pytest

from asked import asked, job
from dlvae.stage.errors import UserError
from eval.families import FAMILIES, families_of
from reports.tables.specs import TABLES
from workflow.plan import Plan, digest, resolved
from workflow.plan.data_sets import DataSetPlan, stamp
from workflow.plan.figure_panels import FIGURES, PanelPlan
from workflow.plan.scoring import ScorePlan
from workflow.plan.targets import TargetPlan
from workflow.plan.trainings import TrainingPlan

FACES, DIGITS = "synthetic_faces", "digits"


def score(family, model="ours", dataset=FACES, seed="0", stored=""):
    return job(family=family, model=model, dataset=dataset, seed=seed, stored=stored)


def refused(words, function, *arguments):
    with pytest.raises(UserError, match=words):
        function(*arguments)


# --- The configuration -------------------------------------------------------------------------


def test_a_file_of_another_preset_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text("preset: mine\n")
    words = "mine.yaml is the preset 'mine', but --config asks for 'quick'"
    refused(words, resolved, {"preset": "quick"}, [tmp_path / "mine.yaml"])


def test_a_slice_is_of_one_job_and_ours_stands_for_its_ablations():
    plan = Plan(asked())
    cut = plan.slice(job(dataset=DIGITS, model="ours_no_gan", seed="3", other="x"), model="ours")
    assert json.loads(cut) == {"preset": "smoke", "dataset": DIGITS, "model": "ours", "seed": 3}
    assert plan.registered("ours_no_gan") == plan.registered("ours_fitted") == "ours"
    assert plan.registered("cgan") == "cgan" and plan.section("three_moons")["train"]


def test_the_candidate_is_no_part_of_the_results():
    given = asked(candidate="cvae", dataset=DIGITS, fail_below={"recall": 0.1})
    assert Plan(given).run_config == Plan(asked()).run_config


# --- Data sets and judges ----------------------------------------------------------------------


def root(preset, dataset, **given):
    return DataSetPlan(asked(preset, **given)).folder(dataset)


def test_a_folder_of_the_name_wins_over_data_root(real_data):
    assert root("cifar10", "cifar10", data_root=str(real_data)) == f"{real_data}/cifar10"
    assert root("faces", "faces", data_root=f"{real_data}/faces") == f"{real_data}/faces"
    assert root("smoke", DIGITS) is None  # comes with a package
    assert root("cifar10", "cifar10") is None  # is downloaded
    own = {"faces": {"data": {"root": str(real_data / "others")}}}
    assert root("faces", "faces", datasets=own) == f"{real_data}/others"


def test_cifar10_is_downloaded_where_a_shared_root_has_none(real_data, tmp_path):
    (tmp_path / "faces").symlink_to(real_data / "faces")
    assert root("paper", "faces", data_root=str(tmp_path)) == f"{tmp_path}/faces"
    assert root("paper", "cifar10", data_root=str(tmp_path)) is None
    # A folder that is not there is a slip, not a wish to download.
    slip = "data_root: expected a folder at nowhere, found nothing: --config data_root=PATH"
    refused(slip, lambda: root("paper", "cifar10", data_root="nowhere"))


def test_folders_that_are_missing_are_named():
    refused("'faces' needs a folder of images: .*data_root=PATH", lambda: root("faces", "faces"))
    refused("data_root: .* nowhere", lambda: root("faces", "faces", data_root="nowhere"))
    sets = DataSetPlan(asked("faces", data_root=".", unlabelled_root="nowhere"))
    refused("unlabelled_root: expected a folder at nowhere", sets.unlabelled_folder, "faces")
    assert sets.unlabelled_folder(FACES) is None


def test_a_stamp_changes_with_the_files_of_a_folder(tmp_path):
    assert stamp(None) == ""
    (tmp_path / "a").mkdir()
    stamps = [stamp(str(tmp_path))]
    for path in (tmp_path / "a" / "1.png", tmp_path / "list.txt"):
        path.write_text("x")
        stamps.append(stamp(str(tmp_path)))
    (tmp_path / "list.txt").write_text("xy")
    stamps.append(stamp(str(tmp_path)))
    assert len(set(stamps)) == 4


def test_members_learn_from_the_images_of_their_kind_by_their_recipe():
    sets = DataSetPlan(
        asked(datasets={FACES: {"evaluator": {"members": 4, "plain": {"epochs": 3}}}})
    )
    for dataset, kind, epochs, more in (
        (FACES, "", 1, True),
        (FACES, "_plain", 3, False),
        (DIGITS, "", 1, False),
    ):
        one = job(dataset=dataset, kind=kind, member="2")
        own = json.loads(sets.member(one))
        assert own["epochs"] == epochs and own["member"] == 2
        assert own["kind"] == ("plain" if kind else "robust")
        assert not {"members", "robust", "plain", "images_per_identity"} & set(own)
        images = f"results/smoke/data/{dataset}{'_judges' if more else ''}"
        assert sets.judge_images(one) == images
        assert sets.images_argument(one) == (f"--images {images}" if more else "")
        assert len(sets.members(one)) == (4 if dataset == FACES else 3)
    assert sets.members(one, "card.json")[2].endswith("evaluator/digits/member2/card.json")
    assert json.loads(sets.for_judges(job(dataset=FACES)))["images_per_identity"] == 16


def test_images_that_are_not_rendered_are_not_more():
    given = asked(datasets={DIGITS: {"evaluator": {"robust": {"images_per_identity": 9}}}})
    words = "datasets.digits.evaluator.robust.images_per_identity: only .* synthetic_faces"
    refused(words, DataSetPlan(given).more_images, DIGITS, "")


# --- Trainings ---------------------------------------------------------------------------------


def training(model, dataset=FACES, seed="0"):
    return job(model=model, dataset=dataset, seed=seed)


def test_ablations_are_ours_and_differ_in_their_own_key_alone():
    trainings = TrainingPlan(asked())
    models = ("ours", "ours_no_adversary", "ours_no_gan")
    parts = [json.loads(trainings.supervised(training(model))) for model in models]
    assert [part["model"] for part in parts] == ["ours"] * 3
    methods = [part.pop("method") for part in parts]
    keys = ("lambda_adv", "lambda_gan")
    assert [[m.pop(k) for k in keys] for m in methods] == [[1, 1], [0, 1], [1, 0]]
    assert not any("fast" in part for part in parts)  # as in every stored training
    assert methods[0] == methods[1] == methods[2] and parts[0] == parts[1] == parts[2]
    sampled = [json.loads(trainings.sample(training(model))) for model in models]
    assert sampled[0] == sampled[1] == sampled[2] and sampled[0]["model"] == "ours"


def test_plain_code_is_asked_for_where_models_are_trained():
    plain = TrainingPlan(asked(fast=False))
    assert json.loads(plain.supervised(training("cvae")))["fast"] is False
    assert plain.run_config["fast"] is False and "fast" not in TrainingPlan(asked()).run_config


def test_steps_are_those_of_the_run_and_snapshots_follow():
    def train(stage, seed="0", **given):
        plan = TrainingPlan(asked(**given))
        return json.loads(getattr(plan, stage)(training("ours", seed=seed)))["train"]

    assert train("supervised")["snapshots"] == [1, 2]
    assert train("supervised", steps=100)["snapshots"] == [6, 12, 25, 50]
    assert train("supervised", steps=100, curves=None)["snapshots"] == [50]
    # The fine-tuning is never longer than its own setting.
    own = train("semi")["steps"]
    assert train("semi", steps=1)["steps"] == 1 and train("semi", steps=1000)["steps"] == own
    curves = {"factor": 2, "first_seed_factor": 8}
    for seed, steps, copies in (("1", 32, [8, 16, 32]), ("0", 8, [8])):
        longer = train("longer", seed, seeds=[1, 0], curves=curves)
        assert longer["steps"] == steps and longer["snapshots"] == copies
    toy = json.loads(TrainingPlan(asked()).supervised(training("ours", "three_moons")))["train"]
    assert "epochs" in toy and not {"steps", "snapshots"} & set(toy)


# --- Scores ------------------------------------------------------------------------------------

MODELS, JUDGES = "results/smoke/models", "results/smoke/evaluator"
READ = {
    ("swaps", FACES): {
        "model": f"{MODELS}/{FACES}/ours/seed0",
        "evaluator": f"{JUDGES}/{FACES}",
        "factors": f"{JUDGES}/{FACES}_factors",
        "unlabelled": f"results/smoke/data/{FACES}_unlabelled",
        "semi": f"{MODELS}/{FACES}/ours_semi/seed0",
    },
    ("swaps", DIGITS): {
        "model": f"{MODELS}/digits/ours/seed0",
        "evaluator": f"{JUDGES}/digits",
    },
    ("walks", FACES): {
        "model": f"{MODELS}/{FACES}/ours/seed0",
        "evaluator": f"{JUDGES}/{FACES}",
        "factors": f"{JUDGES}/{FACES}_factors",
    },
    ("codes", DIGITS): {"model": f"{MODELS}/digits/ours/seed0"},
    ("effects", DIGITS): {"model": f"{MODELS}/digits/ours/seed0"},
    ("toy", "three_moons"): {"model": f"{MODELS}/three_moons/ours/seed0"},
    ("curve", DIGITS): {
        "model": f"{MODELS}/digits/ours/seed0",
        "evaluator": f"{JUDGES}/digits",
        "real_train": "results/smoke/features/digits/real_train/seed0.npz",
        "longer": "results/smoke/curves/digits/ours/seed0",
    },
    ("inception", DIGITS): {
        "features": "results/smoke/features/digits/ours/seed0.npz",
        "features_plain": "results/smoke/features_plain/digits/ours/seed0.npz",
    },
    ("diversity", DIGITS): {"images": "results/smoke/samples/digits/ours/seed0.npz"},
}


@pytest.mark.parametrize(("family", "dataset"), READ)
def test_a_score_reads_what_the_preset_has_for_its_family(family, dataset):
    assert ScorePlan(asked()).sources(score(family, dataset=dataset)) == READ[family, dataset]


def test_real_images_are_scored_by_the_split_that_stands_for_them():
    scores = ScorePlan(asked())
    assert scores.sources(score("diversity", "real"))["images"].endswith(f"{FACES}/train.npz")
    read = scores.sources(score("fidelity", "real", stored="_stored"))
    assert read.pop("images").endswith(f"{FACES}/test.npz")
    folder = f"results/smoke/features_stored/{FACES}"
    assert read["features"] == read["real_test"] == f"{folder}/real_test/seed0.npz"
    assert read["real_train"] == f"{folder}/real_train/seed0.npz"


def test_a_curve_that_goes_no_further_reads_no_longer_training():
    curves = {"factor": 1, "first_seed_factor": 1}
    assert "longer" not in ScorePlan(asked(curves=curves)).sources(score("curve"))


@pytest.mark.parametrize(
    ("family", "model", "dataset", "words"),
    [
        ("walks", "cvae", DIGITS, "walks varies z_s or z_u, which 'cvae' has not: ask for ours"),
        ("codes", "cgan", DIGITS, "codes cannot be had of 'cgan'"),
        ("toy", "ours", DIGITS, "toy is of three_moons alone, found 'digits'"),
        ("progress", "real", DIGITS, "progress cannot be had of 'real'"),
        ("imagenet", "ours", DIGITS, "imagenet_weights: expected a file, found none; download"),
    ],
)
def test_what_no_score_can_be_had_of_is_refused(family, model, dataset, words):
    refused(words, ScorePlan(asked()).sources, score(family, model, dataset))


def test_a_score_declares_the_files_that_it_opens():
    scores = ScorePlan(asked())
    found = {family: scores.inputs(score(family)) for family in ("progress", "swaps", "walks")}
    weights = f"{MODELS}/{FACES}/ours/seed0/weights.safetensors"
    assert all(files["model"][0] == weights for files in found.values())
    # Of snapshots alone what they had cost is read too.
    assert [len(found[family]["model"]) for family in found] == [4, 2, 2]
    assert found["swaps"]["splits"] == [f"results/smoke/data/{FACES}/test.npz"]
    assert found["walks"]["splits"] == [] and len(found["swaps"]["unlabelled"]) == 3


def test_the_code_of_a_model_is_part_of_the_scores_that_run_it():
    scores = ScorePlan(asked())
    codes = {(f, m): scores.score_code(score(f, m)) for f in FAMILIES for m in ("cvae", "ours")}
    for family, row in FAMILIES.items():
        assert (codes[family, "cvae"] != codes[family, "ours"]) == row.runs_model
    assert codes["codes", "ours"] == scores.score_code(score("codes", "ours_no_gan"))


def test_masks_of_the_figure_are_those_of_the_score():
    scores = ScorePlan(asked())
    assert json.loads(scores.score_slice(score("inpainting")))["landmarks"][0] == [25, 28]
    assert "landmarks" not in json.loads(scores.score_slice(score("inpainting", dataset=DIGITS)))
    assert json.loads(ScorePlan(asked(bn_eval="batch")).score_slice(score("codes")))[
        "protocol_overrides"
    ] == {"bn_eval": "batch"}


# --- Pages -------------------------------------------------------------------------------------


def scored(page, **given):
    """What a page reads: (data set, model, family, seed)."""
    preset = given.pop("preset", "smoke")
    found = set()
    for file in TargetPlan(asked(preset, **given)).page_scores(page):
        *_, dataset, model, name = file.split("/")
        seed, family, _ = name.split(".")
        found.add((dataset, model, family, int(seed.removeprefix("seed"))))
    return found


def test_a_table_reads_the_families_that_measure_its_columns():
    assert {name: families_of(spec.metrics) for name, spec in TABLES.items()} == {
        "table1": ["inception", "fidelity", "priors", "progress"],
        "table2": ["diversity", "priors"],
        "metrics": ["fidelity"],
        "imagenet": ["imagenet"],
        "disentanglement": ["codes", "priors", "effects", "swaps"],
    }


def test_the_table_of_disentanglement_reads_what_each_model_has():
    encoding = ("cvae", "cvae_gan", "ours")
    each = {(model, "codes") for model in encoding} | {("ours", "effects"), ("ours", "swaps")}
    each |= {(f"{model}{form}", "priors") for model in encoding for form in ("", "_fitted")}
    expected = {(dataset, *one, 0) for dataset in (FACES, DIGITS) for one in each}
    assert scored("disentanglement") == expected


def test_table2_scale_scores_models_as_published():
    found = scored("table2_scale", models=["cvae_gan", "ours"], seeds=[0, 1])
    models = [("real", 0)] + [(m, seed) for m in ("cvae_gan", "ours") for seed in (0, 1)]
    assert found == {(d, m, "scale", seed) for d in (FACES, DIGITS) for m, seed in models}


def test_learning_curves_have_a_ceiling():
    found = scored("learning_curves", seeds=[1, 0])
    forms = {"cvae", "cvae_fitted", "cgan", "cvae_gan", "cvae_gan_fitted", "ours", "ours_fitted"}
    curves = {(d, m, "curve", s) for d in (FACES, DIGITS) for m in forms for s in (0, 1)}
    assert found == curves | {(d, "real", "inception", 0) for d in (FACES, DIGITS)}


def test_what_stands_beside_the_ablations_need_not_encode():
    found = scored("ablations", ablations={"beside": ["cgan"]}, seeds=[5, 6])
    assert {family for _, model, family, _ in found if model == "cgan"} == {
        "inception", "diversity", "fidelity",
    }  # fmt: skip
    assert (FACES, "ours_no_gan", "codes", 5) in found and all(seed == 5 for *_, seed in found)
    own = json.loads(TargetPlan(asked(steps=7)).page_slice("ablations"))
    assert own["steps"] == 7 and own["dataset"] == FACES
    assert own["ablations"][0] == {"model": "ours_no_adversary", "method": {"lambda_adv": 0}}


def test_claims_score_what_the_preset_has_and_name_the_rest():
    found = scored("claims")
    published = {one for one in found if "_fitted" not in one[1] and "ours_no" not in one[1]}
    for dataset in (FACES, DIGITS):
        models = ("real", "cvae", "cgan", "cvae_gan", "ours")
        for family, wanted in {
            "inception": models,
            "fidelity": models,
            "diversity": ("real", "cgan", "cvae_gan", "ours"),
        }.items():
            own = {m for d, m, f, _ in published if (d, f) == (dataset, family)}
            # Of ablations the preconditions are asked alone, of which top-1 is one.
            assert own == set(wanted), (dataset, family)
    assert (FACES, "ours_no_gan", "inception", 0) in found
    for family, models in {"swaps": {"ours"}, "inpainting": {"cvae_gan", "ours"}}.items():
        assert {(d, m) for d, m, f, _ in found if f == family} == {(FACES, m) for m in models}
    given = json.loads(TargetPlan(asked()).page_slice("claims"))
    assert given["datasets"] == [FACES, DIGITS, "three_moons"] and given["ablated"] == FACES
    # The preset has no ablation without the likelihood term: named, not trained.
    left_out = {(e["model"], e["family"]): e["reason"] for e in given["left_out"]}
    assert "ours_no_likelihood" in left_out["ours_no_likelihood", "inception"]
    assert not any(model == "ours_no_likelihood" for _, model, *_ in found)


def test_claims_of_real_faces_ask_for_no_factors():
    found = scored(
        "claims", preset="faces", data_root=".", seeds=[0, 1], models=["ours", "cvae_gan"]
    )
    assert {(m, s) for _, m, f, s in found if f == "inpainting"} == {
        (model, seed) for model in ("ours", "cvae_gan") for seed in (0, 1)
    }
    assert not any(family in ("swaps", "coordinates") for _, _, family, _ in found)
    assert not any(model in ("cvae", "cgan") or "ours_no" in model for _, model, *_ in found)
    reasons = [e["reason"] for e in _left_out("faces", data_root=".", fitted=[])]
    assert "preset 'faces' does not fit the priors of 'ours'" in reasons


def _left_out(preset, **given):
    return json.loads(TargetPlan(asked(preset, **given)).page_slice("claims"))["left_out"]


# --- Targets -----------------------------------------------------------------------------------


def test_every_preset_gives_what_its_data_can(real_data):
    paper = {"data_root": str(real_data), "unlabelled_root": str(real_data / "others")}
    given = {
        "smoke": FIGURES,
        "quick": FIGURES,
        "cifar10": ["figure2", "figure3", "figure4", "figure5"],
        "cifar10_cpu": ["figure3", "figure4", "figure5"],
        "faces": [figure for figure in FIGURES if figure != "figure6"],
        "faces_cpu": ["figure3", "figure4", "figure5", "figure7"],
        "paper": FIGURES,
    }
    for preset, figures in given.items():
        more = paper if preset == "paper" else {}
        plan = TargetPlan(asked(preset, **more))
        assert plan.reproducible() == ["table1", "table2", *figures], preset
        left_out = json.loads(plan.report_slice())["left_out"]
        assert [entry["target"] for entry in left_out] == [f for f in FIGURES if f not in figures]
    assert "results/paper/figures/figure6.pdf" in plan.report_inputs()
    assert "results/paper/figures/training_curves.png" in plan.report_inputs()
    assert "results/paper/panels/explorer/faces/panel.npz" in plan.report_inputs()
    assert len(plan.report_inputs()) == 2 * 4 + 7 * 2 + 2


def test_the_report_shows_studies_where_they_were_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = TargetPlan(asked())
    assert plan.made_studies() == {}
    for name, text in (("claims.csv", "1"), ("figures/learning_curves.png", "2")):
        path = tmp_path / "results" / "smoke" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    first = plan.made_studies()
    assert set(first) == {"claims", "learning_curves"}
    path.write_text("3")
    assert plan.made_studies() == first | {"learning_curves": digest(b"3")} != first
    given = json.loads(TargetPlan(asked("cifar10")).report_slice())
    assert given["explorer"] == "cifar10" and given["studies"]["claims"] == ""
    assert "has no curves" in given["studies"]["learning_curves"]


TRAINED = ("cvae", "cgan", "cvae_gan", "ours")


def test_the_trainings_behind_tables_and_figures_are_drawn():
    found = TargetPlan(asked(seeds=[1, 0])).training_curves()
    images = [f"{d}/{m}/seed{s}" for d in (FACES, DIGITS) for m in TRAINED for s in (1, 0)]
    toys = ["three_moons/cvae_gan/seed1", "three_moons/ours/seed1"]
    assert found == [*images, *toys, f"{FACES}/ours_semi/seed1"]
    without = TargetPlan(asked(three_moons=None, models=["cvae"])).training_curves()
    assert without == [*(f"{d}/cvae/seed0" for d in (FACES, DIGITS)), f"{FACES}/ours_semi/seed0"]


@pytest.mark.parametrize(
    ("preset", "given", "target", "words"),
    [
        ("cifar10", {}, "figure7", "figure7.*'cifar10'.*have it: quick, faces"),
        (
            "cifar10",
            {},
            "ablations",
            "ablations cannot be made: preset 'cifar10' has no ablations; .* have it: "
            "cifar10_cpu, quick, smoke",
        ),
        (
            "cifar10",
            {},
            "learning_curves",
            "learning_curves cannot be made: preset 'cifar10' has no curves: set it with --config "
            "curves='{factor: 2}'; presets that have it: cifar10_cpu, quick, faces_cpu, smoke",
        ),
        ("faces", {}, "figure6", "figure6 needs.*unlabelled_root=PATH.*have it: quick"),
        ("smoke", {"three_moons": None}, "figure2", "figure2 shows 'three_moons', which preset"),
    ],
)
def test_a_target_that_cannot_be_made_says_why_and_who_has_it(preset, given, target, words):
    refused(words, TargetPlan(asked(preset, **given)).target, target)


# --- Panels ------------------------------------------------------------------------------------


def panel(figure, dataset=FACES):
    return job(figure=figure, dataset=dataset)


def test_a_figure_is_given_the_forms_that_the_preset_has():
    shown = {"figure2": ["cvae_gan", "ours"], "figure4": ["ours"], "figure5": ["ours"]}
    fitted, published = PanelPlan(asked()), PanelPlan(asked(fitted=[]))
    for figure, models in shown.items():
        dataset = "three_moons" if figure == "figure2" else FACES
        forms = [name for model in models for name in (model, f"{model}_fitted")]
        assert [*fitted.sources(panel(figure, dataset))["models"]] == forms
        assert [*published.sources(panel(figure, dataset))["models"]] == models
    samples = fitted.sources(panel("figure3"))["samples"]
    assert [*samples] == fitted.scored_models
    assert samples["ours_fitted"] == f"results/smoke/samples/{FACES}/ours_fitted/seed0.npz"


def test_panels_read_the_files_of_their_sources():
    panels = PanelPlan(asked())
    assert [*panels.sources(panel("figure7"))] == ["data", "cvae_gan", "ours"]
    semi = panels.inputs(panel("figure6"))["model"]
    assert semi[0] == f"{MODELS}/{FACES}/ours_semi/seed0/weights.safetensors"
    assert panels.sources(panel("figure5", DIGITS))["factors"] is None
    assert panels.inputs(panel("figure5", DIGITS))["factors"] == []
    assert len(panels.inputs(panel("figure5"))["factors"]) == 2
    # Of snapshots the toy figure alone is made: other ones decode no other panel anew.
    for figure in FIGURES:
        dataset = "three_moons" if figure == "figure2" else FACES
        files = [file for found in panels.inputs(panel(figure, dataset)).values() for file in found]
        assert any("snapshots" in file for file in files) == (figure == "figure2")


def test_figures_show_the_data_sets_that_the_preset_names():
    panels = PanelPlan(asked())
    assert panels.shown("figure2") == ["three_moons"] and panels.shown("figure3") == [FACES, DIGITS]
    assert (
        panels.panels("figure3", "panel.json")[1]
        == "results/smoke/panels/figure3/digits/panel.json"
    )
    assert json.loads(panels.panel_slice(panel("figure4")))["seed"] == 0


# --- Ablations with fitted priors ----------------------------------------------------------------


def test_an_ablation_that_fitted_names_stands_in_both_forms_beside_ours_in_both():
    models = ["cvae", "ours", "ours_no_gan"]
    targets = TargetPlan(asked(fitted=models))
    rows = ["ours", "ours_fitted", "ours_no_adversary", "ours_no_gan", "ours_no_gan_fitted"]
    assert targets.ablation_rows == rows
    asked_for = targets.page_scores("ablations")
    path = f"results/smoke/scores/{FACES}/ours_no_gan_fitted/seed0"
    # Codes are those of both forms.
    assert [f"{path}.{family}.csv" in asked_for for family in ("fidelity", "codes")] == [
        True,
        False,
    ]
    assert json.loads(targets.page_slice("ablations"))["fitted"] == ["ours", "ours_no_gan"]
    assert targets.registered("ours_no_gan_fitted") == "ours"
    assert "ours_no_gan_fitted" not in targets.scored_models  # on no other page
    without = TargetPlan(asked())
    assert without.ablation_rows == ["ours", "ours_no_adversary", "ours_no_gan"]
    assert "fitted" not in json.loads(without.page_slice("ablations"))


def test_fitted_knows_models_and_ablations_alone():
    words = "fitted: unknown model 'ours_no_gang'.*Did you mean 'ours_no_gan'"
    refused(words, lambda: asked(fitted=["ours_no_gang"]))


# --- Presets of real data for processors -------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "dataset"), [("cifar10_cpu", "cifar10"), ("faces_cpu", "faces")]
)
def test_curves_of_real_data_end_where_the_trainings_do(preset, dataset):
    plan = TargetPlan(asked(preset, data_root="."))
    train = json.loads(plan.supervised(job(dataset=dataset, model="ours", seed="0")))["train"]
    assert train["steps"] == 10000 and train["snapshots"] == [625, 1250, 2500, 5000]
    curve, progress = (plan.sources(score(name, dataset=dataset)) for name in ("curve", "progress"))
    assert "longer" not in curve and curve["model"] == progress["model"]
    # Whether a model is still learning is read off the last doubling, 5000 to 10000.
    claimed = plan.page_scores("claims")
    assert f"results/{preset}/scores/{dataset}/ours/seed0.progress.csv" in claimed
    assert plan.target("learning_curves")


def test_both_variants_of_ours_stand_in_both_forms_on_cifar10():
    plan = TargetPlan(asked("cifar10_cpu"))
    both = ["ours", "ours_fitted", "ours_paper", "ours_paper_fitted"]
    assert plan.ablation_rows == [*both, "cvae_gan", "cvae_gan_fitted"]
    slices = [
        json.loads(plan.supervised(job(dataset="cifar10", model=model, seed="0")))
        for model in ("ours", "ours_paper")
    ]
    ours, paper = slices
    assert [each["method"].pop("variant") for each in slices] == ["code", "paper"]
    assert ours == paper


def test_judges_of_real_data_begin_on_smaller_images():
    for preset, dataset in (("cifar10_cpu", "cifar10"), ("faces_cpu", "faces")):
        sets = DataSetPlan(asked(preset))
        for kind in ("", "_plain"):
            own = json.loads(sets.member(job(dataset=dataset, kind=kind, member="0")))
            assert 0 < own["small"]["epochs"] < own["epochs"]
            assert ("untouched" in own) == (kind == "")
    # As in every stored slice, keys that are not said are not there.
    own = json.loads(DataSetPlan(asked()).member(job(dataset=DIGITS, kind="", member="0")))
    assert not {"small", "untouched"} & own.keys()
