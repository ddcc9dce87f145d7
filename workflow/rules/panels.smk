# What a figure shows: codes chosen and decoded, images picked. Figures only draw panels.


rule panel:
    input:
        unpack(panel_inputs),
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
        mem_mb=2000,
        gpu=GPU,
    params:
        out=subpath(output.meta, parent=True),
        inputs=panel_folders,
        config=panel_config,
        threads=config["threads"],
        code=panel_code,
    message:
        "Decoding the panel of {wildcards.figure}, {wildcards.dataset}"
    shell:
        "python -m eval.panels {wildcards.figure} --config {params.config:q}"
        " --inputs {params.inputs:q} --out {params.out} --threads {params.threads} > {log} 2>&1"
