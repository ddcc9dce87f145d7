"""What the README and the pages of `docs/` tell their reader to type works; their links lead on."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from dlvae.config.preset import merge, resolve
from dlvae.data import digits
from reports.freeze.stored import load_stored

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "config"
PAGES = [
    path
    for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md")), CONFIG / "README.md"]
    if path.name != "CHANGELOG.md"  # speaks of what is no more
]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
TAKE_A_WORD = ("--cores", "--configfile", "--report", "--profile", "--workflow-profile", "--jobs")
TAKE_WORDS = (
    *("--config", "--resources", "--default-resources", "--set-resources"),
    *("--groups", "--group-components"),
)
# What stands for something of the reader's own.
OF_THE_READER = {"mine": "wgan_gp", "…": "wgan_gp"}


def blocks(language, text):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def whole_lines(block):
    """The lines of a block, joined where a backslash or an open quotation mark goes on."""
    pending = ""
    for line in block.replace("\\\n", "").split("\n"):
        pending += line
        try:
            shlex.split(pending, comments=True)
        except ValueError:
            pending += "\n"
        else:
            yield pending
            pending = ""
    assert not pending, f"a quotation that does not end: {pending}"


def commands(program):
    """Every command of a program in a block or between backticks: its page, and its words."""
    found = []
    for page, text in TEXTS.items():
        lines = [line for block in blocks("bash", text) for line in whole_lines(block)]
        lines += re.findall(rf"`({program} [^`]*)`", text.replace("\n", " "))
        for part in (part for line in lines for part in line.split("&&")):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):  # variables of the environment
                words = words[1:]
            if words[:1] == [program]:
                found.append((page, tuple(words[1:])))
    return list(dict.fromkeys(found))


def parsed(words):
    """Return the targets of a command and its options: what follows each of them."""
    targets, options, pending = [], {}, ""
    for word in words:
        if word.startswith("-"):
            pending = word
            options.setdefault(word, [])
        elif pending in TAKE_A_WORD:
            options[pending].append(word)
            pending = ""
        elif pending in TAKE_WORDS and re.match(r"[\w:]+=", word):
            options[pending].append(word)
        else:
            targets.append(word)
    return targets, options


def rules():
    """Names of the rules of the workflow that need no wildcard filled in."""
    files = [ROOT / "workflow" / "Snakefile", *sorted((ROOT / "workflow").glob("rules/*.smk"))]
    return {
        name
        for file in files
        for name in re.findall(r"^rule (\w+):", file.read_text(encoding="utf-8"), re.MULTILINE)
    } | {f"figure{number}" for number in range(2, 8)}


SNAKEMAKE = commands("snakemake")


def test_targets_in_commands_exist():
    found = {target for _, words in SNAKEMAKE for target in parsed(words)[0]}
    assert {"reproduce", "table1", "table2", "figure6", "ablations"} <= found
    assert found - rules() == set()


@pytest.mark.parametrize("page, words", [c for c in SNAKEMAKE if parsed(c[1])[1].get("--config")])
def test_settings_in_commands_are_understood(page, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "samples.npz").touch()
    (tmp_path / "PATH").mkdir()
    _, options = parsed(words)
    given = {}
    for setting in options["--config"]:
        key, _, value = setting.partition("=")
        given[key] = yaml.safe_load(OF_THE_READER.get(value, value))
    file = options.get("--configfile")
    base = yaml.safe_load((ROOT / file[0]).read_text(encoding="utf-8")) if file else {}
    if "ablations" in given and not file:
        base = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
    resolved = resolve(merge(base, given), bool(base), CONFIG)
    assert set(given) <= set(resolved)


def test_targets_of_the_table_exist():
    (table,) = re.findall(
        r"^\| target \|.*?\n\n", TEXTS["docs/targets.md"], re.MULTILINE | re.DOTALL
    )
    found = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert {"metrics", "claims", "leaderboard"} <= set(found) <= rules()


def test_files_and_profiles_in_commands_exist():
    named = [
        (page, word)
        for page, words in SNAKEMAKE
        for option in ("--configfile", "--profile", "--workflow-profile")
        for word in parsed(words)[1].get(option, [])
        if "/" in word
    ]
    assert ("README.md", "config/smoke.yaml") in named
    assert [name for name in named if not (ROOT / name[1]).exists()] == []


def test_modules_in_commands_exist():
    named = [
        (page, words[words.index("-m") + 1])
        for program in ("python", "python3")
        for page, words in commands(program)
        if "-m" in words and not words[-1].endswith(".")  # one of several
    ]
    ours = [(page, name) for page, name in named if (ROOT / name.partition(".")[0]).is_dir()]
    assert ("README.md", "baselines") in ours
    assert [name for name in ours if find_spec(name[1]) is None] == []


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}


def test_links_lead_on():
    missing, count = [], 0
    for page, text in TEXTS.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in link:
                continue
            count += 1
            name, _, anchor = link.partition("#")
            target = (ROOT / page).parent / name if name else ROOT / page
            if not target.exists():
                missing.append((page, link))
            elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
                missing.append((page, link))
    assert count > 30 and missing == []


def test_every_page_can_be_reached_from_the_readme():
    reached, pending = set(), ["README.md"]
    while pending:
        page = pending.pop()
        if page in reached or page not in TEXTS:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)(?:#[^)]*)?\)", TEXTS[page])
        pending += [
            str(((ROOT / page).parent / link).resolve().relative_to(ROOT))
            for link in links
            if "://" not in link
        ]
    assert {page for page in TEXTS if page.startswith("docs/")} - reached == set()


def test_the_readme_is_short():
    assert len(TEXTS["README.md"].encode()) <= 10_000


def test_no_page_says_what_another_says():
    """No paragraph, and no row of a table, stands twice."""
    seen, twice = {}, []
    for page, text in TEXTS.items():
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for part in re.split(r"\n\n|\n(?=[|\-])", prose):
            words = " ".join(part.split())
            if len(words) > 120 and seen.setdefault(words, page) != page:
                twice.append((seen[words], page, words[:80]))
    assert twice == []


def test_the_library_example_runs(tmp_path, monkeypatch, capsys):
    """With the stored evaluator."""
    example = blocks("python", TEXTS["docs/library.md"])[0]
    assert '"quick/digits"' in example
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/library.md", "exec"), {})
    score, diversity, probe = capsys.readouterr().out.splitlines()
    values = [
        float(re.search(r"value=([\d.]+), n=\d+, low=[\d.]+", line)[1])
        for line in (score, diversity, probe)
    ]
    # The held-out digits: far from one image, and easy to tell apart by their pixels.
    assert 1 <= values[0] <= 10 and 0.2 < values[1] < 0.6 and values[2] > 0.9
    assert f"n={len(digits.prepare(digits.DigitsData()).splits['test'])}" in score
    stored = load_stored("quick")
    assert stored.has_weights("digits")
    keys = {"dataset": "digits", "model": "real", "metric": "inception_score"}
    row = stored.rows[(stored.rows[list(keys)] == list(keys.values())).all(axis=1)].iloc[0]
    # Stored on another machine: the last digits may differ.
    assert values[0] == pytest.approx(row["value"], rel=1e-4)
