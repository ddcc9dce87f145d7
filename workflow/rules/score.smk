# Sample sets to score rows. Real images are scored by the same code: "real" is a row, no model.


rule score_inception:
    input:
        samples=sample_set,
        test="<results>/data/{dataset}/test.npz",
        card="<results>/data/{dataset}/card.json",
        weights="<results>/evaluator/{dataset}/weights.safetensors",
        evaluator="<results>/evaluator/{dataset}/card.json",
    output:
        scores="<results>/scores/{dataset}/{model}/seed{seed}.inception.csv",
    log:
        "<logs>/score/{dataset}/{model}/seed{seed}.inception.log",
    benchmark:
        "<benchmarks>/score/{dataset}/{model}/seed{seed}.inception.jsonl"
    wildcard_constraints:
        model="|".join(["real", *all_models()]),
    priority: 20
    threads: config["threads"]
    resources:
        mem_mb=evaluator_memory,
        gpu=GPU,
    params:
        images=scored_images("test"),
        data=subpath(input.card, parent=True),
        evaluator=subpath(input.evaluator, parent=True),
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=score_config,
        threads=config["threads"],
        code=code_of("eval.score"),
    message:
        "Inception Score of {wildcards.model}, {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m eval.score inception {params.images} --data {params.data}"
        " --evaluator {params.evaluator} --protocol {params.protocol:q}"
        " --config {params.config:q} --out {output.scores} --threads {params.threads}"
        " --fingerprint {params.code} > {log} 2>&1"


rule score_diversity:
    input:
        samples=sample_set,
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        scores="<results>/scores/{dataset}/{model}/seed{seed}.diversity.csv",
    log:
        "<logs>/score/{dataset}/{model}/seed{seed}.diversity.log",
    benchmark:
        "<benchmarks>/score/{dataset}/{model}/seed{seed}.diversity.jsonl"
    wildcard_constraints:
        model="|".join(["real", *all_models()]),
    priority: 20
    threads: config["threads"]
    resources:
        mem_mb=evaluator_memory,
        gpu=GPU,
    params:
        images=scored_images("train"),
        data=subpath(input.card, parent=True),
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=score_config,
        threads=config["threads"],
        code=code_of("eval.score"),
    message:
        "Intra-class diversity of {wildcards.model}, {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m eval.score diversity {params.images} --data {params.data}"
        " --protocol {params.protocol:q} --config {params.config:q} --out {output.scores}"
        " --threads {params.threads} --fingerprint {params.code} > {log} 2>&1"
