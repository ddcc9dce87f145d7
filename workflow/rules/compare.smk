# Is my model better? A candidate is trained or taken in, and scored by the stored evaluator under
# the stored protocol; everything that it is compared with is in reports/stored/<preset>/.


rule stored_evaluator:
    """An evaluator behind the stored scores: from git, or rebuilt by its recipe."""
    input:
        unpack(stored_evaluator_inputs),
        card="<results>/data/{dataset}/card.json",
    output:
        weights="<results>/evaluator/{dataset}_stored{kind}/weights.safetensors",
        card="<results>/evaluator/{dataset}_stored{kind}/card.json",
    log:
        "<logs>/evaluator/{dataset}_stored{kind}.log",
    benchmark:
        "<benchmarks>/evaluator/{dataset}_stored{kind}.jsonl"
    wildcard_constraints:
        kind=f"|{PLAIN}",
    priority: 100
    threads: 1
    resources:
        mem_mb=500,
    params:
        stored=lambda wildcards: str(stored_results().folder),
        hash=stored_evaluator_hash,
        data=subpath(input.card, parent=True),
        built=stored_evaluator_argument,
        out=subpath(output.card, parent=True),
        code=code_of("reports.compare.stored_evaluator"),
    message:
        "Taking the stored evaluator of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m reports.compare.stored_evaluator --stored {params.stored} --dataset {wildcards.dataset}"
        " --judge {wildcards.dataset}{wildcards.kind} --data {params.data} {params.built} --out {params.out} > {log} 2>&1"


rule intake:
    """Samples from outside: checked, and as many of each class as the protocol says."""
    input:
        candidate=outside_samples,
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        samples="<results>/samples/{dataset}/{candidate}/seed0.npz",
        manifest="<results>/samples/{dataset}/{candidate}/seed0.manifest.json",
    log:
        "<logs>/intake/{dataset}/{candidate}.log",
    benchmark:
        "<benchmarks>/intake/{dataset}/{candidate}.jsonl"
    wildcard_constraints:
        candidate=one_of(from_outside()),
    priority: 90
    threads: 1
    resources:
        mem_mb=1500,
    params:
        data=subpath(input.card, parent=True),
        stamp=outside_stamp,
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=intake_config,
        code=code_of("eval.intake.__main__"),
    message:
        "Taking in {wildcards.candidate} as samples of {wildcards.dataset}"
    shell:
        "python -m eval.intake --candidate {input.candidate:q} --data {params.data}"
        " --protocol {params.protocol:q} --config {params.config:q} --out {output.samples}"
        " > {log} 2>&1"


rule near_duplicates:
    """Copies of real images among the candidate's samples."""
    input:
        samples="<results>/samples/{dataset}/{candidate}/seed{seed}.npz",
        train="<results>/data/{dataset}/train.npz",
        test="<results>/data/{dataset}/test.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        found="<results>/near_duplicates/{dataset}/{candidate}/seed{seed}.json",
    log:
        "<logs>/near_duplicates/{dataset}/{candidate}/seed{seed}.log",
    benchmark:
        "<benchmarks>/near_duplicates/{dataset}/{candidate}/seed{seed}.jsonl"
    wildcard_constraints:
        candidate=one_of([*all_models(), *from_outside()]),
    priority: 30
    threads: config["threads"]
    resources:
        mem_mb=score_memory,
    params:
        data=subpath(input.card, parent=True),
        config=near_duplicates_config,
        threads=config["threads"],
        code=code_of("eval.intake.near_duplicates"),
    message:
        "Looking for near-duplicates: {wildcards.candidate}, {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m eval.intake.near_duplicates --samples {input.samples} --data {params.data}"
        " --config {params.config:q} --out {output.found} --threads {params.threads} > {log} 2>&1"


use rule features as features_stored with:
    input:
        unpack(feature_images),
        card="<results>/data/{dataset}/card.json",
        weights="<results>/evaluator/{dataset}_stored{kind}/weights.safetensors",
        evaluator="<results>/evaluator/{dataset}_stored{kind}/card.json",
    output:
        features="<results>/features_stored{kind}/{dataset}/{source}/seed{seed}.npz",
    log:
        "<logs>/features_stored{kind}/{dataset}/{source}/seed{seed}.log",
    benchmark:
        "<benchmarks>/features_stored{kind}/{dataset}/{source}/seed{seed}.jsonl"
    wildcard_constraints:
        kind=f"|{PLAIN}",
        source=one_of([*REAL, *all_models(), *from_outside()]),


use rule score as score_stored with:
    input:
        unpack(judged_by(STORED, score_inputs)),
        card="<results>/data/{dataset}/card.json",
    output:
        scores="<results>/scores_stored/{dataset}/{model}/seed{seed}.{family}.csv",
    log:
        "<logs>/score_stored/{dataset}/{model}/seed{seed}.{family}.log",
    benchmark:
        "<benchmarks>/score_stored/{dataset}/{model}/seed{seed}.{family}.jsonl"
    wildcard_constraints:
        model=one_of([*all_models(), *from_outside()]),
        family=one_of(COMPARED_FAMILIES),
    params:
        inputs=judged_by(STORED, score_inputs_argument),
        data=subpath(input.card, parent=True),
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=score_config,
        threads=config["threads"],
        code=score_code,


rule write_comparison:
    input:
        unpack(comparison_inputs),
    output:
        csv="<results>/compare/{candidate}.csv",
        markdown="<results>/compare/{candidate}.md",
        html="<results>/compare/{candidate}.html",
        png="<results>/compare/{candidate}.png",
    log:
        "<logs>/compare/{candidate}.log",
    benchmark:
        "<benchmarks>/compare/{candidate}.jsonl"
    wildcard_constraints:
        candidate="[^/]+",
    threads: 1
    resources:
        mem_mb=500,
    params:
        stored=lambda wildcards: str(stored_results().folder),
        stamp=stored_stamp,
        runs=comparison_runs_argument,
        config=comparison_config,
        out=lambda wildcards, output: str(Path(output.csv).with_suffix("")),
        code=code_of("reports.compare.__main__"),
    message:
        "Comparing {wildcards.candidate} with the stored results"
    shell:
        "python -m reports.compare page --stored {params.stored} --runs {params.runs:q}"
        " --config {params.config:q} --out {params.out} > {log} 2>&1"


rule compare:
    """A candidate beside the stored results: --config candidate=MODEL, or candidate=PATH dataset=NAME."""
    input:
        lambda wildcards: comparison_pages(),
    log:
        "<logs>/compare.log",
    threads: 1
    resources:
        mem_mb=500,
    params:
        page=lambda wildcards, input: str(Path(input[0]).with_suffix("")),
    message:
        "The page of the comparison"
    shell:
        "python -m reports.compare verdict --page {params.page} 2>&1 | tee {log}"
