# Raw data to prepared splits: uint8 arrays with labels, and a card.


rule prepare:
    output:
        train="<results>/data/{dataset}/train.npz",
        test="<results>/data/{dataset}/test.npz",
        card="<results>/data/{dataset}/card.json",
        manifest="<results>/data/{dataset}/manifest.json",
    log:
        "<logs>/prepare/{dataset}.log",
    benchmark:
        "<benchmarks>/prepare/{dataset}.jsonl"
    priority: 100
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(JUDGE_MINUTES),
    params:
        out=subpath(output.card, parent=True),
        config=data_sets.labelled,
        source=lambda wildcards: data_sets.checked(wildcards.dataset),
        code=lambda wildcards: code_of("dlvae.prepare", MODULES[wildcards.dataset]),
    message:
        "Preparing {wildcards.dataset}"
    shell:
        "python -m dlvae.prepare --config {params.config:q} --out {params.out} > {log} 2>&1"


use rule prepare as prepare_judges with:
    output:
        train="<results>/data/{dataset}_judges/train.npz",
        card="<results>/data/{dataset}_judges/card.json",
        manifest="<results>/data/{dataset}_judges/manifest.json",
    log:
        "<logs>/prepare/{dataset}_judges.log",
    benchmark:
        "<benchmarks>/prepare/{dataset}_judges.jsonl"
    params:
        config=data_sets.for_judges,
        source="",
    message:
        "Preparing more images of {wildcards.dataset} for the judges"


use rule prepare as prepare_unlabelled with:
    output:
        train="<results>/data/{dataset}_unlabelled/train.npz",
        heldout="<results>/data/{dataset}_unlabelled/heldout.npz",
        card="<results>/data/{dataset}_unlabelled/card.json",
        manifest="<results>/data/{dataset}_unlabelled/manifest.json",
    log:
        "<logs>/prepare/{dataset}_unlabelled.log",
    benchmark:
        "<benchmarks>/prepare/{dataset}_unlabelled.jsonl"
    params:
        config=data_sets.unlabelled,
        source=lambda wildcards: data_sets.checked(wildcards.dataset, "unlabelled"),
    message:
        "Preparing the unlabelled images of {wildcards.dataset}"


# A rule of its own beside a prepared data set: whatever is learned or scored reads none of it, so
# that a better description trains and scores nothing again.
rule describe:
    input:
        train="<results>/data/{prepared}/train.npz",
        card="<results>/data/{prepared}/card.json",
        manifest="<results>/data/{prepared}/manifest.json",
    output:
        data_card="<results>/data/{prepared}/croissant.json",
    log:
        "<logs>/describe/{prepared}.log",
    benchmark:
        "<benchmarks>/describe/{prepared}.jsonl"
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(MINUTES),
    params:
        data=subpath(output.data_card, parent=True),
        code=code_of("dlvae.describe"),
    message:
        "Describing {wildcards.prepared}"
    shell:
        "python -m dlvae.describe --data {params.data} > {log} 2>&1"


rule cards:
    """Data cards, as Croissant: what every prepared data set is, its licence, defects and uses."""
    input:
        lambda wildcards: data_sets.data_cards(),
