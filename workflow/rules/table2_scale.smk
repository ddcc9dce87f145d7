# The scale of Table 2: the images of the tables under several pixel ranges, scales and windows.


rule table2_scale:
    """Which pixel ranges, scales and windows give values as small as the paper's Table 2."""
    input:
        "<results>/table2_scale.md",


rule write_table2_scale:
    input:
        scores=lambda wildcards: scores_of("scale"),
    output:
        csv="<results>/table2_scale.csv",
        markdown="<results>/table2_scale.md",
    log:
        "<logs>/table2_scale.log",
    benchmark:
        "<benchmarks>/table2_scale.jsonl"
    threads: 1
    resources:
        mem_mb=500,
    params:
        config=table_config(),
        code=code_of("reports.studies.table2_scale"),
    message:
        "Comparing scales of Table 2"
    shell:
        "python -m reports.studies.table2_scale --scores {input.scores} --config {params.config:q}"
        " --csv {output.csv} --markdown {output.markdown} > {log} 2>&1"
