# What is frozen of a preset, and what its verification makes again. Functions only, as in slices.smk, plan.smk and sources.smk.
from types import SimpleNamespace

from reports.freeze.retraining import cheapest_training
from reports.freeze.machine import git_commit
from reports.freeze.stored import load_stored

# Where stored results lie; relative, as every path of the workflow.
STORED_ROOT = Path(os.path.relpath(WORKFLOW.parent / "reports" / "stored"))


def frozen_pages():
    """What is stored of this preset: for every page its scores and its slice of the config."""
    tables = [name for name in [*TABLES, *MORE_TABLES] if name != "imagenet"]
    pages = {
        f"tables/{name}": (table_scores(SimpleNamespace(table=name)), table_config())
        for name in tables
    }
    pages["claims"] = (claim_scores(None), claims_config(None))
    if not missing("ablations"):
        pages["ablations"] = (ablation_scores(None), ablation_config(None))
    if not missing("learning_curves"):
        pages["learning_curves"] = (curve_scores(None), table_config())
    pages["table2_scale"] = (scores_of("scale"), table_config())
    pages["evaluator_noise"] = (scores_of("inception"), table_config())
    return {name: page for name, page in pages.items() if page[0]}


def frozen_inputs(wildcards):
    """The files that are stored, and the scores that are put together."""
    judges = [f"{d}{judge}" for d in config["datasets"] for judge in ("", PLAIN)]
    pages = frozen_pages()
    return {
        "pages": [f"{results()}/{name}.{kind}" for name in pages for kind in ("csv", "md")],
        "scores": list(dict.fromkeys(file for scores, _ in pages.values() for file in scores)),
        "judges": [
            f"{results()}/evaluator/{judge}/{file}"
            for judge in judges
            for file in [*JUDGE_FILES, "report.json"]
        ],
    }


def freeze_config(wildcards):
    def names(files, folder):
        return [file.removeprefix(f"{results()}/{folder}/").removesuffix(".csv") for file in files]

    pages = {
        name: {
            "config": json.loads(part),
            "scores": names(scores, "scores"),
        }
        for name, (scores, part) in frozen_pages().items()
    }
    # As it is: the order of the data sets is that of the tables.
    return json.dumps({"config": run_config(), "pages": pages}, separators=(",", ":"))


def commit_of_checkout(wildcards):
    return git_commit(WORKFLOW.parent)


# --- Verification ------------------------------------------------------------------------------


@cache
def stored_results():
    try:
        return load_stored(config["preset"], STORED_ROOT)
    except UserError as error:
        raise WorkflowError(str(error)) from None


@cache
def cell_or_reason():
    """The stored training that `verify` makes again, or why it makes none again."""
    try:
        return cheapest_training(stored_results(), [d for d in config["datasets"] if at_hand(d)]), ""
    except UserError as error:
        return None, str(error)


def at_hand(dataset):
    """Whether a data set can be prepared without a download or a folder that is not named."""
    data = config["datasets"][dataset]["data"]
    return "root" not in data or data["root"] is not None or config["data_root"] is not None


def verify_inputs(wildcards):
    cell, _ = cell_or_reason()
    made = f"{results()}/verify"
    again = [f"{made}/samples/{cell.name}.npz"] if cell else []
    # Nothing is made anew because a stored file has a new date.
    return {"index": ancient(f"{stored_results().folder}/index.json"), "again": again}


def verify_arguments(wildcards):
    cell, reason = cell_or_reason()
    if cell is None:
        return f"--no-cell {shlex.quote(reason)}"
    return f"--cell {cell.name} --retrained {results()}/verify"


def present_codes(wildcards):
    """Fingerprints of the code that would make the rows and models of this preset now."""
    models = [*scored_models(), *ablation_models(config)]
    models += (config["ablations"] or {}).get("beside", [])
    every = [SimpleNamespace(model=model, family=family) for model in models for family in FAMILIES]
    scored = {
        # Without a model's own code it is the same for all of them, real images too.
        f"{of.model}.{of.family}" if of.family in MODEL_FAMILIES else of.family: score_code(of)
        for of in every
        if able(of.model, of.family)
    }
    trained = {of.model: train_code(of) for of in every if as_published(of.model) == of.model}
    return canonical({"scores": scored, "models": trained})


def stored_manifest(artefact):
    stage = artefact.partition("/")[0]
    return stored_results().manifests(stage)[artefact]


def cell_data_config(wildcards):
    made = stored_manifest(f"data/{wildcards.dataset}")["config"]
    return canonical(made | {"root": data_folder(wildcards.dataset)})


def cell_training(wildcards):
    return stored_manifest(f"models/{wildcards.dataset}/{wildcards.model}/seed{wildcards.seed}")


def cell_train_config(wildcards):
    return canonical(cell_training(wildcards)["config"])


def cell_threads(wildcards):
    return cell_training(wildcards)["threads"]


def cell_precision(wildcards):
    """That which `auto` came to: another processor would choose another one."""
    return cell_training(wildcards)["precision"]


def cell_sample_config(wildcards):
    name = f"samples/{wildcards.dataset}/{wildcards.model}/seed{wildcards.seed}"
    return canonical(stored_manifest(name)["config"])
