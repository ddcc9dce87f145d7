"""What Snakemake's command line brings: configuration files and `--config`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snakemake.cli import parse_config
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from corpus.bad_input import CANARY, BadInput
from dlvae.config.command_line import check_command_line
from workflow.plan import resolved
from workflow.plan.comparing import ComparisonPlan

QUICK = Path(__file__).resolve().parents[3] / "config" / "config.yaml"
SMALL = "preset: mine\ndatasets: {digits: {network: {backbone: net32, d_s: 4, d_u: 4}, "
SMALL += "train: {steps: 2}}}\n"
"""The least preset there is."""


def configured(*entries: str, files: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the configuration of `snakemake --configfile FILES --config ENTRIES`."""
    words = [*(["--configfile", *map(str, files)] if files else [])]
    words += ["--config", *entries] if entries else []
    check_command_line(words)
    given: dict[str, Any] = {}
    for file in files:
        update_config(given, load_configfile(file))
    update_config(given, parse_config(entries))
    return resolved(given, files)


def value(name: str, entry: str, said: str, *more: str) -> BadInput:
    """Return a case of one `--config KEY=VALUE`."""
    return BadInput(name, said, lambda folder: configured(entry, *more))


def taken(name: str, entry: str, said: str, where: Callable[[dict[str, Any]], Any]) -> BadInput:
    """Return a case of a value that is converted; `where` finds what it became."""
    return BadInput(name, said, lambda folder: repr(where(configured(entry))), converted=True)


def threshold(name: str, entry: str, said: str) -> BadInput:
    """Return a case of thresholds of `compare`, checked before any job."""

    def run(folder: Path) -> None:
        given = configured(entry, "candidate=wgan_gp", "dataset=digits")
        ComparisonPlan(given).comparable()

    return BadInput(name, said, run)


def file(name: str, content: str | bytes, said: str, *entries: str) -> BadInput:
    """Return a case of a configuration file with this content; CANARY in it is a path."""

    def run(folder: Path) -> dict[str, Any]:
        path, text = folder / "mine.yaml", content
        if isinstance(text, str):
            text = text.replace("CANARY", str(folder / CANARY)).encode()
        path.write_bytes(text)
        return configured(*entries, files=(path,))

    return BadInput(name, said, run)


def made(name: str, said: str, make: Callable[[Path], Any]) -> BadInput:
    """Return a case of a configuration file that `make` makes at a path."""

    def run(folder: Path) -> dict[str, Any]:
        make(folder / "mine.yaml")
        return configured(files=(folder / "mine.yaml",))

    return BadInput(name, said, run)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
"""A billion words in 400 bytes, by aliases of aliases."""

CONFIG_FILES = [
    BadInput("a file that is not there", "found nothing", lambda f: configured(files=(
             f / "no.yaml",))),
    made("a folder in the place of a file", "found a folder", lambda path: path.mkdir()),
    made("a link to nothing", "found a link to nothing", lambda p: p.symlink_to("gone")),
    made("a named pipe, which would wait for ever", "found no regular file", os.mkfifo),
    made("a link to /dev/zero, which never ends", "no regular file", lambda p: p.symlink_to(
         "/dev/zero")),
    file("a binary file", bytes(range(256)), "expected UTF-8 text"),
    file("a text in UTF-16", SMALL.encode("utf-16"), "expected UTF-8 text"),
    file("a text in Latin-1", "preset: caf\u00e9".encode("latin-1"), "expected UTF-8 text"),
    file("a NUL byte", "preset: a\0b\n", "control character"),
    file("an empty file", "", "expected keys with values, found nothing"),
    file("comments alone", "# nothing\n", "expected keys with values, found nothing"),
    file("a list", "- preset: mine\n", "expected keys with values, found a list"),
    file("one word", "mine\n", "expected keys with values, found text"),
    file("two documents", SMALL + "---\npreset: other\n", "one document"),
    file("a key twice", SMALL + "steps: 1\nsteps: 2\n", "'steps' stands twice, in lines 3 and 4"),
    file("a key twice in a section", SMALL + "method: {lr: 1, lr: 2}\n", "'lr' stands twice"),
    file("a key twice in JSON", '{"preset": "a", "preset": "b"}', "'preset' stands twice"),
    file("a bomb of aliases", SMALL + BOMB, "aliases"),
    file("an alias inside itself", SMALL + "options: &a {cvae: *a}\n", "inside itself"),
    file("a tag that calls Python", "preset: !!python/object/apply:open [CANARY, w]", "tag"),
    file("a tag of one's own", "preset: !mine x\n", "tag"),
    file("Snakemake's templates, which run Python",
         "__use_yte__: true\n__definitions__:\n  - open('CANARY', 'w')\npreset: mine\n",
         "__use_yte__"),
    file("a tabulator as indentation", "method:\n\tlr: 1\n", "line 2"),
    file("a bracket that is never closed", "preset: [mine\n", "line 2"),
    file("10,000 brackets, one inside the other", "preset: " + "[" * 10_000, "levels"),
    file("2 MB", SMALL + "# " + "x" * 2_000_000, "at most 1000000 bytes"),
    file("50,000 keys", SMALL + "".join(f"key{i}: 1\n" for i in range(50_000)), "at most"),
    file("a number as a key", SMALL + "1: 2\n", "unknown key '1'"),
    file("a key that is misspelt", SMALL + "step: 3\n", "Did you mean 'steps'?"),
    file("no data sets", "preset: mine\n", "missing key 'datasets'"),
    file("no name", SMALL.replace("preset: mine\n", ""), "missing key 'preset'"),
    file("another preset than --config names", SMALL, "leave one of them out", "preset=quick"),
    file("a date in the place of a text", SMALL.replace("mine", "2020-01-01"), "expected text"),
    file("control characters in a key", SMALL + '"\\e[31mred": 1\n', r"\x1b[31mred"),
    file("a key of 900 letters", SMALL + "x" * 900 + ": 1\n", " characters ...]"),
]  # fmt: skip

CONFIG_VALUES = [
    value("no equals sign", "candidate", "expected KEY=VALUE, found 'candidate'"),
    value("a key of one letter", "x=1", "expected KEY=VALUE, found 'x=1'"),
    value("a dotted key", "method.lr=1", "--config method='{lr: ...}'"),
    value("an unknown key", "stpes=3", "Did you mean 'steps'?"),
    value("an unknown key in a section", "method={lrr: 1}", "Did you mean 'lr'?"),
    value("an unknown preset", "preset=quik", "Did you mean 'quick'?"),
    value("a preset that is a path out of the folder", "preset=../../etc/passwd", "unknown preset"),
    value("a list for a preset", "preset=[a]", "unknown preset"),
    value("a learning rate of NaN", "method={lr: nan}", "method.lr: expected a number above 0"),
    value("a learning rate of infinity", "method={lr: inf}", "method.lr: expected a number above"),
    value("a learning rate that overflows", "method={lr: 1e400}", "method.lr: expected a number"),
    value("a learning rate of 0", "method={lr: 0}", "method.lr: expected a number above 0"),
    value("a negative learning rate", "method={lr: -1}", "method.lr: expected a number above 0"),
    value("a learning rate of 1e9", "method={lr: 1e9}", "method.lr: expected a number above 0"),
    value("a word for a learning rate", "method={lr: fast}", "found 'fast'"),
    value("a beta1 of 1", "method={beta1: 1}", "method.beta1: expected a number of at least 0"),
    value("a weight of NaN", "method={lambda_rec: nan}", "method.lambda_rec: expected a number"),
    value("n_gm of 0", "method={n_gm: 0}", "method.n_gm: expected an integer of at least 1"),
    value("a seed of 10^30", "seeds=[1000000000000000000000000000000]", "seeds.0: expected an"),
    value("a seed of 5,000 digits", f"seeds=[{'1' * 5000}]", "seeds.0: expected an integer"),
    value("a negative seed", "seeds=[-1]", "seeds.0: expected an integer of at least 0"),
    value("a seed of 1.5", "seeds=[1.5]", "seeds.0: expected an integer"),
    value("a seed twice", "seeds=[1, 1]", "expected each value once"),
    value("no seeds", "seeds=[]", "seeds: expected a list of at least one"),
    value("a seed that is no list", "seeds=3", "seeds: expected a list"),
    value("no threads", "threads=0", "threads: expected an integer of at least 1"),
    value("a billion threads", "threads=1000000000", "threads: expected an integer of at least 1"),
    value("a word for a number", "steps=many", "found 'many'"),
    value("half a step", "steps=1.5", "steps: expected an integer"),
    value("true for a number", "steps=True", "steps: expected an integer"),
    value("no steps", "steps=0", "steps: expected an integer of at least 1"),
    value("10^18 steps", "steps=1000000000000000000", "steps: expected an integer of at least 1"),
    value("a width of 0", "datasets={digits: {network: {width: 0}}}", "width: expected a number"),
    value("a width of NaN", "datasets={digits: {network: {width: nan}}}", "width: expected a num"),
    value("a width of 10^9", "datasets={digits: {network: {width: 1e9}}}", "width: expected a num"),
    value("10^12 dimensions of z_u", "datasets={digits: {network: {d_u: 1000000000000}}}",
          "datasets.digits.network.d_u: expected an integer"),
    value("a batch of one image", "datasets={digits: {train: {batch_size: 1}}}",
          "batch_size: expected an integer of at least 2"),
    value("a batch of 10^12", "datasets={digits: {train: {batch_size: 1000000000000}}}",
          "batch_size: expected an integer of at least 2"),
    value("an evaluator as wide as the sea", "datasets={digits: {evaluator: {width: 1e6}}}",
          "evaluator.width: expected a number"),
    value("two members of an evaluator", "datasets={digits: {evaluator: {members: 2}}}",
          "members: expected an integer of at least 3"),
    value("10^9 members of an evaluator", "datasets={digits: {evaluator: {members: 1000000000}}}",
          "members: expected an integer of at least 3"),
    value("a backbone for another size",
          "datasets={digits: {network: {backbone: net64}}}", "does not fit images of 32 px"),
    value("an image of 10^6 pixels a side", "datasets={synthetic_faces: {data: {size: 1000000}}}",
          "size: expected"),
    value("an unknown data set", "datasets={mnist: {}}", "unknown data set 'datasets.mnist'"),
    value("an unknown model", "models=[our]", "Did you mean 'ours'?"),
    value("a model twice", "models=[ours, ours]", "expected each value once"),
    value("no models", "models=[]", "models: expected a list of at least one"),
    value("an unknown precision", "precision=fp16", "precision: expected one of auto, fp32, bf16"),
    value("an unknown protocol", "protocol=v9", "protocol 'v9' not found"),
    value("a folder for a protocol", "protocol=config", "protocol 'config' not found"),
    value("an unknown bn_eval", "bn_eval=bathc", "Did you mean 'batch'?"),
    value("text for true or false", "fast=maybe", "fast: expected true or false"),
    value("a bracket that is never closed", "method={lr: 1", "method: expected a section"),
    value("a bomb of aliases", "options={" + BOMB.replace("\n", ", ") + "cvae: *i}", "aliases"),
    value("a key twice", "method={lr: 1, lr: 2}", "'lr' stands twice"),
    value("1 MB of text", "precision=" + "x" * 1_000_000, "precision: expected one of"),
    value("control characters", "precision=\x1b[2Jnothing", r"found '\x1b[2Jnothing'"),
    value("an option of a model that has it not", "options={cvae: {beta: 2}}",
          "unknown option 'options.cvae.beta'"),
    value("options of a model that there is not", "options={vae: {}}", "unknown model 'vae'"),
    value("an option out of its range", "options={cvae: {d_z: 0}}", "options.cvae.d_z: expected"),
    value("a data set that the preset has not", "dataset=faces", "unknown data set 'faces'"),
    value("an ablation of nothing", "ablations={methods: {same: {}}}", "at least one key"),
    value("an ablation by a name that paths cannot have", "ablations={methods: {a/b: {lr: 1}}}",
          "expected a name of lower-case letters"),
    value("a candidate that is neither model nor path", "candidate=wgan", "neither a model nor"),
    threshold("a share above 1", "fail_below={recall: 1.5}", "a share between 0 and 1"),
    threshold("an Inception Score above the number of classes", "fail_below={inception_score: 11}",
              "inception_score is at most the number of classes, 10"),
    threshold("a diversity above 1", "fail_below={d_intra_standard: 1.2}", "d_intra_standard is"),
    threshold("a threshold of NaN", "fail_below={recall: nan}", "fail_below"),
    threshold("a metric of which less is better", "fail_below={fid: 3}", "less is better"),
    threshold("an unknown metric", "fail_below={recal: 0.5}", "Did you mean 'recall'?"),
    threshold("a data set that is not compared", "fail_below={faces: {recall: 0.5}}",
              "'faces' is no data set of this comparison"),
    taken("a number with an exponent", "method={lr: 1e-3}", "0.001",
          lambda config: config["method"]["lr"]),
    taken("words of YAML: true, null, lists", "bn_eval=null", "None",
          lambda config: config["bn_eval"]),
]  # fmt: skip
