# What a figure shows, codes chosen and decoded, images picked: its panels. Figures only draw panels,
# and the report shows that of the swap explorer.


rule figure2:
    """Figure 2: the toy data and what both models make of it, epoch by epoch."""
    input:
        lambda wildcards: targets.target("figure2"),


rule figure3:
    """Figure 3: images of one class, real and of every model."""
    input:
        lambda wildcards: targets.target("figure3"),


rule figure4:
    """Figure 4: z_s varied with z_u fixed, and the reverse."""
    input:
        lambda wildcards: targets.target("figure4"),


rule figure5:
    """Figure 5: three single coordinates of z_u."""
    input:
        lambda wildcards: targets.target("figure5"),


rule figure6:
    """Figure 6: z_s of one image with z_u of another, on classes never seen with labels."""
    input:
        lambda wildcards: targets.target("figure6"),


rule figure7:
    """Figure 7: inpainting with four masks."""
    input:
        lambda wildcards: targets.target("figure7"),


rule training_curves:
    """Every loss of every training against its updates, from the run logs."""
    input:
        lambda wildcards: targets.target("training_curves"),


rule panel:
    input:
        unpack(panels.inputs),
    output:
        arrays="<results>/panels/{figure}/{dataset}/panel.npz",
        meta="<results>/panels/{figure}/{dataset}/panel.json",
        manifest="<results>/panels/{figure}/{dataset}/manifest.json",
    log:
        "<logs>/panel/{figure}/{dataset}.log",
    benchmark:
        "<benchmarks>/panel/{figure}/{dataset}.jsonl"
    priority: 20
    threads: config["threads"]
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(MINUTES),
        gpu=GPU,
    params:
        out=subpath(output.meta, parent=True),
        inputs=lambda wildcards: in_order(panels.sources(wildcards)),
        config=panels.panel_slice,
        threads=config["threads"],
        code=panels.panel_code,
    message:
        "Decoding the panel of {wildcards.figure}, {wildcards.dataset}"
    shell:
        "python -m eval.panels {wildcards.figure} --config {params.config:q}"
        " --inputs {params.inputs:q} --out {params.out} --threads {params.threads} > {log} 2>&1"


rule draw:
    input:
        arrays=lambda wildcards: panels.panels(wildcards.figure, "panel.npz"),
        meta=lambda wildcards: panels.panels(wildcards.figure, "panel.json"),
    output:
        png=report(
            "<results>/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        pdf="<results>/figures/{figure}.pdf",
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.jsonl"
    wildcard_constraints:
        figure="figure[2-7]",
    resources:
        mem_mb=500,
    params:
        panels=lambda wildcards: panels.panels(wildcards.figure),
        code=lambda wildcards: code_of(f"reports.figures.draw_{wildcards.figure}"),
    message:
        "Drawing {wildcards.figure}"
    shell:
        "python -m reports.figures.draw_{wildcards.figure} --panel {params.panels}"
        " --png {output.png} --pdf {output.pdf} > {log} 2>&1"


rule draw_learning_curves:
    """A step of learning_curves: its figure."""
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
    resources:
        mem_mb=500,
    params:
        code=code_of("reports.figures.draw_learning_curves"),
    message:
        "Drawing the learning curves"
    shell:
        "python -m reports.figures.draw_learning_curves --csv {input.csv}"
        " --png {output.png} --pdf {output.pdf} > {log} 2>&1"


rule draw_training_curves:
    """A step of training_curves: its figure."""
    input:
        # Of a training; its run log is no input, for a log that was lost is no reason to train anew.
        expand("<results>/models/{training}/manifest.json", training=targets.training_curves()),
    output:
        png=report(
            "<results>/figures/training_curves.png",
            caption="../report/training_curves.rst",
            category="Figures",
            labels={"figure": "training_curves"},
        ),
        pdf="<results>/figures/training_curves.pdf",
    log:
        "<logs>/figures/training_curves.log",
    benchmark:
        "<benchmarks>/figures/training_curves.jsonl"
    resources:
        mem_mb=500,
    params:
        logs=expand(
            f"{plan.results}/logs/train/{{training}}.jsonl", training=targets.training_curves()
        ),
        preset=plan.preset,
        code=code_of("reports.figures.draw_training_curves"),
    message:
        "Drawing the training curves"
    shell:
        "python -m reports.figures.draw_training_curves --logs {params.logs:q}"
        " --preset {params.preset:q} --png {output.png} --pdf {output.pdf} > {log} 2>&1"
