# Ours with one part of the method changed at a time: trained, sampled and scored by the rules of
# every other model, under the name ours_<ablation>.


rule ablations:
    """Section 3's reasons: ours, and ours with one part of the method changed at a time."""
    input:
        lambda wildcards: target_files("ablations"),


rule ablation_table:
    input:
        scores=ablation_scores,
        card=lambda wildcards: f"{results()}/evaluator/{config['ablations']['dataset']}/report.json",
    output:
        csv="<results>/ablations.csv",
        markdown="<results>/ablations.md",
    log:
        "<logs>/ablations.log",
    benchmark:
        "<benchmarks>/ablations.jsonl"
    threads: 1
    resources:
        mem_mb=500,
    params:
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=ablation_config,
        code=code_of("reports.studies.ablations"),
    message:
        "Setting the table of ablations"
    shell:
        "python -m reports.studies.ablations --scores {input.scores} --cards {input.card}"
        " --protocol {params.protocol:q} --config {params.config:q} --csv {output.csv}"
        " --markdown {output.markdown} > {log} 2>&1"
