# One model, one data set, one seed. A killed training continues from <results>/resume.


rule train:
    input:
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        weights="<results>/models/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/models/{dataset}/{model}/seed{seed}/model.json",
        manifest="<results>/models/{dataset}/{model}/seed{seed}/manifest.json",
    log:
        text="<logs>/train/{dataset}/{model}/seed{seed}.log",
        run="<logs>/train/{dataset}/{model}/seed{seed}.jsonl",
    benchmark:
        "<benchmarks>/train/{dataset}/{model}/seed{seed}.jsonl"
    priority: train_priority
    threads: config["threads"]
    resources:
        mem_mb=train_memory,
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        init="",
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
        " --out {params.out} --resume-root {params.resume} --run-log {log.run}"
        " --threads {params.threads} --precision {params.precision} --fingerprint {params.code}"
        " 2>&1 | tee {log.text}"


use rule train as train_toy with:
    output:
        weights="<results>/models/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/models/{dataset}/{model}/seed{seed}/model.json",
        manifest="<results>/models/{dataset}/{model}/seed{seed}/manifest.json",
        snapshots="<results>/models/{dataset}/{model}/seed{seed}/snapshots.safetensors",
    wildcard_constraints:
        dataset="three_moons",


ruleorder: train_toy > train


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
        out=subpath(output.weights, parent=True),
        resume=resume_root(),
        config=train_semi_config,
        threads=config["threads"],
        precision=config["precision"],
        code=train_code,
    message:
        "Continuing {wildcards.model} on unlabelled {wildcards.dataset}, seed {wildcards.seed}"
