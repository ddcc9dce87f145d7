# Score rows to the paper's tables.


rule table1:
    """Table 1: Inception Score of every model and of real images."""
    input:
        lambda wildcards: target_files("table1"),


rule table2:
    """Table 2: intra-class diversity of every model and of real images."""
    input:
        lambda wildcards: target_files("table2"),


rule metrics:
    """FID, KID, precision, recall and more of every model and of real images."""
    input:
        lambda wildcards: target_files("metrics"),


rule imagenet:
    """FID and Inception Score on ImageNet's Inception, with --config imagenet_weights=PATH."""
    input:
        lambda wildcards: target_files("imagenet"),


rule disentanglement:
    """Where label and factors are: probes, DCI, MIG, SAP, effects of coordinates, swaps."""
    input:
        lambda wildcards: target_files("disentanglement"),


rule table:
    input:
        scores=table_scores,
        cards=table_reports,
    output:
        csv="<results>/tables/{table}.csv",
        markdown="<results>/tables/{table}.md",
        latex="<results>/tables/{table}.tex",
        html=report(
            "<results>/tables/{table}.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    log:
        "<logs>/tables/{table}.log",
    benchmark:
        "<benchmarks>/tables/{table}.jsonl"
    threads: 1
    resources:
        mem_mb=500,
    params:
        out=subpath(output.csv, parent=True),
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=table_config(),
        code=code_of("reports.tables.__main__"),
    message:
        "Setting {wildcards.table}"
    shell:
        "python -m reports.tables {wildcards.table} --scores {input.scores} --cards {input.cards}"
        " --protocol {params.protocol:q} --config {params.config:q} --out {params.out} > {log} 2>&1"
