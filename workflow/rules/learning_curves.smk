# Every training continued beyond the budget of the tables and scored on the way.


rule learning_curves:
    """Who leads at which budget: scores against updates, images read and processor seconds."""
    input:
        lambda wildcards: target_files("learning_curves"),


rule write_learning_curves:
    input:
        scores=curve_scores,
        cards=evaluator_reports,
    output:
        csv="<results>/learning_curves.csv",
        markdown="<results>/learning_curves.md",
    log:
        "<logs>/learning_curves.log",
    benchmark:
        "<benchmarks>/learning_curves.jsonl"
    threads: 1
    resources:
        mem_mb=500,
    params:
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=table_config(),
        code=code_of("reports.studies.learning_curves"),
    message:
        "Comparing the learning curves"
    shell:
        "python -m reports.studies.learning_curves --scores {input.scores} --cards {input.cards}"
        " --protocol {params.protocol:q} --config {params.config:q}"
        " --csv {output.csv} --markdown {output.markdown} > {log} 2>&1"


rule draw_learning_curves:
    input:
        csv="<results>/learning_curves.csv",
    output:
        png=report(
            "<results>/figures/learning_curves.png",
            caption="../report/learning_curves.rst",
            category="Figures",
            labels={"figure": "learning_curves"},
        ),
        pdf="<results>/figures/learning_curves.pdf",
    log:
        "<logs>/figures/learning_curves.log",
    benchmark:
        "<benchmarks>/figures/learning_curves.jsonl"
    threads: 1
    resources:
        mem_mb=500,
    params:
        code=code_of("reports.figures.draw_learning_curves"),
    message:
        "Drawing the learning curves"
    shell:
        "python -m reports.figures.draw_learning_curves --csv {input.csv}"
        " --png {output.png} --pdf {output.pdf} > {log} 2>&1"
