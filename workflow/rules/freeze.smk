# Finished results into git: scores, tables, manifests, small evaluators, figures fit to publish.
# A file of the working tree is no output: Snakemake would delete it when the job fails, and a
# checkout stamps files at random times. So stored results are built under results/, and the rules
# that write among them have no output and run whenever they are asked for.


rule freeze:
    """Store the scores of this preset, and all that says what they are scores of, in git."""
    input:
        index="<results>/frozen/index.json",
    log:
        "<logs>/freeze.log",
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
    """A step of freeze: what is stored, put together beside the results."""
    input:
        frozen.files,
    output:
        index="<results>/frozen/index.json",
    log:
        "<logs>/frozen.log",
    benchmark:
        "<benchmarks>/frozen.jsonl"
    resources:
        mem_mb=1500,
    params:
        results=subpath(output.index, ancestor=2),
        out=subpath(output.index, parent=True),
        protocol=plan.protocol_path,
        rules=protocol.hash,
        config=frozen.freeze_slice,
        commit=lambda wildcards: git_commit(ROOT),
        code=code_of("reports.freeze.__main__"),
    message:
        "Freezing the results of {params.results}"
    shell:
        "python -m reports.freeze --results {params.results} --protocol {params.protocol:q}"
        " --config {params.config:q} --commit {params.commit} --out {params.out} 2>&1 | tee {log}"


rule collect_submission:
    input:
        comparing.run_files,
        page="<results>/compare/{candidate}.csv",
        stored=ancient(lambda wildcards: comparing.stored.folder / "index.json"),
    output:
        index="<results>/submission/{candidate}/index.json",
    log:
        "<logs>/submission/{candidate}.log",
    benchmark:
        "<benchmarks>/submission/{candidate}.jsonl"
    resources:
        mem_mb=500,
    params:
        stored=lambda wildcards: str(comparing.stored.folder),
        results=subpath(output.index, ancestor=3),
        out=subpath(output.index, parent=True),
        runs=lambda wildcards: in_order(comparing.runs()),
        protocol=plan.protocol_path,
        config=comparing.compare_slice,
        commit=lambda wildcards: git_commit(ROOT),
        command=lambda wildcards: comparing.submit_command,
        code=code_of("reports.compare.submit"),
    message:
        "Collecting the results of {wildcards.candidate}"
    shell:
        "python -m reports.compare.submit --stored {params.stored} --results {params.results}"
        " --runs {params.runs:q} --protocol {params.protocol:q} --config {params.config:q}"
        " --commit {params.commit} --command {params.command:q} --out {params.out} 2>&1 | tee {log}"


rule submit:
    """Store a candidate's scores beside the stored results: --config candidate=... as for compare."""
    input:
        index=lambda wildcards: f"{comparing.submission}/index.json",
    log:
        "<logs>/submit.log",
    resources:
        mem_mb=500,
    params:
        new=subpath(input.index, parent=True),
        place=lambda wildcards: (
            f"{comparing.stored.folder}/submissions/{comparing.comparable().name}"
        ),
    message:
        "Storing the results of a candidate in {params.place}"
    shell:
        "(python -m reports.freeze.swap --new {params.new} --place {params.place:q}"
        " && python -m reports.leaderboard) 2>&1 | tee {log}"


rule leaderboard:
    """All stored results in one page, reports/stored/leaderboard.md, and the README's tables."""
    log:
        "<logs>/leaderboard.log",
    resources:
        mem_mb=500,
    message:
        "Writing the leaderboard and the README's tables"
    shell:
        "python -m reports.leaderboard > {log} 2>&1"


rule same_numbers:
    """Hold the results that are here against the stored ones: does other code give the same bytes?"""
    input:
        index=ancient(lambda wildcards: frozen.stored.folder / "index.json"),
    log:
        "<logs>/same_numbers.log",
    resources:
        mem_mb=1500,
    params:
        preset=config["preset"],
        stored=STORED_ROOT,
        run=plan.results,
        codes=frozen.present_codes,
    message:
        "Holding {params.run} against the stored results of {params.preset}"
    shell:
        "python -m reports.freeze.same_numbers --preset {params.preset} --stored {params.stored:q}"
        " --run {params.run} --config {params.codes:q} 2>&1 | tee {log}"
