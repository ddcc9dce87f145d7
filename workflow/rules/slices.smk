# Slices of the configuration: the JSON of one command line, and nothing that it does not read.


def config_slice(wildcards, **more):
    """The slice of a job: preset and data set, then what the stage reads.

    Seeds derive from its names: `model="ours"` gives an ablation the weights that ours starts
    from, and its noise.
    """
    names = {key: value for key, value in wildcards.items() if key in ("dataset", "model")}
    seed = {"seed": int(wildcards.seed)} if "seed" in wildcards.keys() else {}
    return canonical({"preset": config["preset"], **names, **seed, **more})


def prepare_config(wildcards):
    data = section(wildcards)["data"] | {"root": data_folder(wildcards.dataset)}
    return config_slice(wildcards, role="labelled", **data)


def prepare_unlabelled_config(wildcards):
    part = section(wildcards)
    data = part["unlabelled"] | {"root": unlabelled_folder(wildcards.dataset)}
    return config_slice(wildcards, role="unlabelled", size=part["data"]["size"], **data)


def prepare_judges_config(wildcards):
    """The data set with more images to train judges on; held-out ones of its own are never read."""
    data = section(wildcards)["data"] | {"root": None, "test_images_per_identity": 1}
    more = {"images_per_identity": more_images(wildcards.dataset, "")}
    return config_slice(wildcards, role="labelled", **data | more)


def evaluator_kind(kind):
    """What the end of a judge's name says: of the plain one it is `PLAIN`, else nothing."""
    return "plain" if kind == PLAIN else "robust"


def evaluator_recipe(dataset, kind):
    """The recipe of one kind of judge: what both share, and what this one has of its own."""
    part = config["datasets"][dataset]["evaluator"]
    shared = {k: v for k, v in part.items() if k not in ("members", "robust", "plain")}
    return shared | part[evaluator_kind(kind)]


def evaluator_config(wildcards):
    recipe = evaluator_recipe(wildcards.dataset, wildcards.kind)
    own = {k: v for k, v in recipe.items() if k != "images_per_identity"}
    kind, member = evaluator_kind(wildcards.kind), int(wildcards.member)
    return config_slice(wildcards, **own | {"kind": kind, "member": member})


def more_images(dataset, kind):
    """How many images of each class a judge learns from; None for the training images."""
    more = evaluator_recipe(dataset, kind).get("images_per_identity")
    if more and (kind == PLAIN or dataset != "synthetic_faces"):
        raise WorkflowError(
            f"datasets.{dataset}.evaluator.{evaluator_kind(kind)}.images_per_identity: only the "
            "robust evaluator of synthetic_faces has more images, which are rendered; remove it"
        )
    return more


def judge_images(wildcards):
    """The prepared set that a judge learns from."""
    more = more_images(wildcards.dataset, wildcards.kind)
    return f"{results()}/data/{wildcards.dataset}{JUDGES if more else ''}"


def judge_images_argument(wildcards):
    more = more_images(wildcards.dataset, wildcards.kind)
    return f"--images {judge_images(wildcards)}" if more else ""


def factors_config(wildcards):
    return config_slice(wildcards, **section(wildcards)["factors"])


def train_config(wildcards):
    train = updates(section(wildcards)["train"])
    return train_slice(wildcards, "supervised", train | snapshots_of(train))


def curve_config(wildcards):
    """The same training, continued."""
    train, factor = updates(section(wildcards)["train"]), curve_factor(wildcards.seed)
    doubled = [train["steps"] * 2**k for k in range(1, factor.bit_length())]
    longer = {"steps": factor * train["steps"], "snapshots": doubled}
    return train_slice(wildcards, "supervised", train | longer)


def curve_factor(seed):
    """How many times its budget a training is continued to: that of the first seed longest."""
    first = int(seed) == config["seeds"][0]
    return config["curves"]["first_seed_factor" if first else "factor"]


def updates(train):
    """A data set's section `train` with the number of steps that this run asks for."""
    if config["steps"] is None or "steps" not in train:
        return train
    return train | {"steps": config["steps"]}


def snapshots_of(train):
    """After which steps weights are copied: half of the budget, for curves halved again."""
    if "steps" not in train:
        return {}
    halvings = 4 if config["curves"] else 1
    return {"snapshots": sorted({max(1, train["steps"] // 2**k) for k in range(1, halvings + 1)})}


def train_semi_config(wildcards):
    train = section(wildcards)["semi_supervised"]
    if config["steps"] is not None:  # the fine-tuning is never longer than its own setting
        train = train | {"steps": min(train["steps"], config["steps"])}
    return train_slice(wildcards, "semi_supervised", train)


def fit_prior_config(wildcards):
    return config_slice(wildcards, model=wildcards.fitted)


def train_slice(wildcards, stage, train):
    part = section(wildcards)
    model, ablated = registered(wildcards.model), ablation_models(config)
    # As in every stored slice, a key that is true is not said.
    plain = {} if config["fast"] else {"fast": False}
    return config_slice(
        wildcards,
        model=model,
        stage=stage,
        **plain,
        network=part["network"],
        train=train,
        method=config["method"] | part.get("method", {}) | ablated.get(wildcards.model, {}),
        # The defaults too: an edit of its options.py trains that baseline anew.
        options=default_options(model) | config["options"].get(model, {}),
    )


def sample_config(wildcards):
    rules = protocol()
    # The rule, not a number: how many classes a folder holds is not known before it is prepared.
    return config_slice(
        wildcards,
        model=registered(wildcards.model),
        per_class=vars(rules.samples),
        bn_eval=rules.bn_eval,
    )


def features_config(wildcards):
    return config_slice(wildcards, source=wildcards.source)


def score_config(wildcards):
    figure, more = config["figures"].get("figure7") or {}, {}
    if wildcards.family == "inpainting" and figure.get("dataset") == wildcards.dataset:
        more = {"landmarks": figure.get("landmarks")}  # the masks of the figure
    return config_slice(wildcards, protocol_overrides=protocol_overrides(), **more)


def intake_config(wildcards):
    return config_slice(wildcards, protocol_overrides=protocol_overrides())


def near_duplicates_config(wildcards):
    return config_slice(wildcards, model=wildcards.candidate)


def panel_config(wildcards):
    return canonical(
        {
            "preset": config["preset"],
            "dataset": wildcards.dataset,
            "seed": config["seeds"][0],
            "bn_eval": protocol().bn_eval,
            "figure": config["figures"][wildcards.figure],
        }
    )


def table_config():
    return canonical(
        {
            "preset": config["preset"],
            "datasets": list(config["datasets"]),
            "models": scored_models(),
            "protocol_overrides": protocol_overrides(),
        }
    )


def ablation_config(wildcards):
    dataset = config["ablations"]["dataset"]
    models = ablation_models(config).items()
    return canonical(
        {
            "preset": config["preset"],
            "dataset": dataset,
            "steps": config["steps"] or config["datasets"][dataset]["train"]["steps"],
            # A list: the order is that of the rows.
            "ablations": [{"model": model, "method": keys} for model, keys in models],
            "beside": config["ablations"]["beside"],
            "protocol_overrides": protocol_overrides(),
        }
    )


def claims_config(wildcards):
    needed = {key: why_not_scored(*key) for key in needed_by_claims()}
    return canonical(
        {
            "preset": config["preset"],
            "datasets": claim_datasets(),
            "ablated": ablated_dataset(),
            "left_out": [
                {"dataset": dataset, "model": model, "family": family, "reason": reason}
                for (dataset, model, family), reason in needed.items()
                if reason
            ],
            "protocol_overrides": protocol_overrides(),
        }
    )


def report_config():
    return canonical(
        {
            "preset": config["preset"],
            "targets": available_targets(),
            "left_out": left_out(),
            "config": run_config(),
        }
    )


# --- Protocol ----------------------------------------------------------------------------------


def protocol_path():
    # Relative: a checkout that moves is no reason to score again.
    return os.path.relpath(protocol_file(config, PRESETS))


@cache
def protocol():
    """The protocol with this run's overrides; see config/protocol/."""
    return load_protocol(protocol_path(), protocol_overrides())


def protocol_overrides():
    return {} if config["bn_eval"] is None else {"bn_eval": config["bn_eval"]}


def protocol_rules():
    """Identity of what the protocol says, its comments aside."""
    return protocol().hash


# --- Trainings ---------------------------------------------------------------------------------


def train_code(wildcards):
    return code_of("dlvae.train.__main__", module_name(registered(wildcards.model)))


def fit_prior_code(wildcards):
    return code_of("dlvae.fit_prior", module_name(wildcards.fitted))


def keep_state():
    """Trainings leave their last state where a learning curve may continue it."""
    return "--keep-state" if config["curves"] else ""


def sample_code(wildcards):
    return code_of("dlvae.sample", module_name(registered(wildcards.model)))


def train_priority(wildcards):
    """Longest first, so that the cores stay busy to the end; ours also has a stage to come."""
    return 80 if wildcards.model == "ours" else 50


def train_memory(wildcards):
    """Estimate of a training's memory, MiB: torch itself, weights and moments, activations."""
    part = section(wildcards)
    width, batch = part["network"]["width"], part["train"]["batch_size"]
    weights, image = {"toy": (0, 0), "net32": (300, 4), "net64": (1300, 50)}[
        part["network"]["backbone"]
    ]
    return round(1000 + weights * width**2 + image * width * batch)


def evaluator_memory(wildcards):
    """Estimate of the memory of an evaluator, MiB, in training or in scoring."""
    part = section(wildcards)
    recipe = evaluator_recipe(wildcards.dataset, "")
    width, batch = recipe["width"], recipe["batch_size"]
    image = 40 * width * (part["data"]["size"] / 64) ** 2
    return round(1200 + 400 * width**2 + image * batch)


def score_gpu(wildcards):
    """Scores of the evaluator's logits are taken beside a job that has the GPU."""
    return 0 if wildcards.family == "inception" else GPU


def score_memory(wildcards):
    """Estimate of the memory of scoring, MiB; points have no evaluator."""
    return evaluator_memory(wildcards) if "evaluator" in section(wildcards) else 1200
