# Panels to pictures, and the target of each figure.


rule figure2:
    """Figure 2: the toy data and what both models make of it, epoch by epoch."""
    input:
        lambda wildcards: target_files("figure2"),


rule figure3:
    """Figure 3: images of one class, real and of every model."""
    input:
        lambda wildcards: target_files("figure3"),


rule figure4:
    """Figure 4: z_s varied with z_u fixed, and the reverse."""
    input:
        lambda wildcards: target_files("figure4"),


rule figure5:
    """Figure 5: three single coordinates of z_u."""
    input:
        lambda wildcards: target_files("figure5"),


rule figure6:
    """Figure 6: z_s of one image with z_u of another, on classes never seen with labels."""
    input:
        lambda wildcards: target_files("figure6"),


rule figure7:
    """Figure 7: inpainting with four masks."""
    input:
        lambda wildcards: target_files("figure7"),


rule draw:
    input:
        arrays=lambda wildcards: panel_files(wildcards.figure, "panel.npz"),
        meta=lambda wildcards: panel_files(wildcards.figure, "panel.json"),
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
    threads: 1
    resources:
        mem_mb=500,
    params:
        panels=lambda wildcards: panel_files(wildcards.figure, ""),
        code=lambda wildcards: code_of(f"reports.figures.draw_{wildcards.figure}"),
    message:
        "Drawing {wildcards.figure}"
    shell:
        "python -m reports.figures.draw_{wildcards.figure} --panel {params.panels}"
        " --png {output.png} --pdf {output.pdf} > {log} 2>&1"
