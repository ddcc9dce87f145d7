# The paper's claims as tests. They read scores and nothing else: a changed threshold judges again
# and scores nothing.


rule claims:
    """The paper's 18 claims as tests, as published and fitted: replicated, partly, not, not run."""
    input:
        "<results>/claims.md",


rule judge_claims:
    input:
        scores=claim_scores,
        cards=evaluator_reports,
    output:
        csv="<results>/claims.csv",
        markdown="<results>/claims.md",
    log:
        "<logs>/claims.log",
    benchmark:
        "<benchmarks>/claims.jsonl"
    threads: 1
    resources:
        mem_mb=500,
    params:
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=claims_config,
        code=code_of("reports.claims.__main__"),
    message:
        "Judging the paper's claims"
    shell:
        "python -m reports.claims --scores {input.scores} --cards {input.cards}"
        " --protocol {params.protocol:q} --config {params.config:q} --csv {output.csv}"
        " --markdown {output.markdown} > {log} 2>&1"
