# Judges trained on real (or rendered) images only: the evaluator and the factor regressor.


# One member of an ensemble: members learn apart, so that they are jobs beside each other.
rule evaluator_member:
    input:
        card="<results>/data/{dataset}/card.json",
        train=lambda wildcards: f"{data_sets.judge_images(wildcards)}/train.npz",
        images=lambda wildcards: f"{data_sets.judge_images(wildcards)}/card.json",
    output:
        multiext("<results>/evaluator/{dataset}{kind}/member{member}/", **JUDGE),
    log:
        text="<logs>/evaluator/{dataset}{kind}/member{member}.log",
        run="<logs>/evaluator/{dataset}{kind}/member{member}.jsonl",
    benchmark:
        "<benchmarks>/evaluator/{dataset}{kind}/member{member}.jsonl"
    priority: 60
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(data_sets.judge_memory),
        runtime=by_attempt(JUDGE_MINUTES),
        gpu=GPU,
    params:
        module="eval.judge",
        data=subpath(input.card, parent=True),
        images=data_sets.images_argument,
        out=subpath(output.card, parent=True),
        resume=f"{plan.results}/resume",
        config=data_sets.member,
        threads=config["threads"],
        precision=config["precision"],
        code=code_of("eval.judge.__main__"),
    message:
        "Training judge {wildcards.member} of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m {params.module} --data {params.data} {params.images} --config {params.config:q}"
        " --out {params.out} --resume-root {params.resume} --run-log {log.run}"
        " --threads {params.threads} --precision {params.precision} --fingerprint {params.code}"
        " 2>&1 | tee {log.text}"


rule evaluator:
    """The judges of a data set as one artefact: weights, card, hash."""
    input:
        weights=lambda wildcards: data_sets.members(wildcards, "weights.safetensors"),
        cards=lambda wildcards: data_sets.members(wildcards, "card.json"),
        manifests=lambda wildcards: data_sets.members(wildcards, "manifest.json"),
    output:
        multiext("<results>/evaluator/{dataset}{kind}/", **JUDGE),
    log:
        "<logs>/evaluator/{dataset}{kind}.log",
    benchmark:
        "<benchmarks>/evaluator/{dataset}{kind}.jsonl"
    priority: 60
    resources:
        mem_mb=data_sets.judge_memory,
    params:
        members=data_sets.members,
        out=subpath(output.card, parent=True),
        code=code_of("eval.judge.join"),
    message:
        "Joining the judges of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m eval.judge.join --members {params.members} --out {params.out}" " > {log} 2>&1"


rule evaluator_report:
    """How far an evaluator can be trusted, on real images."""
    input:
        train="<results>/features{kind}/{dataset}/real_train/seed0.npz",
        test="<results>/features{kind}/{dataset}/real_test/seed0.npz",
        held_out="<results>/data/{dataset}/test.npz",
        card="<results>/data/{dataset}/card.json",
        weights="<results>/evaluator/{dataset}{kind}/weights.safetensors",
        evaluator="<results>/evaluator/{dataset}{kind}/card.json",
    output:
        report="<results>/evaluator/{dataset}{kind}/report.json",
    log:
        "<logs>/evaluator/{dataset}{kind}.report.log",
    benchmark:
        "<benchmarks>/evaluator/{dataset}{kind}.report.jsonl"
    priority: 60
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(data_sets.judge_memory),
        runtime=by_attempt(MINUTES),
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        evaluator=subpath(input.evaluator, parent=True),
        threads=config["threads"],
        code=code_of("eval.judge.report_card"),
    message:
        "Report card of the evaluator of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m eval.judge.report_card --train {input.train} --test {input.test}"
        " --evaluator {params.evaluator} --data {params.data} --threads {params.threads}"
        " --out {output.report} 2>&1 | tee {log}"


use rule evaluator_member as factors with:
    input:
        train="<results>/data/{dataset}/train.npz",
        test="<results>/data/{dataset}/test.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        multiext("<results>/evaluator/{dataset}_factors/", **JUDGE),
    log:
        text="<logs>/factors/{dataset}.log",
        run="<logs>/factors/{dataset}.jsonl",
    benchmark:
        "<benchmarks>/factors/{dataset}.jsonl"
    priority: 40
    params:
        module="eval.judge.factor_regressor",
        images="",
        config=lambda wildcards: plan.slice(wildcards, **plan.section(wildcards.dataset)["factors"]),
        code=code_of("eval.judge.factor_regressor"),
    message:
        "Training the factor regressor of {wildcards.dataset}"
