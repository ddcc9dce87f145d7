# One model, one data set, one seed. A killed training continues from <results>/resume.


rule train:
    input:
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        weights="<results>/models/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/models/{dataset}/{model}/seed{seed}/model.json",
        manifest="<results>/models/{dataset}/{model}/seed{seed}/manifest.json",
        snapshots="<results>/models/{dataset}/{model}/seed{seed}/snapshots.safetensors",
    log:
        text="<logs>/train/{dataset}/{model}/seed{seed}.log",
        run="<logs>/train/{dataset}/{model}/seed{seed}.jsonl",
    benchmark:
        "<benchmarks>/train/{dataset}/{model}/seed{seed}.jsonl"
    wildcard_constraints:
        model="|".join(trained_models()),
    priority: train_priority
    threads: config["threads"]
    resources:
        mem_mb=train_memory,
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        init="",
        keep=keep_state(),
        out=subpath(output.weights, parent=True),
        resume=resume_root(),
        config=train_config,
        threads=config["threads"],
        precision=config["precision"],
        code=train_code,
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
        weights="<results>/curves/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/curves/{dataset}/{model}/seed{seed}/model.json",
        manifest="<results>/curves/{dataset}/{model}/seed{seed}/manifest.json",
        snapshots="<results>/curves/{dataset}/{model}/seed{seed}/snapshots.safetensors",
    log:
        text="<logs>/curves/{dataset}/{model}/seed{seed}.log",
        run="<logs>/curves/{dataset}/{model}/seed{seed}.jsonl",
    benchmark:
        "<benchmarks>/curves/{dataset}/{model}/seed{seed}.jsonl"
    params:
        data=subpath(input.card, parent=True),
        init="",
        keep=keep_state(),
        out=subpath(output.weights, parent=True),
        resume=resume_root(),
        config=curve_config,
        threads=config["threads"],
        precision=config["precision"],
        code=train_code,
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
        data=subpath(input.card, parent=True),
        init=lambda wildcards, input: f"--init {Path(input.weights).parent}",
        keep="",
        out=subpath(output.weights, parent=True),
        resume=resume_root(),
        config=train_semi_config,
        threads=config["threads"],
        precision=config["precision"],
        code=train_code,
    message:
        "Continuing {wildcards.model} on unlabelled {wildcards.dataset}, seed {wildcards.seed}"


rule fit_prior:
    """A trained model with its priors set in closed form to its codes of the training images."""
    input:
        weights="<results>/{trained}/{dataset}/{fitted}/seed{seed}/weights.safetensors",
        definition="<results>/{trained}/{dataset}/{fitted}/seed{seed}/model.json",
        snapshots="<results>/{trained}/{dataset}/{fitted}/seed{seed}/snapshots.safetensors",
        manifest="<results>/{trained}/{dataset}/{fitted}/seed{seed}/manifest.json",
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        weights=f"<results>/{{trained}}/{{dataset}}/{{fitted}}{FITTED}/seed{{seed}}/weights.safetensors",
        definition=f"<results>/{{trained}}/{{dataset}}/{{fitted}}{FITTED}/seed{{seed}}/model.json",
        manifest=f"<results>/{{trained}}/{{dataset}}/{{fitted}}{FITTED}/seed{{seed}}/manifest.json",
        snapshots=f"<results>/{{trained}}/{{dataset}}/{{fitted}}{FITTED}/seed{{seed}}/snapshots.safetensors",
    log:
        "<logs>/fit_prior/{trained}/{dataset}/{fitted}/seed{seed}.log",
    benchmark:
        "<benchmarks>/fit_prior/{trained}/{dataset}/{fitted}/seed{seed}.jsonl"
    wildcard_constraints:
        trained="models|curves",
        fitted="|".join(model_names()),
    priority: 40
    threads: config["threads"]
    resources:
        mem_mb=train_memory,
        gpu=GPU,
    params:
        model=subpath(input.weights, parent=True),
        data=subpath(input.card, parent=True),
        out=subpath(output.weights, parent=True),
        config=fit_prior_config,
        threads=config["threads"],
        code=fit_prior_code,
    message:
        "Fitting the priors of {wildcards.fitted} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m dlvae.fit_prior --model-dir {params.model} --data {params.data}"
        " --config {params.config:q} --out {params.out} --threads {params.threads} > {log} 2>&1"
