# Is my model better? A candidate is trained or taken in, and scored by the stored evaluator under
# the stored protocol; everything that it is compared with is in reports/stored/<preset>/.


rule stored_evaluator:
    """An evaluator behind the stored scores: from git, or rebuilt by its recipe."""
    input:
        unpack(comparing.stored_judge),
        card="<results>/data/{dataset}/card.json",
    output:
        weights="<results>/evaluator/{dataset}_stored{kind}/weights.safetensors",
        card="<results>/evaluator/{dataset}_stored{kind}/card.json",
    log:
        "<logs>/evaluator/{dataset}_stored{kind}.log",
    benchmark:
        "<benchmarks>/evaluator/{dataset}_stored{kind}.jsonl"
    priority: 100
    resources:
        mem_mb=500,
    params:
        stored=lambda wildcards: str(comparing.stored.folder),
        hash=comparing.judge_hash,
        data=subpath(input.card, parent=True),
        built=lambda wildcards, input: (
            f"--built {Path(input.built).parent}" if "built" in input.keys() else ""
        ),
        out=subpath(output.card, parent=True),
        code=code_of("reports.compare.stored_evaluator"),
    message:
        "Taking the stored evaluator of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m reports.compare.stored_evaluator --stored {params.stored}"
        " --judge {wildcards.dataset}{wildcards.kind} --data {params.data} {params.built} --out {params.out} > {log} 2>&1"


rule intake:
    """Samples from outside: checked, and as many of each class as the protocol says."""
    input:
        candidate=lambda wildcards: comparing.candidate.samples,
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
        candidate="|".join(comparing.from_outside) or "(?!)",
    priority: 90
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(MINUTES),
    params:
        data=subpath(input.card, parent=True),
        stamp=comparing.samples_stamp,
        protocol=plan.protocol_path,
        rules=protocol.hash,
        config=lambda wildcards: plan.slice(wildcards, protocol_overrides=plan.overrides),
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
    priority: 30
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(data_sets.judge_memory),
        runtime=by_attempt(MINUTES),
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        config=lambda wildcards: plan.slice(wildcards, model=wildcards.candidate),
        threads=config["threads"],
        code=code_of("eval.intake.near_duplicates"),
    message:
        "Looking for near-duplicates: {wildcards.candidate}, {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m eval.intake.near_duplicates --samples {input.samples} --data {params.data}"
        " --config {params.config:q} --out {output.found} --threads {params.threads} > {log} 2>&1"


rule write_comparison:
    input:
        comparing.run_files,
        stored=ancient(lambda wildcards: comparing.stored.folder / "index.json"),
    output:
        csv="<results>/compare/{candidate}.csv",
        markdown="<results>/compare/{candidate}.md",
        html="<results>/compare/{candidate}.html",
        png="<results>/compare/{candidate}.png",
    log:
        "<logs>/compare/{candidate}.log",
    benchmark:
        "<benchmarks>/compare/{candidate}.jsonl"
    resources:
        mem_mb=500,
    params:
        stored=lambda wildcards: str(comparing.stored.folder),
        stamp=lambda wildcards, input: digest(Path(input.stored).read_bytes()),
        runs=lambda wildcards: in_order(comparing.runs()),
        config=comparing.compare_slice,
        out=subpath(output.csv, strip_suffix=".csv"),
        code=code_of("reports.compare.__main__"),
    message:
        "Comparing {wildcards.candidate} with the stored results"
    shell:
        "python -m reports.compare page --stored {params.stored} --runs {params.runs:q}"
        " --config {params.config:q} --out {params.out} > {log} 2>&1"


rule compare:
    """A candidate beside the stored results: --config candidate=MODEL, or candidate=PATH dataset=NAME."""
    input:
        lambda wildcards: [
            f"{plan.results}/compare/{comparing.comparable().name}.{kind}"
            for kind in ("md", "csv")
        ],
    log:
        "<logs>/compare.log",
    resources:
        mem_mb=500,
    params:
        page=subpath(input[0], strip_suffix=".md"),
    message:
        "The page of the comparison"
    shell:
        "python -m reports.compare verdict --page {params.page} 2>&1 | tee {log}"
