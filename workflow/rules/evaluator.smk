# Judges trained on real (or rendered) images only: the evaluator and the factor regressor.


rule evaluator_member:
    """One member of an ensemble: members learn apart, so that they are jobs beside each other."""
    input:
        card="<results>/data/{dataset}/card.json",
        train=lambda wildcards: f"{judge_images(wildcards)}/train.npz",
        images=lambda wildcards: f"{judge_images(wildcards)}/card.json",
    output:
        weights="<results>/evaluator/{dataset}{kind}/member{member}/weights.safetensors",
        card="<results>/evaluator/{dataset}{kind}/member{member}/card.json",
        manifest="<results>/evaluator/{dataset}{kind}/member{member}/manifest.json",
    log:
        text="<logs>/evaluator/{dataset}{kind}/member{member}.log",
        run="<logs>/evaluator/{dataset}{kind}/member{member}.jsonl",
    benchmark:
        "<benchmarks>/evaluator/{dataset}{kind}/member{member}.jsonl"
    wildcard_constraints:
        kind=f"|{PLAIN}",
        member=r"\d+",
    priority: 60
    threads: config["threads"]
    resources:
        mem_mb=evaluator_memory,
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        images=judge_images_argument,
        out=subpath(output.card, parent=True),
        resume=resume_root(),
        config=evaluator_config,
        threads=config["threads"],
        precision=config["precision"],
        code=code_of("eval.judge.__main__"),
    message:
        "Training judge {wildcards.member} of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m eval.judge --data {params.data} {params.images} --config {params.config:q}"
        " --out {params.out} --resume-root {params.resume} --run-log {log.run}"
        " --threads {params.threads} --precision {params.precision} --fingerprint {params.code}"
        " 2>&1 | tee {log.text}"


rule evaluator:
    """The judges of a data set as one artefact: weights, card, hash."""
    input:
        unpack(member_files),
    output:
        weights="<results>/evaluator/{dataset}{kind}/weights.safetensors",
        card="<results>/evaluator/{dataset}{kind}/card.json",
        manifest="<results>/evaluator/{dataset}{kind}/manifest.json",
    log:
        "<logs>/evaluator/{dataset}{kind}.log",
    benchmark:
        "<benchmarks>/evaluator/{dataset}{kind}.jsonl"
    wildcard_constraints:
        kind=f"|{PLAIN}",
    priority: 60
    threads: 1
    resources:
        mem_mb=evaluator_memory,
    params:
        members=lambda wildcards, input: [str(Path(card).parent) for card in input.cards],
        out=subpath(output.card, parent=True),
        code=code_of("eval.judge.join"),
    message:
        "Joining the judges of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m eval.judge.join --members {params.members} --out {params.out}"
        " > {log} 2>&1"


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
    wildcard_constraints:
        kind=f"|{PLAIN}",
    priority: 60
    threads: config["threads"]
    resources:
        mem_mb=evaluator_memory,
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        evaluator=subpath(input.evaluator, parent=True),
        threads=config["threads"],
        code=code_of("eval.judge.report"),
    message:
        "Report card of the evaluator of {wildcards.dataset}{wildcards.kind}"
    shell:
        "python -m eval.judge.report --train {input.train} --test {input.test}"
        " --evaluator {params.evaluator} --data {params.data} --threads {params.threads}"
        " --out {output.report} 2>&1 | tee {log}"


rule factors:
    input:
        train="<results>/data/{dataset}/train.npz",
        test="<results>/data/{dataset}/test.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        weights="<results>/evaluator/{dataset}_factors/weights.safetensors",
        card="<results>/evaluator/{dataset}_factors/card.json",
        manifest="<results>/evaluator/{dataset}_factors/manifest.json",
    log:
        text="<logs>/factors/{dataset}.log",
        run="<logs>/factors/{dataset}.jsonl",
    benchmark:
        "<benchmarks>/factors/{dataset}.jsonl"
    priority: 40
    threads: config["threads"]
    resources:
        mem_mb=evaluator_memory,
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        out=subpath(output.card, parent=True),
        resume=resume_root(),
        config=factors_config,
        threads=config["threads"],
        precision=config["precision"],
        code=code_of("eval.judge.factors"),
    message:
        "Training the factor regressor of {wildcards.dataset}"
    shell:
        "python -m eval.judge.factors --data {params.data} --config {params.config:q}"
        " --out {params.out} --resume-root {params.resume} --run-log {log.run}"
        " --threads {params.threads} --precision {params.precision} --fingerprint {params.code}"
        " 2>&1 | tee {log.text}"
