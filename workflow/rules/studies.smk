# Pages made of scores, beside the tables. They read scores and nothing else: a changed threshold of
# a claim judges again and scores nothing.


rule claims:
    """The paper's 18 claims as tests, as published and fitted: replicated, partly, not, not run."""
    input:
        "<results>/claims.md",


rule ablations:
    """Section 3's reasons: ours, and ours with one part of the method changed at a time."""
    input:
        lambda wildcards: targets.target("ablations"),


rule learning_curves:
    """Who leads at which budget: scores against updates, images read and processor seconds."""
    input:
        lambda wildcards: targets.target("learning_curves"),


rule evaluator_noise:
    """Inception Scores and top-1 by every judge: what of the order of models depends on them."""
    input:
        "<results>/evaluator_noise.md",


rule table2_scale:
    """Which pixel ranges, scales and windows give values as small as the paper's Table 2."""
    input:
        "<results>/table2_scale.md",


rule judge_claims:
    """A step of a study's target, and of freeze: the page, made of score rows."""
    input:
        scores=lambda wildcards: targets.page_scores("claims"),
        cards=targets.cards(),
    output:
        csv="<results>/<page>.csv",
        markdown="<results>/<page>.md",
    log:
        "<logs>/<page>.log",
    benchmark:
        "<benchmarks>/<page>.jsonl"
    pathvars:
        page="claims",
    resources:
        mem_mb=500,
    params:
        module="reports.claims",
        protocol=plan.protocol_path,
        rules=protocol.hash,
        config=lambda wildcards: targets.page_slice("claims"),
        code=code_of("reports.claims.__main__"),
    message:
        "Judging the paper's claims"
    shell:
        "python -m {params.module} --scores {input.scores} --cards {input.cards}"
        " --protocol {params.protocol:q} --config {params.config:q} --csv {output.csv}"
        " --markdown {output.markdown} > {log} 2>&1"


use rule judge_claims as ablation_table with:
    input:
        scores=lambda wildcards: targets.page_scores("ablations"),
        cards=lambda wildcards: f"{plan.judge(targets.ablated)}/report.json",
    pathvars:
        page="ablations",
    params:
        module="reports.studies.ablations",
        config=lambda wildcards: targets.page_slice("ablations"),
        code=code_of("reports.studies.ablations"),
    message:
        "Setting the table of ablations"


use rule judge_claims as write_learning_curves with:
    input:
        scores=lambda wildcards: targets.page_scores("learning_curves"),
        cards=targets.cards(),
    pathvars:
        page="learning_curves",
    params:
        module="reports.studies.learning_curves",
        config=targets.page_slice("learning_curves"),
        code=code_of("reports.studies.learning_curves"),
    message:
        "Comparing the learning curves"


use rule judge_claims as write_evaluator_noise with:
    input:
        scores=lambda wildcards: targets.page_scores("evaluator_noise"),
        cards=targets.cards("", PLAIN),
    pathvars:
        page="evaluator_noise",
    params:
        module="reports.studies.evaluator_noise",
        config=targets.page_slice("evaluator_noise"),
        code=code_of("reports.studies.evaluator_noise"),
    message:
        "Comparing the judges"


use rule judge_claims as write_table2_scale with:
    input:
        scores=lambda wildcards: targets.page_scores("table2_scale"),
        cards=[],
    pathvars:
        page="table2_scale",
    params:
        module="reports.studies.table2_scale",
        config=targets.page_slice("table2_scale"),
        code=code_of("reports.studies.table2_scale"),
    message:
        "Comparing scales of Table 2"
