# What is frozen of a preset. Functions only, as in slices.smk, plan.smk and sources.smk.
from types import SimpleNamespace

from reports.machine import git_commit

# Where stored results lie; relative, as every path of the workflow.
STORED_ROOT = Path(os.path.relpath(WORKFLOW.parent / "reports" / "stored"))


def frozen_pages():
    """What is stored of this preset: for every page its scores and its slice of the config."""
    tables = [name for name in [*TABLES, *MORE_TABLES] if name != "imagenet"]
    pages = {
        f"tables/{name}": (table_scores(SimpleNamespace(table=name)), table_config())
        for name in tables
    }
    pages["claims"] = (claim_scores(None), claims_config(None))
    if not missing("ablations"):
        pages["ablations"] = (ablation_scores(None), ablation_config(None))
    pages["table2_scale"] = (scores_of("scale"), table_config())
    pages["evaluator_noise"] = (scores_of("inception"), table_config())
    return {name: page for name, page in pages.items() if page[0]}


def frozen_second_scores(page):
    return scores_of("inception", SECOND) if page == "evaluator_noise" else []


def frozen_inputs(wildcards):
    """The files that are stored, and the scores that are put together."""
    judges = [f"{d}{judge}" for d in config["datasets"] for judge in ("", SECOND)]
    pages = frozen_pages()
    return {
        "pages": [f"{results()}/{name}.{kind}" for name in pages for kind in ("csv", "md")],
        "scores": list(dict.fromkeys(file for scores, _ in pages.values() for file in scores)),
        "second": frozen_second_scores("evaluator_noise"),
        "judges": [
            f"{results()}/evaluator/{judge}/{file}"
            for judge in judges
            for file in [*JUDGE_FILES, "report.json"]
        ],
    }


def freeze_config(wildcards):
    def names(files, folder):
        return [file.removeprefix(f"{results()}/{folder}/").removesuffix(".csv") for file in files]

    pages = {
        name: {
            "config": json.loads(part),
            "scores": names(scores, "scores"),
            "second": names(frozen_second_scores(name), f"scores{SECOND}"),
        }
        for name, (scores, part) in frozen_pages().items()
    }
    # As it is: the order of the data sets is that of the tables.
    return json.dumps({"config": config, "pages": pages}, separators=(",", ":"))


def commit_of_checkout(wildcards):
    return git_commit(WORKFLOW.parent)
