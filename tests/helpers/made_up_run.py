"""A made-up run of four models, images and weights being noise, and what is frozen of it."""

import shutil
import time
from argparse import Namespace

import numpy as np
import torch

from dlvae.data.sample_sets import save_samples
from dlvae.stage.artefact import (
    read_json,
    save_npz,
    sha256_arrays,
    sha256_file,
    write_json,
    write_manifest,
)
from dlvae.stage.registry import WEIGHTS
from dlvae.stage.weights import save_weights
from eval.protocol import load_protocol
from eval.rows import ScoreRow, by_plain, data_hash, read_texts, write_rows
from reports import leaderboard
from reports.claims.rules import load_rules, needed_scores
from reports.freeze.__main__ import freeze
from reports.freeze.checks import index_hash
from reports.freeze.machine import ROOT
from reports.freeze.remake import make_page
from reports.freeze.stored import Page, load_stored

PROTOCOL = ROOT / "config" / "protocol" / "v2.yaml"
PRESET, DATASET, SEED = "made_up", "digits", 0
SCORES = {"real": 9.5, "cvae": 7.25, "ours": 8.75, "ours_no_gan": 6.5}
JUDGES = {"robust": "", "plain": "_plain"}
FAMILIES = {
    "inception": tuple(
        f"{metric}{kind}{member}"
        for kind in ("", ":plain")
        for metric in ("inception_score", "label_fidelity", "judge_agreement")
        for member in ("", *(f":judge{i}" for i in range(3)))
        if not (member and metric == "judge_agreement")
    ),
    "diversity": ("d_intra_standard", "d_intra_range_mismatched"),
}
RUN_CONFIG = {
    "preset": PRESET,
    "seeds": [SEED],
    "models": ["cvae", "ours"],
    "protocol": "v2",
    "bn_eval": None,
    "data_root": "/home/somebody/images",
    "unlabelled_root": None,
    "imagenet_weights": "/home/somebody/weights.pth",
    "datasets": {DATASET: {"data": {"size": 32}, "train": {"steps": 700}}},
    "ablations": {"dataset": DATASET, "methods": {"no_gan": {"lambda_gan": 0}}, "beside": []},
}


def noise():
    return np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)


class MadeUpRun:
    """Writes every artefact of a run of four models, images and weights being noise."""

    def __init__(self, results):
        self.results = results
        self.random = np.random.default_rng(0)
        self.hashes = {}
        self.data()
        for kind in ("robust", "plain"):
            self.evaluator(kind)
        for model in ("cvae", "ours", "ours_no_gan"):
            self.model(model)
        for name, score in SCORES.items():
            self.scores(name, score)
        for page in run_pages():
            self.page(page)

    def manifest(self, path, inputs, **extra):
        config = {"preset": PRESET, "dataset": DATASET, "seed": SEED}
        inputs = {name: self.results / file for name, file in inputs.items()}
        shared = {"started": time.time(), "seed": SEED, "threads": 1, "device": "cpu"}
        config |= extra.pop("config", {})
        shared |= {"precision": "fp32", "config": config, "extra": extra}
        write_manifest(self.results / path, inputs=inputs, **shared)

    def data(self):
        folder, outputs = self.results / "data" / DATASET, {}
        for split in ("train", "test"):
            save_npz(folder / f"{split}.npz", images=noise())
            outputs[split] = sha256_arrays(split=np.array(split))
        write_json(folder / "card.json", {"dataset": DATASET, "classes": 10, "sha256": outputs})
        local = {"root": "/home/somebody/images", "size": 32}
        self.manifest(f"data/{DATASET}/manifest.json", {}, config=local, outputs=outputs)
        self.hashes |= {"real": outputs["train"], "data": data_hash({"sha256": outputs})}

    def weights(self, folder):
        noise = torch.from_numpy(self.random.standard_normal(64).astype(np.float32))
        save_weights(folder / WEIGHTS, {"weight": noise})
        return sha256_file(folder / WEIGHTS)

    def evaluator(self, kind):
        name = f"{DATASET}{JUDGES[kind]}"
        folder = self.results / "evaluator" / name
        card = {"dataset": DATASET, "kind": kind, "weights_sha256": self.weights(folder)}
        write_json(folder / "card.json", card | {"arch": "inception_resnet_v1"})
        ceilings = {"train": 9.75, "test": 9.5}
        write_json(folder / "report.json", card | {"accuracy": 0.97, "inception_score": ceilings})
        inputs = {"data": f"data/{DATASET}/card.json"}
        self.manifest(f"evaluator/{name}/manifest.json", inputs, code="c0de")
        self.hashes[name] = card["weights_sha256"]

    def model(self, name):
        run = f"{DATASET}/{name}/seed{SEED}"
        self.weights(self.results / "models" / run)
        write_json(self.results / "models" / run / "model.json", {"model": name})
        inputs = {"data": f"data/{DATASET}/card.json"}
        extra = {"code": "c0de", "images_seen": 11200, "config": {"model": name}}
        self.manifest(f"models/{run}/manifest.json", inputs, **extra)
        images, labels = noise(), np.arange(20) % 10
        images[0, 0, 0] = len(self.hashes)
        save_samples(self.results / "samples" / f"{run}.npz", images, labels)
        inputs = {WEIGHTS: f"models/{run}/{WEIGHTS}"}
        self.manifest(f"samples/{run}.manifest.json", inputs)
        self.hashes[name] = sha256_arrays(images=images, labels=labels)

    def candidate(self, name):
        """A candidate as `compare` scores it, by copies of the stored judges."""
        for judge in JUDGES.values():
            folders = (self.results / "evaluator" / f"{DATASET}{s}{judge}" for s in ("", "_stored"))
            shutil.copytree(*folders)
        self.model(name)
        self.scores(name, 9.0, "_stored")
        found = f"near_duplicates/{DATASET}/{name}/seed{SEED}.json"
        write_json(self.results / found, {"findings": []})

    def scores(self, name, score, stored=""):
        """Scores of a model; of a candidate by the copies of stored judges that are so called."""
        run, card = f"{DATASET}/{name}/seed{SEED}", {"data": f"data/{DATASET}/card.json"}
        images = f"data/{DATASET}/test.npz" if name == "real" else f"samples/{run}.npz"
        read = {}
        for judge in JUDGES.values():
            features = f"features{stored}{judge}/{run}"
            save_npz(self.results / f"{features}.npz", features=np.full((20, 4), score))
            inputs = card | {"evaluator": f"evaluator/{DATASET}{stored}{judge}/card.json"}
            self.manifest(f"{features}.manifest.json", inputs | {"images": images}, code="c0de")
            read[f"features{judge}"] = f"{features}.npz"
        for family, metrics in FAMILIES.items():
            path = self.results / f"scores{stored}" / f"{run}.{family}.csv"
            write_rows(path, self.rows(name, score, metrics))
            own = read if family == "inception" else {"images": images}
            inputs = card | {"protocol": PROTOCOL} | own
            file = path.with_suffix(".manifest.json").relative_to(self.results)
            self.manifest(file, inputs, protocol=load_protocol(PROTOCOL).label)

    def rows(self, name, score, metrics):
        known = {"preset": PRESET, "dataset": DATASET, "model": name, "seed": SEED, "n": 20}
        known |= {"protocol": load_protocol(PROTOCOL).label, "code": "c0de", "classes": 10}
        known |= {"precision": "none" if name == "real" else "fp32"}
        known |= {"samples": self.hashes[name][:12], "data": self.hashes["data"]}
        used = {kind: self.hashes[f"{DATASET}{judge}"][:12] for kind, judge in JUDGES.items()}
        return [
            ScoreRow(
                metric=metric,
                value=(value := score / 3 if metric.startswith("inception_") else score / 31),
                ci_low=value - 0.125,
                ci_high=value + 0.125,
                ci_kind="jackknife95_images",
                evaluator=(
                    "none"
                    if metric.startswith("d_intra")
                    else used["plain" if by_plain(metric) else "robust"]
                ),
                **known,
            )
            for metric in metrics
        ]

    def page(self, page):
        lines = {name: read_texts(self.results / "scores" / f"{name}.csv") for name in page.scores}
        # Where stored results have it, for the time that the pages are made.
        shutil.copy(PROTOCOL, self.results / "protocol.yaml")
        make_page(page, self.results, lines, self.results)
        (self.results / "protocol.yaml").unlink()


def run_pages():
    """The pages of the made-up run: tables, claims, ablations, evaluator noise."""

    def named(family, models):
        return tuple(f"{DATASET}/{model}/seed{SEED}.{family}" for model in models)

    shared = {"preset": PRESET, "datasets": [DATASET], "models": RUN_CONFIG["models"]}
    ablated = {"dataset": DATASET, "steps": 700, "beside": []}
    ablated |= {"ablations": [{"model": "ours_no_gan", "method": {"lambda_gan": 0}}]}
    tabled = ("real", "cvae", "ours")
    claimed = named("inception", tabled) + named("diversity", tabled)
    left_out = [
        {"dataset": dataset, "model": model, "family": family, "reason": "made up"}
        for dataset, model, family in needed_scores(load_rules(), [DATASET], DATASET)
        if f"{dataset}/{model}/seed{SEED}.{family}" not in claimed
    ]
    return [
        Page("tables/table1", shared, named("inception", tabled)),
        Page("tables/table2", shared, named("diversity", tabled)),
        Page("claims", shared | {"ablated": DATASET, "left_out": left_out}, claimed),
        Page("ablations", ablated, named("inception", ("ours_no_gan", "ours"))),
        Page("evaluator_noise", shared, named("inception", tabled)),
    ]


class Checkout:
    """A checkout with stored results, to be tampered with."""

    beside = ("reports/published.csv", "reports/claims.yaml", "config/protocol/v2.yaml")

    def __init__(self, root):
        self.root, self.stored = root, root / "reports" / "stored"

    def file(self, name):
        return self.stored / PRESET / name

    def edit(self, name, old, new):
        """Replace the first of some bytes in a stored file, or in one beside."""
        path = self.root / name if name in self.beside else self.file(name)
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))

    def cover_up(self, **changes):
        """Write the hashes of the files as they are into the index."""
        index = read_json(self.file("index.json")) | changes
        files = [name for name in index["files"] if self.file(name).is_file()]
        index["files"] = {name: sha256_file(self.file(name)) for name in files}
        write_json(self.file("index.json"), index | {"sha256": index_hash(index)})

    @property
    def results(self):
        return load_stored(PRESET, self.stored)

    def by_file(self, findings):
        """Texts of findings by file: a stored one relative to its folder, or one beside."""
        texts = {}
        for finding in findings:
            name = finding.file.removeprefix(f"{self.stored / PRESET}/")
            texts.setdefault(name, []).append(finding.text)
        return texts


def freeze_made_up(results, out, protocol=PROTOCOL, commit="0123abc"):
    """Freeze a made-up run."""
    return freeze(results, out, RUN_CONFIG, run_pages(), protocol, commit)


def put_in_checkout(frozen, root):
    """Make a folder look like a checkout with frozen results; return it."""
    for name in Checkout.beside:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    stored = Checkout(root).stored
    shutil.copytree(frozen.folder, stored / PRESET)
    leaderboard.main(Namespace(root=stored, readme=None))
    return root
