# How much of a gap between scores is the evaluator's own noise: one more evaluator, of another
# seed, and the Inception Scores under both. The sample sets stay the same.


use rule evaluator as evaluator_second with:
    output:
        weights="<results>/evaluator/{dataset}_second/weights.safetensors",
        card="<results>/evaluator/{dataset}_second/card.json",
        manifest="<results>/evaluator/{dataset}_second/manifest.json",
    log:
        text="<logs>/evaluator/{dataset}_second.log",
        run="<logs>/evaluator/{dataset}_second.jsonl",
    benchmark:
        "<benchmarks>/evaluator/{dataset}_second.jsonl"
    params:
        data=subpath(input.card, parent=True),
        out=subpath(output.card, parent=True),
        resume=resume_root(),
        config=second_evaluator_config,
        threads=config["threads"],
        precision=config["precision"],
        code=code_of("eval.evaluator.__main__"),
    message:
        "Training a second evaluator of {wildcards.dataset}"


use rule features as features_second with:
    input:
        unpack(feature_images),
        card="<results>/data/{dataset}/card.json",
        weights="<results>/evaluator/{dataset}_second/weights.safetensors",
        evaluator="<results>/evaluator/{dataset}_second/card.json",
    output:
        features="<results>/features_second/{dataset}/{source}/seed{seed}.npz",
    log:
        "<logs>/features_second/{dataset}/{source}/seed{seed}.log",
    benchmark:
        "<benchmarks>/features_second/{dataset}/{source}/seed{seed}.jsonl"


use rule evaluator_report as evaluator_second_report with:
    input:
        train="<results>/features_second/{dataset}/real_train/seed0.npz",
        test="<results>/features_second/{dataset}/real_test/seed0.npz",
        card="<results>/data/{dataset}/card.json",
    output:
        report="<results>/evaluator/{dataset}_second/report.json",
    log:
        "<logs>/evaluator/{dataset}_second.report.log",
    benchmark:
        "<benchmarks>/evaluator/{dataset}_second.report.jsonl"


use rule score as score_second with:
    input:
        unpack(judged_by(SECOND, score_inputs)),
        card="<results>/data/{dataset}/card.json",
    output:
        scores="<results>/scores_second/{dataset}/{model}/seed{seed}.{family}.csv",
    log:
        "<logs>/score_second/{dataset}/{model}/seed{seed}.{family}.log",
    benchmark:
        "<benchmarks>/score_second/{dataset}/{model}/seed{seed}.{family}.jsonl"
    wildcard_constraints:
        model="|".join(["real", *all_models()]),
        family="inception",
    params:
        inputs=judged_by(SECOND, score_inputs_argument),
        data=subpath(input.card, parent=True),
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=score_config,
        threads=config["threads"],
        code=score_code,


rule evaluator_noise:
    """Inception Scores under a second evaluator: how much of a gap is the evaluator's noise."""
    input:
        "<results>/evaluator_noise.md",


rule write_evaluator_noise:
    input:
        first=lambda wildcards: scores_of("inception"),
        second=lambda wildcards: scores_of("inception", SECOND),
        reports=evaluator_reports,
        second_reports=lambda wildcards: evaluator_reports(wildcards, SECOND),
    output:
        csv="<results>/evaluator_noise.csv",
        markdown="<results>/evaluator_noise.md",
    log:
        "<logs>/evaluator_noise.log",
    benchmark:
        "<benchmarks>/evaluator_noise.jsonl"
    threads: 1
    resources:
        mem_mb=500,
    params:
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=table_config(),
        code=code_of("reports.evaluator_noise"),
    message:
        "Comparing two evaluators"
    shell:
        "python -m reports.evaluator_noise --first {input.first} --second {input.second}"
        " --reports {input.reports} {input.second_reports}"
        " --protocol {params.protocol:q} --config {params.config:q}"
        " --csv {output.csv} --markdown {output.markdown} > {log} 2>&1"
