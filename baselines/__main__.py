"""Start a model of your own: ``python -m baselines new NAME``.

That is a new folder of ``baselines/``: a small model that works, with comments that explain how.
"""

from __future__ import annotations

import argparse
import keyword
import os
import re
import tempfile
from pathlib import Path

import jinja2

from dlvae.stage.errors import UserError
from dlvae.stage.registry import BASELINES, model_names
from dlvae.stage.runtime import run_stage

# Their ending keeps them from being a model.
TEMPLATE, ENDING = Path(__file__).with_name("template"), ".j2"
LONGEST = 64  # characters of a name, which is part of names of files
COMMAND = "python -m baselines new"
# Rows, sample sets and models go by names of these kinds already.
TAKEN = ("ours", "real", "new", "template")
TAKEN_STARTS, TAKEN_END = ("ours_", "real_"), "_semi"


def create(name: str, folder: Path = BASELINES) -> Path:
    """Write ``folder/<name>/`` from the template, whole or not at all; return it.

    Raises:
        UserError: a name that cannot be used, or a folder that is no checkout's or not writable.
    """
    check_name(name, folder)
    target = folder / name
    if not (folder.parent / "pyproject.toml").is_file():
        raise UserError(
            f"{folder} belongs to an installed package, where the next installation would remove a "
            f"new folder: expected a checkout of the repository. {_package_instead(name)}"
        )
    try:
        # One level further down than where the registry looks for models.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as temporary:
            whole = Path(temporary, name)
            whole.mkdir()
            for file, text in filled(name).items():
                (whole / file).write_text(text, encoding="utf-8")
            whole.rename(target)  # fails where there is something in the meantime
    except OSError as error:
        raise UserError(f"cannot write {target}: {error}. {_package_instead(name)}") from error
    return target


def check_name(name: str, folder: Path = BASELINES) -> None:
    """Raise :class:`UserError` unless a new model in ``folder`` can be called ``name``."""
    if not _is_identifier(name):
        better = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        better = better if _is_identifier(better) else "mine"
        raise UserError(
            f"name: expected a Python identifier of at most {LONGEST} lower-case letters, digits "
            f"and _ that starts with a letter, found '{name}': {COMMAND} {better}"
        )
    if name in TAKEN or name.startswith(TAKEN_STARTS) or name.endswith(TAKEN_END):
        raise UserError(
            f"name: '{name}' has a meaning of its own here; expected none of {', '.join(TAKEN)}, "
            f"{', '.join(start + '*' for start in TAKEN_STARTS)} and *{TAKEN_END}: "
            f"{COMMAND} mine"
        )
    module = (folder / name).with_suffix(".py")
    if name in model_names() or (folder / name).exists() or module.exists():
        raise UserError(
            f"name: '{name}' is there already, and nothing is overwritten: choose another name"
        )
    if (folder.parent / name).exists():
        raise UserError(
            f"name: the repository has a folder called '{name}', which `pytest --model {name}` "
            "would take for what to test; choose another name"
        )


def _is_identifier(name: str) -> bool:
    plain = re.fullmatch("[a-z][a-z0-9_]*", name) and len(name) <= LONGEST
    return bool(plain) and not keyword.iskeyword(name)


def class_name(name: str) -> str:
    """Return ``WganGp`` for ``wgan_gp``, and ``TaskModel`` for a word of the template."""
    joined = "".join(part.capitalize() for part in name.split("_"))
    text = (TEMPLATE / f"model.py{ENDING}").read_text(encoding="utf-8")
    return f"{joined}Model" if re.search(rf"\b{joined}\b", text) else joined


def filled(name: str, package: str | None = None) -> dict[str, str]:
    """Return the files of a new model: text by name; ``package`` is that of a model elsewhere."""
    words = {"name": name, "title": name.replace("_", " "), "class_name": class_name(name)}
    words |= {"package": package or f"baselines.{name}"}
    # Python and Markdown, no HTML.
    environment = jinja2.Environment(  # nosec B701
        loader=jinja2.FileSystemLoader(TEMPLATE),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return {
        file.removesuffix(ENDING): environment.get_template(file).render(words)
        for file in environment.list_templates()
    }


def next_steps(folder: Path) -> str:
    """Return what to do with a new folder."""
    name, shown = folder.name, os.path.relpath(folder)
    return (
        f"{shown} is a model that works. Next:\n"
        f"  edit {shown}/model.py, whose comments say what a model keeps to\n"
        f"  pytest --model {name}\n"
        f"  snakemake --cores all compare --config candidate={name}"
    )


def _package_instead(name: str) -> str:
    return (
        "A model can also live in a package of your own, whose pyproject.toml says\n"
        '  [project.entry-points."dlvae.models"]\n'
        f'  {name} = "your_package.model:MODEL"\n'
        f"Start it from model.py{ENDING} and options.py{ENDING} in {TEMPLATE}"
    )


def main(args: argparse.Namespace) -> None:
    """Run the command."""
    print(next_steps(create(args.name)))


def command() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m baselines", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="write a folder of baselines/ with a model that works")
    new.add_argument("name", metavar="NAME", help="a lower-case Python identifier")
    return parser


if __name__ == "__main__":
    run_stage(main, command())
