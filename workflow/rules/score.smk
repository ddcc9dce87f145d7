# Images to score rows, by way of what the evaluator says of them. Real images are scored by the
# same code: "real" is a row, no model.


rule features:
    """What the evaluator says of a sample set, or of a split of the real images."""
    input:
        unpack(feature_images),
        card="<results>/data/{dataset}/card.json",
        weights="<results>/evaluator/{dataset}{kind}/weights.safetensors",
        evaluator="<results>/evaluator/{dataset}{kind}/card.json",
    output:
        features="<results>/features{kind}/{dataset}/{source}/seed{seed}.npz",
    log:
        "<logs>/features{kind}/{dataset}/{source}/seed{seed}.log",
    benchmark:
        "<benchmarks>/features{kind}/{dataset}/{source}/seed{seed}.jsonl"
    wildcard_constraints:
        kind=f"|{PLAIN}",
        source="|".join([*REAL, *all_models()]),
    priority: 30
    threads: config["threads"]
    resources:
        mem_mb=evaluator_memory,
        gpu=GPU,
    params:
        images=feature_images_argument,
        data=subpath(input.card, parent=True),
        evaluator=subpath(input.evaluator, parent=True),
        config=features_config,
        threads=config["threads"],
        code=code_of("eval.judge.features"),
    message:
        "Features of {wildcards.source}, {wildcards.dataset}{wildcards.kind}, seed {wildcards.seed}"
    shell:
        "python -m eval.judge.features {params.images} --data {params.data}"
        " --evaluator {params.evaluator} --config {params.config:q} --out {output.features}"
        " --threads {params.threads} --fingerprint {params.code} > {log} 2>&1"


rule score:
    input:
        unpack(score_inputs),
        card="<results>/data/{dataset}/card.json",
    output:
        scores="<results>/scores/{dataset}/{model}/seed{seed}.{family}.csv",
    log:
        "<logs>/score/{dataset}/{model}/seed{seed}.{family}.log",
    benchmark:
        "<benchmarks>/score/{dataset}/{model}/seed{seed}.{family}.jsonl"
    wildcard_constraints:
        model="|".join(["real", *all_models()]),
        family="|".join(FAMILIES),
    priority: 20
    threads: config["threads"]
    resources:
        mem_mb=score_memory,
        gpu=score_gpu,
    params:
        inputs=score_inputs_argument,
        data=subpath(input.card, parent=True),
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=score_config,
        threads=config["threads"],
        code=score_code,
    message:
        "Scoring {wildcards.family} of {wildcards.model}, {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m eval.scores {wildcards.family} --inputs {params.inputs:q} --data {params.data}"
        " --protocol {params.protocol:q} --config {params.config:q} --out {output.scores}"
        " --threads {params.threads} --fingerprint {params.code} > {log} 2>&1"
