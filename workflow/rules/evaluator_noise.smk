# How much of a gap between scores is the judges' own: the same score rows, judge by judge.


rule evaluator_noise:
    """Inception Scores and top-1 by every judge: what of the order of models depends on them."""
    input:
        scores=lambda wildcards: scores_of("inception"),
        reports=lambda wildcards: [
            report for kind in ("", PLAIN) for report in evaluator_reports(wildcards, kind)
        ],
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
        code=code_of("reports.studies.evaluator_noise"),
    message:
        "Comparing the judges"
    shell:
        "python -m reports.studies.evaluator_noise --scores {input.scores} --cards {input.reports}"
        " --protocol {params.protocol:q} --config {params.config:q}"
        " --csv {output.csv} --markdown {output.markdown} > {log} 2>&1"
