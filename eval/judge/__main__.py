"""Train a member: `python -m eval.judge --data DIR --config JSON --out DIR ...`."""

from eval.judge.member import train_member
from eval.judge.training import run_command

if __name__ == "__main__":
    run_command(__doc__, train_member)
