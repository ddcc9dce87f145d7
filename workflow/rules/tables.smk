# Score rows to the paper's tables, and to those that the paper has not.


rule table1:
    """Table 1: Inception Score of every model and of real images."""
    input:
        lambda wildcards: targets.target("table1"),


rule table2:
    """Table 2: intra-class diversity of every model and of real images."""
    input:
        lambda wildcards: targets.target("table2"),


rule metrics:
    """FID, KID, precision, recall and more of every model and of real images."""
    input:
        lambda wildcards: targets.target("metrics"),


rule imagenet:
    """FID and Inception Score on ImageNet's Inception, with --config imagenet_weights=PATH."""
    input:
        lambda wildcards: targets.target("imagenet"),


rule disentanglement:
    """Where label and factors are: probes, DCI, MIG, SAP, effects of coordinates, swaps."""
    input:
        lambda wildcards: targets.target("disentanglement"),


rule table:
    input:
        scores=lambda wildcards: targets.page_scores(wildcards.table),
        # ImageNet's Inception has no report card.
        cards=lambda wildcards: [] if wildcards.table == "imagenet" else targets.cards(),
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
    resources:
        mem_mb=500,
    params:
        out=subpath(output.csv, parent=True),
        protocol=plan.protocol_path,
        rules=protocol.hash,
        config=lambda wildcards: targets.page_slice(wildcards.table),
        code=code_of("reports.tables.__main__"),
    message:
        "Setting {wildcards.table}"
    shell:
        "python -m reports.tables {wildcards.table} --scores {input.scores} --cards {input.cards}"
        " --protocol {params.protocol:q} --config {params.config:q} --out {params.out} > {log} 2>&1"
