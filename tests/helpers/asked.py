"""Configurations and jobs of the workflow, without Snakemake."""

import json
from copy import deepcopy
from functools import cache
from types import SimpleNamespace

from workflow.plan import resolved


@cache
def _resolved(given):
    return resolved(json.loads(given), [])


def asked(preset="smoke", **given):
    """The resolved configuration of a shipped preset, with what the command line brings."""
    return deepcopy(_resolved(json.dumps({"preset": preset, **given})))


def job(**wildcards):
    """The wildcards of a job."""
    return SimpleNamespace(**wildcards)
