# Who the candidate of `compare` is, and the files behind its page. Functions only.

COMPARED_FAMILIES = ("inception", "diversity", "fidelity")


def candidate():
    """The candidate, None without one; see dlvae.candidate."""
    return find_candidate(config, ablation_models(config))


def from_outside():
    """The name of samples from outside, if those are the candidate."""
    who = candidate()
    return [who.name] if who and who.samples else []


def one_of(names):
    """A wildcard constraint; with no names it matches nothing."""
    return "|".join(names) or "(?!)"


def comparable_candidate():
    """The candidate; stops before any job if there is none or it cannot be compared."""
    who = candidate()
    if who is None:
        raise WorkflowError(
            "compare needs a candidate: snakemake compare --config candidate=MODEL, with a folder "
            "of baselines/ or an installed model, or --config candidate=PATH dataset=NAME, with "
            "the file or folder of samples from elsewhere"
        )
    try:
        thresholds(config["fail_below"], who.datasets)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    for dataset in who.datasets:
        if dataset not in stored_results().datasets:
            raise WorkflowError(
                f"the stored results of preset '{config['preset']}' have no '{dataset}': expected "
                f"{', '.join(stored_results().datasets)}; say --config dataset=NAME"
            )
    if protocol().hash != stored_results().protocol.hash:
        raise WorkflowError(other_protocol(stored_results(), protocol().label))
    return who


# --- The evaluator -----------------------------------------------------------------------------


def stored_evaluator_card(wildcards):
    return f"{stored_results().folder}/evaluator/{wildcards.dataset}{wildcards.kind}/card.json"


def stored_evaluator_inputs(wildcards):
    """The evaluator as stored, or as its recipe gives it where its hash alone is stored."""
    judge = f"{wildcards.dataset}{wildcards.kind}"
    if stored_results().has_weights(judge):
        folder = f"{stored_results().folder}/evaluator/{judge}"
        return {"weights": ancient(f"{folder}/weights.safetensors")}
    folder = f"{results()}/evaluator/{judge}"
    return {"weights": f"{folder}/weights.safetensors", "built": f"{folder}/card.json"}


def stored_evaluator_argument(wildcards, input):
    return f"--built {Path(input.built).parent}" if "built" in input.keys() else ""


def stored_evaluator_hash(wildcards):
    """A param: stored files are read through ancient(), so that a checkout judges nothing anew."""
    return read_json(stored_evaluator_card(wildcards))["weights_sha256"]


# --- The samples -------------------------------------------------------------------------------


def outside_samples(wildcards):
    return candidate().samples


def outside_stamp(wildcards):
    """Sizes and times of the files of the samples: images are drawn anew under their old names."""
    root = candidate().samples
    files = sorted(root.rglob("*")) if root.is_dir() else [root]
    stats = [(os.path.relpath(file, root), file.stat()) for file in files]
    found = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
    return hashlib.sha256(canonical(found).encode()).hexdigest()[:12]


# --- The page ----------------------------------------------------------------------------------


def near_duplicates_file(dataset, model, seed):
    return f"{results()}/near_duplicates/{dataset}/{model}/seed{seed}.json"


def comparison_runs(who):
    """The files of every run of the candidate, by the names that reports.compare.__main__ knows."""
    name = who.name
    return [
        {
            "dataset": dataset,
            "seed": seed,
            "scores": [
                score_file(dataset, name, family, seed, STORED) for family in COMPARED_FAMILIES
            ],
            "samples": f"{results()}/samples/{dataset}/{name}/seed{seed}.manifest.json",
            "duplicates": near_duplicates_file(dataset, name, seed),
            "model": (
                None
                if who.samples
                else f"{results()}/models/{dataset}/{name}/seed{seed}/manifest.json"
            ),
        }
        for dataset in who.datasets
        for seed in who.seeds
    ]


def comparison_inputs(wildcards):
    who = comparable_candidate()
    if wildcards.candidate != who.name:
        raise WorkflowError(
            f"the candidate is '{who.name}', not '{wildcards.candidate}': --config candidate="
            f"{wildcards.candidate}"
        )
    runs = comparison_runs(who)
    files = {"scores": [file for run in runs for file in run["scores"]]}
    for key in ("samples", "duplicates", "model"):
        files[key] = [run[key] for run in runs if run[key]]
    return files | {"stored": ancient(f"{stored_results().folder}/index.json")}


def comparison_runs_argument(wildcards):
    return json.dumps(comparison_runs(comparable_candidate()), separators=(",", ":"))


def comparison_config(wildcards):
    who = comparable_candidate()
    return canonical(
        {
            "preset": config["preset"],
            "name": who.name,
            "samples": who.samples and str(who.samples),
            "datasets": who.datasets,
            "seeds": who.seeds,
            "fail_below": config["fail_below"],
        }
    )


def stored_stamp(wildcards):
    """A param: identity of the stored results."""
    return hashlib.sha256(Path(stored_results().folder, "index.json").read_bytes()).hexdigest()[:12]


def comparison_pages():
    return [f"{results()}/compare/{comparable_candidate().name}.{kind}" for kind in ("md", "csv")]
