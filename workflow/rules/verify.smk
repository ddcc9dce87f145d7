# Stored results against their hashes, against what follows from them, and against one training
# made again as their manifests say. Only reports.freeze.verify compares; nothing is written among them.


rule verify:
    """Check stored results: hashes, tables and claims from stored rows, one training made again."""
    input:
        unpack(verify_inputs),
    log:
        "<logs>/verify.log",
    threads: 1
    resources:
        mem_mb=1500,
    params:
        preset=config["preset"],
        stored=STORED_ROOT,
        again=verify_arguments,
        codes=present_codes,
    message:
        "Verifying the stored results of {params.preset}"
    shell:
        "python -m reports.freeze.verify --preset {params.preset} --stored {params.stored:q}"
        " {params.again} --config {params.codes:q} 2>&1 | tee {log}"


use rule prepare as prepare_cell with:
    output:
        train="<results>/verify/data/{dataset}/train.npz",
        test="<results>/verify/data/{dataset}/test.npz",
        card="<results>/verify/data/{dataset}/card.json",
        manifest="<results>/verify/data/{dataset}/manifest.json",
    log:
        "<logs>/verify/prepare/{dataset}.log",
    benchmark:
        "<benchmarks>/verify/prepare/{dataset}.jsonl"
    params:
        out=subpath(output.card, parent=True),
        config=cell_data_config,
        source=source_stamp,
        code=lambda wildcards: code_of("dlvae.prepare", MODULES[wildcards.dataset]),
    message:
        "Preparing {wildcards.dataset} as stored"


use rule train as train_cell with:
    input:
        train="<results>/verify/data/{dataset}/train.npz",
        card="<results>/verify/data/{dataset}/card.json",
    output:
        weights="<results>/verify/models/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/verify/models/{dataset}/{model}/seed{seed}/model.json",
        manifest="<results>/verify/models/{dataset}/{model}/seed{seed}/manifest.json",
        snapshots="<results>/verify/models/{dataset}/{model}/seed{seed}/snapshots.safetensors",
    log:
        text="<logs>/verify/train/{dataset}/{model}/seed{seed}.log",
        run="<logs>/verify/train/{dataset}/{model}/seed{seed}.jsonl",
    benchmark:
        "<benchmarks>/verify/train/{dataset}/{model}/seed{seed}.jsonl"
    threads: cell_threads
    params:
        data=subpath(input.card, parent=True),
        init="",
        keep="",
        out=subpath(output.weights, parent=True),
        # Not that of the run, whose last state would be taken for a training made again.
        resume=f"{results()}/verify/resume",
        config=cell_train_config,
        threads=cell_threads,
        precision=cell_precision,
        code=train_code,
    message:
        "Training {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}, as stored"


use rule sample as sample_cell with:
    input:
        weights="<results>/verify/models/{dataset}/{model}/seed{seed}/weights.safetensors",
        definition="<results>/verify/models/{dataset}/{model}/seed{seed}/model.json",
    output:
        samples="<results>/verify/samples/{dataset}/{model}/seed{seed}.npz",
        manifest="<results>/verify/samples/{dataset}/{model}/seed{seed}.manifest.json",
    log:
        "<logs>/verify/sample/{dataset}/{model}/seed{seed}.log",
    benchmark:
        "<benchmarks>/verify/sample/{dataset}/{model}/seed{seed}.jsonl"
    threads: cell_threads
    params:
        model=subpath(input.weights, parent=True),
        config=cell_sample_config,
        threads=cell_threads,
        code=sample_code,
    message:
        "Sampling {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}, as stored"
