# The files behind every family of scores, and the scores behind the claims. Functions only.

# Endings of what another judge than the run's own robust evaluator judges: the plain one, and those
# behind the stored results.
PLAIN, STORED = "_plain", "_stored"
# Ending of a prepared set with more images to train judges on.
JUDGES = "_judges"
# Sources of features that are no model: the splits of the real images.
REAL = {"real_train": "train", "real_test": "test"}
# Families that vary one of ours' two codes, and all that run a model.
CODE_FAMILIES = ("walks", "coordinates", "effects")
SNAPSHOT_FAMILIES = ("toy", "progress", "curve")
MODEL_FAMILIES = ("swaps", "inpainting", "codes", "priors", *SNAPSHOT_FAMILIES, *CODE_FAMILIES)
FAMILIES = ("inception", "diversity", "fidelity", "imagenet", "scale", *MODEL_FAMILIES)
# Models without what a family reads; one of the user's is asked, and its rows say what it lacks.
UNABLE = {"codes": ("real", "cgan"), "priors": ("real", "cgan")}
UNABLE |= {"progress": ("real",), "curve": ("real",)}
# Families that are taken of models as published alone: other priors over the same codes change
# nothing of most of them; scale compares settings and effects coordinates, not models.
WITHOUT_PRIORS = ("codes", "swaps", "inpainting", "effects", "scale")
# Splits of the data set that a family opens itself, beside those among its sources.
SPLITS_READ = {
    "effects": ("test",),
    "fidelity": ("test",),
    "imagenet": ("train",),
    "swaps": ("test",),
    "inpainting": ("train", "test"),
    "codes": ("train", "test"),
    "priors": ("test",),
    "toy": ("test",),
}
# Inputs that are folders, and what is read in them.
JUDGE_FILES = ["weights.safetensors", "card.json"]
FOLDERS = {
    "model": MODEL_FILES,
    "semi": MODEL_FILES,
    "evaluator": JUDGE_FILES,
    "factors": JUDGE_FILES,
    "unlabelled": ["train.npz", "heldout.npz", "card.json"],
}
SNAPSHOTS = "snapshots.safetensors"


def able(model, family):
    """Whether a model has what a family reads; swaps and varied codes need both codes of ours."""
    if model != as_published(model) and family in WITHOUT_PRIORS:
        return False
    if family in ("swaps", *CODE_FAMILIES):
        return registered(model) == "ours"
    return model not in UNABLE.get(family, ())


def sample_set(dataset, model, seed):
    return f"{results()}/samples/{dataset}/{model}/seed{seed}.npz"


def score_file(dataset, model, family, seed=0, judge=""):
    return f"{results()}/scores{judge}/{dataset}/{model}/seed{seed}.{family}.csv"


def features_file(dataset, source, seed=0, judge=""):
    return f"{results()}/features{judge}/{dataset}/{source}/seed{seed}.npz"


def member_files(wildcards):
    """The members of an ensemble, in order."""
    judge = f"{results()}/evaluator/{wildcards.dataset}{wildcards.kind}"
    count = config["datasets"][wildcards.dataset]["evaluator"]["members"]
    folders = [f"{judge}/member{i}" for i in range(count)]
    return {
        name: [f"{folder}/{file}" for folder in folders]
        for name, file in {
            "cards": "card.json",
            "weights": "weights.safetensors",
            "manifests": "manifest.json",
        }.items()
    }


def feature_images(wildcards):
    """The images behind a feature set."""
    dataset, source, seed = wildcards.dataset, wildcards.source, wildcards.seed
    if source in REAL:
        return {"images": f"{results()}/data/{dataset}/{REAL[source]}.npz"}
    return {"images": sample_set(dataset, source, seed)}


def feature_images_argument(wildcards, input):
    if wildcards.source in REAL:
        return f"--real {REAL[wildcards.source]}"
    return f"--samples {input.images}"


def score_sources(wildcards, judge=""):
    """Files and folders behind a family of scores, by the names that eval.scores knows."""
    dataset, model, seed = wildcards.dataset, wildcards.model, wildcards.seed
    if wildcards.family in MODEL_FAMILIES:
        return model_sources(wildcards)
    real = model == "real"
    source = "real_test" if real else model
    features = {"features": features_file(dataset, source, seed, judge)}
    if wildcards.family == "inception":
        return features | {"features_plain": features_file(dataset, source, seed, judge + PLAIN)}
    test = f"{results()}/data/{dataset}/test.npz"
    images = {"images": test if real else sample_set(dataset, model, seed)}
    if wildcards.family == "imagenet":
        return images | {"weights": imagenet_weights()}
    if wildcards.family == "fidelity":
        return features | images | {name: features_file(dataset, name, 0, judge) for name in REAL}
    # The paper's row of real images is of those that models are trained on.
    train = f"{results()}/data/{dataset}/train.npz"
    return {"images": train if real else sample_set(dataset, model, seed)}


def model_sources(wildcards):
    """The folders behind a family that runs a model, those it reads alone."""
    dataset, seed = wildcards.dataset, wildcards.seed
    if wildcards.family in CODE_FAMILIES and registered(wildcards.model) != "ours":
        raise WorkflowError(
            f"{wildcards.family} varies z_s or z_u, which '{wildcards.model}' has not: ask for ours"
        )
    if wildcards.family == "toy" and dataset != "three_moons":
        raise WorkflowError(f"toy is of three_moons alone, found '{dataset}'")
    if wildcards.model in UNABLE.get(wildcards.family, ()):
        raise WorkflowError(
            f"{wildcards.family} cannot be had of '{wildcards.model}': ask for a model that encodes"
        )
    models, judges = f"{results()}/models/{dataset}", f"{results()}/evaluator/{dataset}"
    sources = {"model": f"{models}/{wildcards.model}/seed{seed}"}
    if wildcards.family in ("codes", "priors", "toy"):
        return sources
    if wildcards.family != "effects":
        sources["evaluator"] = judges
    if wildcards.family == "curve":
        sources["real_train"] = features_file(dataset, "real_train")
        if curve_factor(seed) > 1:
            sources["longer"] = f"{results()}/curves/{dataset}/{wildcards.model}/seed{seed}"
    factors = wildcards.family in ("swaps", *CODE_FAMILIES)
    if factors and config["datasets"][dataset].get("factors"):
        sources["factors"] = f"{judges}_factors"
    if wildcards.family == "swaps" and not without_unlabelled(dataset):
        sources["unlabelled"] = f"{results()}/data/{dataset}_unlabelled"
        sources["semi"] = f"{models}/{wildcards.model}_semi/seed{seed}"
    return sources


def score_inputs(wildcards, judge=""):
    """The files of `score_sources`, and the splits of the data set that are read beside them."""
    folders = FOLDERS
    if wildcards.family in SNAPSHOT_FAMILIES:
        trained = [*MODEL_FILES, SNAPSHOTS, "manifest.json"]
        folders = FOLDERS | {"model": trained, "longer": trained}
    files = {
        name: [f"{source}/{file}" for file in folders[name]] if name in folders else source
        for name, source in score_sources(wildcards, judge).items()
    }
    data = f"{results()}/data/{wildcards.dataset}"
    read = SPLITS_READ.get(wildcards.family, ())
    return files | {"splits": [f"{data}/{split}.npz" for split in read]}


def score_inputs_argument(wildcards, judge=""):
    return json.dumps(score_sources(wildcards, judge), separators=(",", ":"))


def judged_by(judge, function):
    """A function of the wildcards, above, for what another judge judges."""
    return partial(function, judge=judge)


def score_code(wildcards):
    models = (
        [module_name(registered(wildcards.model))] if wildcards.family in MODEL_FAMILIES else []
    )
    return code_of("eval.scores.__main__", f"eval.scores.{wildcards.family}", *models)


# --- Claims ------------------------------------------------------------------------------------


def claim_datasets():
    return [*config["datasets"], *(["three_moons"] if config["three_moons"] else [])]


def ablated_dataset():
    return config["ablations"]["dataset"] if config["ablations"] else ""


def needed_by_claims():
    """The scores that claims are judged by: (data set, model, family)."""
    return needed_scores(load_rules(), claim_datasets(), ablated_dataset())


def why_not_scored(dataset, model, family):
    """Why a score is not to be had in this preset; an empty string if it is."""
    if family not in FAMILIES:
        return f"there are no scores of the family '{family}' yet"
    if model in ablation_models(config):
        elsewhere = dataset != ablated_dataset()
        return f"the preset's ablations are on '{ablated_dataset()}'" if elsewhere else ""
    if as_published(model) not in ["real", *config["models"]]:
        return f"preset '{config['preset']}' has no model '{as_published(model)}'"
    if model not in ["real", *scored_models()]:
        return f"preset '{config['preset']}' does not fit the priors of '{as_published(model)}'"
    return without_unlabelled(dataset) if family == "swaps" else ""


def claim_scores(wildcards):
    return [
        score_file(dataset, model, family, seed)
        for dataset, model, family in needed_by_claims()
        if not why_not_scored(dataset, model, family)
        for seed in claim_seeds(model)
    ]


def claim_seeds(model):
    """The seeds of a model that claims read: of ablations the first one, as their table does."""
    if model == "real":
        return [0]
    return config["seeds"][:1] if model in ablation_models(config) else config["seeds"]
