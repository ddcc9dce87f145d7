# Judges trained on real (or rendered) images only: the evaluator and the factor regressor.


rule evaluator:
    input:
        train="<results>/data/{dataset}/train.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        weights="<results>/evaluator/{dataset}/weights.safetensors",
        card="<results>/evaluator/{dataset}/card.json",
        manifest="<results>/evaluator/{dataset}/manifest.json",
    log:
        text="<logs>/evaluator/{dataset}.log",
        run="<logs>/evaluator/{dataset}.jsonl",
    benchmark:
        "<benchmarks>/evaluator/{dataset}.jsonl"
    priority: 60
    threads: config["threads"]
    resources:
        mem_mb=evaluator_memory,
        gpu=GPU,
    params:
        data=subpath(input.card, parent=True),
        out=subpath(output.card, parent=True),
        resume=resume_root(),
        config=evaluator_config,
        threads=config["threads"],
        precision=config["precision"],
        code=code_of("eval.evaluator.__main__"),
    message:
        "Training the evaluator of {wildcards.dataset}"
    shell:
        "python -m eval.evaluator --data {params.data} --config {params.config:q}"
        " --out {params.out} --resume-root {params.resume} --run-log {log.run}"
        " --threads {params.threads} --precision {params.precision} --fingerprint {params.code}"
        " 2>&1 | tee {log.text}"


rule evaluator_report:
    """How far an evaluator can be trusted, on real images."""
    input:
        train="<results>/features/{dataset}/real_train/seed0.npz",
        test="<results>/features/{dataset}/real_test/seed0.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        report="<results>/evaluator/{dataset}/report.json",
    log:
        "<logs>/evaluator/{dataset}.report.log",
    benchmark:
        "<benchmarks>/evaluator/{dataset}.report.jsonl"
    priority: 60
    threads: 1
    resources:
        mem_mb=1000,
    params:
        data=subpath(input.card, parent=True),
        code=code_of("eval.evaluator.report"),
    message:
        "Report card of the evaluator of {wildcards.dataset}"
    shell:
        "python -m eval.evaluator.report --train {input.train} --test {input.test}"
        " --data {params.data} --out {output.report} 2>&1 | tee {log}"


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
        code=code_of("eval.factors"),
    message:
        "Training the factor regressor of {wildcards.dataset}"
    shell:
        "python -m eval.factors --data {params.data} --config {params.config:q}"
        " --out {params.out} --resume-root {params.resume} --run-log {log.run}"
        " --threads {params.threads} --precision {params.precision} --fingerprint {params.code}"
        " 2>&1 | tee {log.text}"
