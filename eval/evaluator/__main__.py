"""Train a member: `python -m eval.evaluator --data DIR --config JSON --out DIR ...`."""

from eval.evaluator.training import train_member
from eval.training_stage import run_command

if __name__ == "__main__":
    run_command(__doc__, train_member)
