# Stored results against their hashes, against what follows from them, and against one training
# made again as their manifests say. Only reports.freeze.verify compares; nothing is written among
# them. Nothing is made anew because a stored file has a new date.

CELL = {
    "results": f"{plan.results}/verify",
    "logs": f"{plan.results}/logs/verify",
    "benchmarks": f"{plan.results}/benchmarks/verify",
}


rule verify:
    """Check stored results: hashes, tables and claims from stored rows, one training made again."""
    input:
        index=ancient(lambda wildcards: frozen.stored.folder / "index.json"),
        again=lambda wildcards: frozen.again[0],
    log:
        "<logs>/verify.log",
    resources:
        mem_mb=1500,
    params:
        preset=config["preset"],
        stored=STORED_ROOT,
        again=lambda wildcards: frozen.again[1],
        codes=frozen.present_codes,
    message:
        "Verifying the stored results of {params.preset}"
    shell:
        "python -m reports.freeze.verify --preset {params.preset} --stored {params.stored:q}"
        " {params.again} --config {params.codes:q} 2>&1 | tee {log}"


use rule prepare as prepare_cell with:
    pathvars:
        **CELL,
    params:
        config=lambda wildcards: frozen.made_from("data", wildcards),
    message:
        "Preparing {wildcards.dataset} as stored"


use rule train as train_cell with:
    pathvars:
        **CELL,
    threads: lambda wildcards: frozen.made("models", wildcards)["threads"]
    params:
        keep="",
        # Not that of the run, whose last state would be taken for a training made again.
        resume=f"{plan.results}/verify/resume",
        config=lambda wildcards: frozen.made_from("models", wildcards),
        threads=lambda wildcards: frozen.made("models", wildcards)["threads"],
        # That which `auto` came to: another processor would choose another one.
        precision=lambda wildcards: frozen.made("models", wildcards)["precision"],
    message:
        "Training {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}, as stored"


use rule sample as sample_cell with:
    pathvars:
        **CELL,
    threads: lambda wildcards: frozen.made("models", wildcards)["threads"]
    params:
        config=lambda wildcards: frozen.made_from("samples", wildcards),
        threads=lambda wildcards: frozen.made("models", wildcards)["threads"],
    message:
        "Sampling {wildcards.model} of {wildcards.dataset}, seed {wildcards.seed}, as stored"
