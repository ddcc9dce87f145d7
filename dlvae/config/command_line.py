"""What Snakemake's command line brings, checked before Snakemake reads it.

It would run Python in a configuration file that says so, unfold aliases without end, take the last
of two keys, and answer a missing file with a traceback. `profiles/default` asks for this check,
which every call of `snakemake` in the checkout reads first.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence

from dlvae.config.yaml_files import MalformedYaml, check_yaml, read_yaml
from dlvae.stage.errors import UserError

FILES, ENTRIES = ("--configfile", "--configfiles"), ("--config", "-C")
KEY = re.compile(r"[a-zA-Z_][\w-]*\w")  # as Snakemake takes it
ENCODED = "base64//"  # as Snakemake hands values on to the jobs of a cluster


def stop_if_wrong(words: Sequence[str]) -> None:
    """End the process with one sentence if :func:`check_command_line` refuses the words."""
    try:
        check_command_line(words)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def check_command_line(words: Sequence[str]) -> None:
    """Check configuration files and ``--config`` of a call of Snakemake.

    Args:
        words: the arguments.

    Raises:
        UserError: a file that is none, or a value that is more than plain data.
    """
    if not os.access(os.curdir, os.W_OK):
        raise UserError(
            f"{os.getcwd()}: expected a folder that may be written, for Snakemake keeps its state "
            "and the results in it; work in a copy of the checkout"
        )
    for path in _values(words, FILES):
        read_yaml(path, "a preset")
    for entry in _values(words, ENTRIES):
        if not entry.startswith(ENCODED):
            _check_entry(entry)


def _check_entry(entry: str) -> None:
    key, equals, value = entry.partition("=")
    if not equals or not KEY.fullmatch(key):
        section, dot, rest = key.partition(".")
        hint = f": --config {section}='{{{rest}: ...}}'" if dot and equals else ""
        raise UserError(f"--config: expected KEY=VALUE, found '{entry}'{hint}")
    if value.lstrip()[:1] in ("{", "["):
        try:
            check_yaml(value)
        except MalformedYaml:
            pass  # a word to Snakemake, which the key then refuses
        except ValueError as error:
            raise UserError(f"--config {key}: {error}") from error


def _values(words: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """Yield the values of options that take several: up to the next option."""
    inside = False
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            inside = word in options
            if equals and name in options:
                yield value
                inside = True
        elif inside:
            yield word
