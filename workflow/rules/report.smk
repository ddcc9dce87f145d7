# One self-contained page of everything above.


rule report:
    """The tables, the figures and how they were made, in one page."""
    input:
        results=targets.report_inputs(),
        data_cards=lambda wildcards: data_sets.data_cards(),
    output:
        page=report(
            "<results>/report.html",
            caption="../report/report.rst",
            category="Provenance",
            labels={"page": "whole report"},
        ),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.jsonl"
    resources:
        mem_mb=500,
    params:
        results=subpath(output.page, parent=True),
        config=targets.report_slice(),
        # Targets of their own, shown where they were made.
        studies=lambda wildcards: targets.made_studies(),
        code=code_of("reports.report.__main__"),
    message:
        "Writing the report"
    shell:
        "python -m reports.report --config {params.config:q} --results {params.results}"
        " --out {output.page} > {log} 2>&1"
