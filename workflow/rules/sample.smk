# A trained model to the sample set that every score reads.


rule sample:
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
        mem_mb=train_memory,
        gpu=GPU,
    params:
        model=subpath(input.weights, parent=True),
        config=sample_config,
        threads=config["threads"],
        code=sample_code,
    message:
        "Sampling {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m dlvae.sample --model-dir {params.model} --config {params.config:q}"
        " --out {output.samples} --threads {params.threads} > {log} 2>&1"
