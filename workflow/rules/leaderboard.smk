# Stored results, which are in git, to the pages that show them, which are in git too. A file of the
# working tree is no output: Snakemake would delete it when the job fails, and a checkout stamps
# files at random times. So the rule has none and runs whenever it is asked for; equal stored rows
# give equal pages, and it takes seconds.


rule leaderboard:
    """All stored results in one page, reports/stored/leaderboard.md, and the README's tables."""
    input:
        ancient(board_inputs),
    log:
        "<logs>/leaderboard.log",
    threads: 1
    resources:
        mem_mb=500,
    message:
        "Writing the leaderboard and the README's tables"
    shell:
        "python -m reports.leaderboard > {log} 2>&1"
