# What belongs to a table, a figure or the report, and what a preset's data cannot give.

MODEL_FILES = ["weights.safetensors", "model.json"]
DATA_FILES = ["train.npz", "test.npz", "card.json"]
# Targets that a section of the preset asks for, and that section.
STUDIES = {"ablations": "ablations", "learning_curves": "curves"}


# --- What a preset can give --------------------------------------------------------------------


def missing(target):
    """Why a table or figure is left out of this preset; an empty string if it is not."""
    if target in TABLES | MORE_TABLES:
        return ""
    if target in STUDIES:
        return without_section(STUDIES[target])
    part = config["figures"].get(target)
    if part is None:
        return f"preset '{config['preset']}' has no {target}"
    for dataset in figure_datasets(target):
        if dataset not in config["datasets"] and not (
            dataset == "three_moons" and config["three_moons"]
        ):
            return f"{target} shows '{dataset}', which preset '{config['preset']}' has not"
    return without_unlabelled(part["dataset"]) if target == "figure6" else ""


def without_section(key):
    """Why a study is left out of this preset; an empty string if it has the section."""
    if config[key]:
        return ""
    hint = ": set it with --config curves='{factor: 2}'" if key == "curves" else ""
    return f"preset '{config['preset']}' has no {key}{hint}"


def without_unlabelled(dataset):
    """Why a data set has no semi-supervised stage; an empty string if it has one."""
    part = config["datasets"][dataset]
    if not part.get("unlabelled") or not part.get("semi_supervised"):
        return f"preset '{config['preset']}' has no unlabelled images"
    if "root" in part["data"] and config["unlabelled_root"] is None:
        return "figure6 needs a folder of unlabelled images: --config unlabelled_root=PATH"
    return ""


def presets_with(target):
    """The other shipped presets that have a target, for messages."""
    others = [name for name in preset_files(PRESETS) if name != config["preset"]]
    sections = {name: load_preset(name, PRESETS) for name in others}
    key = STUDIES.get(target, target)
    return [name for name, part in sections.items() if key in part | part["figures"]]


def require(target):
    """Stop before any job if a target was asked for that the preset cannot give."""
    if reason := missing(target):
        others = ", ".join(presets_with(target))
        hint = f"; presets that have it: {others}" if others else ""
        raise WorkflowError(f"{target} cannot be made: {reason}{hint}")


def available_targets():
    return [target for target in [*TABLES, *FIGURES] if not missing(target)]


def left_out():
    """What the report must name as left out, with the presets that have it."""
    return [
        {"target": target, "reason": missing(target), "presets": presets_with(target)}
        for target in FIGURES
        if missing(target)
    ]


def target_files(target):
    """The files of a table, a figure or a study."""
    require(target)
    if target in STUDIES:
        page = [f"{results()}/{target}.{kind}" for kind in ("csv", "md")]
        drawn = [f"{results()}/figures/{target}.{kind}" for kind in ("png", "pdf")]
        return page + (drawn if target == "learning_curves" else [])
    table = target in TABLES | MORE_TABLES
    kinds = ["csv", "md", "html", "tex"] if table else ["png", "pdf"]
    folder = "tables" if table else "figures"
    return [f"{results()}/{folder}/{target}.{kind}" for kind in kinds]


def report_inputs():
    return [file for target in available_targets() for file in target_files(target)]


def reproducible_files():
    return [*report_inputs(), f"{results()}/report.html"]


# --- Tables ------------------------------------------------------------------------------------


def table_scores(wildcards):
    """Score files of a table."""
    families = (TABLES | MORE_TABLES)[wildcards.table]
    return [file for family in families for file in scores_of(family)]


def scores_of(family, judge=""):
    """Score files of a family: every model that has it, by seed, and the real images once."""
    runs = [(model, seed) for model in scored_models() for seed in config["seeds"]]
    return [
        score_file(dataset, model, family, seed, judge)
        for dataset in config["datasets"]
        for model, seed in [("real", 0), *runs]
        if able(model, family)
    ]


def table_reports(wildcards):
    """Reports of the evaluators behind a table; that of ImageNet's Inception has none."""
    return [] if wildcards.table == "imagenet" else evaluator_reports(wildcards)


def evaluator_reports(wildcards, judge=""):
    return [f"{results()}/evaluator/{d}{judge}/report.json" for d in config["datasets"]]


def ablation_scores(wildcards):
    """Score files of ours, of its ablations and of what stands beside, with the first seed."""
    dataset, seed = config["ablations"]["dataset"], config["seeds"][0]
    models = ["ours", *ablation_models(config), *config["ablations"]["beside"]]
    return [
        score_file(dataset, model, family, seed)
        for model in models
        for family in ABLATION_FAMILIES
        if model not in UNABLE.get(family, ())
    ]


def curve_scores(wildcards):
    """Score files of every model at its snapshots, and of the real images, the ceiling."""
    real = [score_file(dataset, "real", "inception") for dataset in config["datasets"]]
    return [*real, *scores_of("curve")]


# --- Stored results ----------------------------------------------------------------------------


def board_inputs(wildcards):
    """The stored files behind the leaderboard; its command says what to do if there are none."""
    stored = WORKFLOW.parent / "reports" / "stored"
    names = ["index.json", "scores.csv", "config.yaml", "protocol.yaml", "evaluator/*/report.json"]
    found = [path for name in names for path in sorted(stored.glob(f"*/{name}"))]
    return [os.path.relpath(path) for path in found]


# --- Figures -----------------------------------------------------------------------------------


def figure_datasets(figure):
    part = config["figures"][figure]
    return ["three_moons"] if figure == "figure2" else part.get("datasets") or [part["dataset"]]


def panel_files(figure, name):
    """A file of every panel of a figure, or the folders if `name` is empty."""
    folders = [f"{results()}/panels/{figure}/{dataset}" for dataset in figure_datasets(figure)]
    return [f"{folder}/{name}" if name else folder for folder in folders]


def panel_models(figure):
    """The models whose weights a panel decodes; of one drawn from its priors, every form."""
    toy = config["figures"].get("figure2", {}).get("models") or []
    models = {
        "figure2": forms_of(toy, config["fitted"]),
        "figure3": [],
        "figure6": ["ours_semi"],
        "figure7": ["cvae_gan", "ours"],
    }
    return models.get(figure, forms_of(["ours"], config["fitted"]))


def panel_sources(wildcards):
    """Folders (of figure 3: sample files) behind a panel, by the names that eval.panels knows."""
    figure, dataset, seed = wildcards.figure, wildcards.dataset, config["seeds"][0]
    models = {
        name: f"{results()}/models/{dataset}/{name}/seed{seed}" for name in panel_models(figure)
    }
    data = {"data": f"{results()}/data/{dataset}"}
    factors = config["datasets"].get(dataset, {}).get("factors")
    if figure in ("figure2", "figure4"):
        return data | {"models": models}
    if figure == "figure3":
        samples = {model: sample_set(dataset, model, seed) for model in scored_models()}
        return data | {"samples": samples}
    if figure == "figure5":
        regressor = f"{results()}/evaluator/{dataset}_factors" if factors else None
        return data | {"models": models, "factors": regressor}
    if figure == "figure6":
        return {
            "model": models["ours_semi"],
            "unlabelled": f"{results()}/data/{dataset}_unlabelled",
        }
    return data | models


def panel_inputs(wildcards):
    """The files of `panel_sources`, by name."""
    files = {}
    for name, source in panel_sources(wildcards).items():
        if name == "samples":
            files[name] = list(source.values())
        elif name == "data":
            files[name] = [f"{source}/{file}" for file in DATA_FILES]
        elif name == "unlabelled":
            files[name] = [f"{source}/train.npz", f"{source}/card.json"]
        elif name == "factors":
            files[name] = [f"{source}/{f}" for f in ("weights.safetensors", "card.json") if source]
        else:
            wanted = MODEL_FILES + ([SNAPSHOTS] if wildcards.figure == "figure2" else [])
            folders = source.values() if name == "models" else [source]
            files[name] = [f"{folder}/{file}" for folder in folders for file in wanted]
    return files


def panel_folders(wildcards):
    # In the order of the configuration, which is the order in which models are drawn.
    return json.dumps(panel_sources(wildcards), separators=(",", ":"))


def panel_code(wildcards):
    names = [registered(name).removesuffix("_semi") for name in panel_models(wildcards.figure)]
    modules = [module_name(name) for name in dict.fromkeys(names)]
    return code_of("eval.panels.__main__", f"eval.panels.{wildcards.figure}", *modules)
