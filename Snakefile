# The workflow lives in workflow/; this file lets a bare `snakemake` run it from the root.
include: "workflow/Snakefile"


# An included file's default target is dropped, so it is named again here.
workflow.default_target = "reproduce"
