"""Write docs/inputs.md, the page of the corpus: PYTHONPATH=tests/helpers python -m corpus.page."""

from corpus.bad_input import ROOT, BadInput
from corpus.groups import GROUPS
from dlvae.stage.artefact import write_text

PAGE = ROOT / "docs" / "inputs.md"
HEAD = """# What is refused, and what is converted

Whatever comes from outside is data, never code, and is checked before it is used: by the command
line where it can be known there, else before the first job, else by the job that reads it. What is
wrong is refused with one sentence, `error: ...`, which says what was expected, what was found and
what mends it. A job and `python -m ...` then exit with status 2, Snakemake with 1 or 2; calls of
the library raise `dlvae.stage.errors.UserError`.

- Configuration files are YAML (or JSON, with the ending `.json`) of at most 1 MB and 20,000 values,
  aliases replaced. A key stands once. Tags are refused, and so are Snakemake's templates, which run
  Python.
- Arrays are `.npz` files without Python objects, weights are safetensors, and what a file claims to
  hold is compared with what it has before any memory is taken for it.
- Images are JPEG, PNG, BMP, WebP, GIF, TIFF or PPM files of at most 89 million pixels, by their
  header.
- What a message quotes is cut, and control characters in it are shown as `\\x1b`.
- Faults of the machine (a full disk, no permission, no memory) are one sentence, too. A mistake in
  code, of this project or of a model of yours, keeps its traceback.

The tables below are made of the corpus that the tests run, {count} cases made by code; each row has
a part of what is said. `PYTHONPATH=tests/helpers python -m corpus.page` writes this page.
"""


def page() -> str:
    """Return the page."""
    count = sum(map(len, GROUPS.values()))
    return HEAD.format(count=count) + "".join(map(table, GROUPS, GROUPS.values()))


def table(title: str, cases: list[BadInput]) -> str:
    """Return the section of a group: what is converted, then what is refused."""
    text = f"\n## {title}\n"
    for kind, head in ((True, "converted or taken"), (False, "refused")):
        lines = [f"| {_cell(c.name)} | {_said(c)} |\n" for c in cases if c.converted is kind]
        if lines:
            text += f"\n| {head} | {'it becomes' if kind else 'what is said'} |\n| --- | --- |\n"
            text += "".join(lines)
    return text


def _said(case: BadInput) -> str:
    return f"`{case.said.replace('|', chr(92) + '|').replace(chr(27), chr(92) + 'x1b')}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    write_text(PAGE, page())
