# What targets cost, before any of their jobs is run or submitted.


rule cost:
    """Hours, GPU hours and storage of what is to be made: --config cost_of='[table1]'; nothing is run."""
    log:
        "<logs>/cost.log",
    resources:
        mem_mb=500,
    params:
        targets=config["cost_of"],
        config=json.dumps(config),
        snakefile=workflow.main_snakefile,
        gpu_rules=lambda wildcards: [
            rule.name for rule in workflow.rules if "gpu" in rule.resources
        ],
        gpus=gpus,
        at_once=lambda wildcards: workflow.cores if workflow.local_exec else workflow.nodes,
    message:
        "What {params.targets} will cost"
    shell:
        "python -m workflow.plan.cost --targets {params.targets:q} --config {params.config:q}"
        " --snakefile {params.snakefile:q} --gpu-rules {params.gpu_rules} --gpus {params.gpus}"
        " --at-once {params.at_once} 2>&1 | tee {log}"
