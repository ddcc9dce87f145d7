# Finished results into git: scores, tables, manifests, small evaluators; no images.
# What a failed rule declares as output is deleted, so the stored folder is no output: it is built
# under results/, and the last rule, which has none, puts it in its place whenever it is asked, and
# writes the leaderboard anew.


rule freeze:
    """Store the scores of this preset, and all that says what they are scores of, in git."""
    input:
        index="<results>/frozen/index.json",
    log:
        "<logs>/freeze.log",
    threads: 1
    resources:
        mem_mb=500,
    params:
        new=subpath(input.index, parent=True),
        place=STORED_ROOT / config["preset"],
    message:
        "Storing results in {params.place}"
    shell:
        "(python -m reports.freeze.swap --new {params.new} --place {params.place:q}"
        " && python -m reports.leaderboard) 2>&1 | tee {log}"


rule collect_frozen:
    input:
        unpack(frozen_inputs),
    output:
        index="<results>/frozen/index.json",
    log:
        "<logs>/frozen.log",
    benchmark:
        "<benchmarks>/frozen.jsonl"
    threads: 1
    resources:
        mem_mb=1500,
    params:
        results=subpath(output.index, ancestor=2),
        out=subpath(output.index, parent=True),
        protocol=protocol_path(),
        rules=protocol_rules(),
        config=freeze_config,
        commit=commit_of_checkout,
        code=code_of("reports.freeze.__main__"),
    message:
        "Freezing the results of {params.results}"
    shell:
        "python -m reports.freeze --results {params.results} --protocol {params.protocol:q}"
        " --config {params.config:q} --commit {params.commit} --out {params.out} 2>&1 | tee {log}"
