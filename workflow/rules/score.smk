# Images to score rows, by way of what the evaluator says of them. Real images are scored by the
# same code: "real" is a row, no model. A comparison is scored by judges behind stored results,
# whose folders end with {stored}.


rule features:
    """What the evaluator says of a sample set, or of a split of the real images."""
    input:
        images=scores.feature_images,
        card="<results>/data/{dataset}/card.json",
        weights="<results>/evaluator/{dataset}{stored}{kind}/weights.safetensors",
        evaluator="<results>/evaluator/{dataset}{stored}{kind}/card.json",
    output:
        features="<results>/features{stored}{kind}/{dataset}/{source}/seed{seed}.npz",
    log:
        "<logs>/features{stored}{kind}/{dataset}/{source}/seed{seed}.log",
    benchmark:
        "<benchmarks>/features{stored}{kind}/{dataset}/{source}/seed{seed}.jsonl"
    priority: 30
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(data_sets.judge_memory),
        runtime=by_attempt(MINUTES),
        gpu=GPU,
    params:
        images=lambda wildcards, input: (
            f"--real {REAL[wildcards.source]}"
            if wildcards.source in REAL
            else f"--samples {input.images}"
        ),
        data=subpath(input.card, parent=True),
        evaluator=subpath(input.evaluator, parent=True),
        config=lambda wildcards: plan.slice(wildcards, source=wildcards.source),
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
        unpack(scores.inputs),
        card="<results>/data/{dataset}/card.json",
    output:
        scores="<results>/scores{stored}/{dataset}/{model}/seed{seed}.{family}.csv",
    log:
        "<logs>/score{stored}/{dataset}/{model}/seed{seed}.{family}.log",
    benchmark:
        "<benchmarks>/score{stored}/{dataset}/{model}/seed{seed}.{family}.jsonl"
    wildcard_constraints:
        model="|".join(["real", *SAMPLED, *comparing.from_outside]),
    priority: 20
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(data_sets.judge_memory),
        runtime=by_attempt(MINUTES),
        # Those of the evaluator's logits are taken beside a job that has the GPU.
        gpu=lambda wildcards: 0 if FAMILIES[wildcards.family].of_logits else GPU,
    params:
        inputs=lambda wildcards: in_order(scores.sources(wildcards)),
        data=subpath(input.card, parent=True),
        protocol=plan.protocol_path,
        rules=protocol.hash,
        config=scores.score_slice,
        threads=config["threads"],
        code=scores.score_code,
    message:
        "Scoring {wildcards.family} of {wildcards.model}, {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m eval.scores {wildcards.family} --inputs {params.inputs:q} --data {params.data}"
        " --protocol {params.protocol:q} --config {params.config:q} --out {output.scores}"
        " --threads {params.threads} --fingerprint {params.code} > {log} 2>&1"
