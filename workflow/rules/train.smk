# One model, one data set, one seed, and what is sampled of it. A killed training continues from
# <results>/resume.


rule train:
    input:
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        multiext("<results>/models/{dataset}/{model}/seed{seed}/", **TRAINING),
    log:
        text="<logs>/train/{dataset}/{model}/seed{seed}.log",
        run="<logs>/train/{dataset}/{model}/seed{seed}.jsonl",
    benchmark:
        "<benchmarks>/train/{dataset}/{model}/seed{seed}.jsonl"
    wildcard_constraints:
        model="|".join(TRAINED),
    # Longest first, so that the cores stay busy to the end; ours also has a stage to come.
    priority: lambda wildcards: 80 if wildcards.model == "ours" else 50
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(trainings.memory),
        runtime=by_attempt(TRAINING_MINUTES),
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        init="",
        # A learning curve may continue the last state.
        keep="--keep-state" if config["curves"] else "",
        out=subpath(output.weights, parent=True),
        resume=f"{plan.results}/resume",
        config=trainings.supervised,
        threads=config["threads"],
        precision=config["precision"],
        code=lambda wildcards: plan.code("dlvae.train.__main__", wildcards.model),
    message:
        "Training {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m dlvae.train --data {params.data} {params.init} --config {params.config:q}"
        " --out {params.out} --resume-root {params.resume} --run-log {log.run} {params.keep}"
        " --threads {params.threads} --precision {params.precision} --fingerprint {params.code}"
        " 2>&1 | tee {log.text}"


use rule train as train_longer with:
    input:
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
        # Its last state is continued; without it the training would begin anew, to the same bytes.
        shorter="<results>/models/{dataset}/{model}/seed{seed}/weights.safetensors",
    output:
        multiext("<results>/curves/{dataset}/{model}/seed{seed}/", **TRAINING),
    log:
        text="<logs>/curves/{dataset}/{model}/seed{seed}.log",
        run="<logs>/curves/{dataset}/{model}/seed{seed}.jsonl",
    benchmark:
        "<benchmarks>/curves/{dataset}/{model}/seed{seed}.jsonl"
    params:
        config=trainings.longer,
    message:
        "Training {wildcards.model} on {wildcards.dataset} for longer, seed {wildcards.seed}"


use rule train as train_semi with:
    input:
        train="<results>/data/{dataset}_unlabelled/train.npz",
        card="<results>/data/{dataset}_unlabelled/card.json",
        weights="<results>/models/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/models/{dataset}/{model}/seed{seed}/model.json",
    output:
        weights="<results>/models/{dataset}/{model}_semi/seed{seed}/weights.safetensors",
        definition="<results>/models/{dataset}/{model}_semi/seed{seed}/model.json",
        manifest="<results>/models/{dataset}/{model}_semi/seed{seed}/manifest.json",
    log:
        text="<logs>/train/{dataset}/{model}_semi/seed{seed}.log",
        run="<logs>/train/{dataset}/{model}_semi/seed{seed}.jsonl",
    benchmark:
        "<benchmarks>/train/{dataset}/{model}_semi/seed{seed}.jsonl"
    priority: 90
    params:
        init=lambda wildcards, input: f"--init {Path(input.weights).parent}",
        keep="",
        config=trainings.semi,
    message:
        "Continuing {wildcards.model} on unlabelled {wildcards.dataset}, seed {wildcards.seed}"


rule fit_prior:
    """A trained model with its priors set in closed form to its codes of the training images."""
    input:
        multiext("<results>/{trained}/{dataset}/{fitted}/seed{seed}/", **TRAINING),
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        multiext("<results>/{trained}/{dataset}/{fitted}_fitted/seed{seed}/", **TRAINING),
    log:
        "<logs>/fit_prior/{trained}/{dataset}/{fitted}/seed{seed}.log",
    benchmark:
        "<benchmarks>/fit_prior/{trained}/{dataset}/{fitted}/seed{seed}.jsonl"
    priority: 40
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(trainings.memory),
        runtime=by_attempt(MINUTES),
        gpu=GPU,
    params:
        model=subpath(input.weights, parent=True),
        data=subpath(input.card, parent=True),
        out=subpath(output.weights, parent=True),
        config=lambda wildcards: plan.slice(wildcards, model=wildcards.fitted),
        threads=config["threads"],
        code=lambda wildcards: plan.code("dlvae.fit_prior", wildcards.fitted),
    message:
        "Fitting the priors of {wildcards.fitted} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m dlvae.fit_prior --model-dir {params.model} --data {params.data}"
        " --config {params.config:q} --out {params.out} --threads {params.threads} > {log} 2>&1"


rule sample:
    """A trained model to the sample set that every score reads."""
    input:
        weights="<results>/models/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/models/{dataset}/{model}/seed{seed}/model.json",
    output:
        samples="<results>/samples/{dataset}/{model}/seed{seed}.npz",
        manifest="<results>/samples/{dataset}/{model}/seed{seed}.manifest.json",
    log:
        "<logs>/sample/{dataset}/{model}/seed{seed}.log",
    benchmark:
        "<benchmarks>/sample/{dataset}/{model}/seed{seed}.jsonl"
    priority: 30
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(trainings.memory),
        runtime=by_attempt(MINUTES),
        gpu=GPU,
    params:
        model=subpath(input.weights, parent=True),
        config=trainings.sample,
        threads=config["threads"],
        code=lambda wildcards: plan.code("dlvae.sample", wildcards.model),
    message:
        "Sampling {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m dlvae.sample --model-dir {params.model} --config {params.config:q}"
        " --out {output.samples} --threads {params.threads} > {log} 2>&1"
