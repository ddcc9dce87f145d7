"""What a plan costs before it runs: which jobs, by which measured rates, scaled how."""

import math
import re
from pathlib import Path

import pytest
import torch
import yaml
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from dlvae.base import Batch
from dlvae.config.method_keys import Method
from dlvae.stage.errors import UserError
from dlvae.stage.registry import build_seeded
from dlvae.task import Task
from tests.benchmarks.jobs import main as measure
from workflow.plan import PRESETS, resolved
from workflow.plan.cost.__main__ import bill, page, pending, summary_of
from workflow.plan.cost.rates import START, Rate, estimate, stored_rates
from workflow.plan.cost.work import GFLOP, Work, curve, work_of

ROOT = PRESETS.parent
OURS = "models/digits/ours/seed0/weights.safetensors"
SAMPLES = "samples/digits/ours/seed0.npz"


@pytest.fixture(scope="module")
def rates():
    return stored_rates()


def config(**given):
    return resolved(given, [])


def seconds(rates, rule, output, **given):
    work = work_of(rule, output, config(**given))
    return estimate(work, output.split("/")[1], rates)


# --- Rates -------------------------------------------------------------------------------------


def test_what_was_measured_is_told_as_it_was(rates):
    (measured,) = (
        rate
        for rate in rates
        if (rate.work.rule, rate.work.model, rate.dataset) == ("train", "ours", "digits")
    )
    found = seconds(rates, "train", OURS, preset="quick")
    assert found.measured
    assert (found.seconds, found.mib) == pytest.approx((measured.seconds, measured.mib))


def test_twice_the_steps_take_twice_the_time_without_the_start(rates):
    once, twice = (seconds(rates, "train", OURS, steps=steps) for steps in (1000, 2000))
    assert twice.measured and twice.seconds - START == pytest.approx(2 * (once.seconds - START))
    assert twice.mib == once.mib


def test_a_longer_training_costs_what_is_further(rates):
    longer = "curves/digits/ours/seed0/weights.safetensors"
    once = seconds(rates, "train", OURS)
    more = seconds(rates, "train_longer", longer, curves={"factor": 4, "first_seed_factor": 4})
    assert more.seconds - START == pytest.approx(3 * (once.seconds - START))


def test_full_width_is_extrapolated_and_near_to_what_a_step_takes(rates):
    network = {"network": {"width": 1.0}, "train": {"batch_size": 96, "steps": 1000}}
    found = seconds(rates, "train", OURS, datasets={"digits": network})
    assert not found.measured
    # reports/stored/benchmarks/scaling.csv: 0.385 s a step of the same networks and batch.
    assert found.seconds / 1000 == pytest.approx(0.385, rel=0.35)
    narrow = seconds(rates, "train", OURS)
    assert found.mib == pytest.approx(16 * narrow.mib)  # weights grow with the width squared


def test_curves_pass_through_their_points_and_go_on_along_their_ends():
    assert curve("width", 1.0) / curve("width", 0.5) == pytest.approx(0.384616 / 0.180581)
    assert curve("batch", 384) / curve("batch", 192) == pytest.approx(
        2 ** (math.log(0.667863 / 0.484427) / math.log(192 / 128))
    )


def test_more_images_take_longer_to_sample_and_more_space(rates, tmp_path):
    protocol = yaml.safe_load((PRESETS / "protocol" / "v2.yaml").read_text())
    few = seconds(rates, "sample", SAMPLES)
    protocol["samples"]["few"] *= 3
    (tmp_path / "many.yaml").write_text(yaml.safe_dump(protocol))
    many = seconds(rates, "sample", SAMPLES, protocol=str(tmp_path / "many.yaml"))
    assert many.seconds - START == pytest.approx(3 * (few.seconds - START))
    assert many.mib == pytest.approx(3 * few.mib)


def test_a_rule_that_was_never_measured_is_not_guessed(rates):
    assert estimate(Work("new_rule"), "", rates) is None


def test_the_most_similar_job_is_taken():
    def rate(model, shape, dataset, weight):
        return Rate("p", dataset, 1, 12.0, 1.0, Work("train", model, "", 10, shape, weight))

    rates = [rate("cvae", "a", "x", 1), rate("ours", "b", "x", 2), rate("ours", "b", "y", 4)]
    found = estimate(Work("train", "ours", "", 10, "b", 4), "y", rates)
    assert found.measured and found.seconds == 12
    found = estimate(Work("train", "ours", "", 20, "c", 4), "z", rates)
    assert not found.measured and found.seconds == START + 2 * (12 - START)
    found = estimate(Work("train", "cgan", "", 10, "a", 1), "x", rates)
    assert not found.measured and found.seconds == 12


@pytest.mark.slow  # 10 s
@pytest.mark.parametrize(("backbone", "size"), [("net32", 32), ("net64", 64)])
def test_operations_of_a_step_are_those_that_pytorch_counts(backbone, size):
    class Counter(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            formula = flop_registry.get(function._overloadpacket)
            self.count += formula(*args, **(kwargs or {}), out_val=out) if formula else 0
            return out

    task = Task("image", backbone, size, 10, 1.0, 100, 200, 2, 1000, fast=False)
    model = build_seeded("ours", task, Method(), {}, "test").train()
    images = torch.rand(model.batches_per_step, 2, 3, size, size) * 2 - 1
    labels = torch.randint(0, 10, images.shape[:2])
    with Counter() as counter:
        model.training_step(Batch(images, labels, torch.Generator().manual_seed(0)), 0)
    assert counter.count / 2 / 1e9 == pytest.approx(GFLOP[backbone], rel=0.02)


# --- The plan ----------------------------------------------------------------------------------

SUMMARY = """output_file\tdate\trule\tlog-file(s)\tstatus\tplan
results/quick/models/digits/ours/seed0/weights.safetensors\t-\ttrain\t-\tmissing\tupdate pending
results/quick/models/digits/ours/seed0/model.json\t-\ttrain\t-\tmissing\tupdate pending
results/quick/models/digits/cvae/seed0/model.json\tnow\ttrain\t-\tok\tno update
results/quick/scores/digits/ours/seed0.inception.csv\t-\tscore\t-\tmissing\tupdate pending
results/quick/scores/digits/ours/seed0.diversity.csv\t-\tscore\t-\tmissing\tupdate pending
results/quick/samples/digits/ours/seed0.npz\t-\tsample\t-\tmissing\tupdate pending
results/quick/samples/digits/ours/seed0.manifest.json\t-\tsample\t-\tmissing\tupdate pending
results/quick/tables/table1.csv\t-\ttable\t-\tmissing\tupdate pending
results/quick/tables/table1.md\t-\ttable\t-\tmissing\tupdate pending
"""


def test_jobs_that_have_not_run_are_counted_once():
    rules = sorted(rule for rule, _ in pending(SUMMARY, "results/quick"))
    assert rules == ["sample", "score", "score", "table", "train"]


def test_scores_of_logits_ask_for_no_gpu(rates):
    found = bill(pending(SUMMARY, "results/quick"), config(), rates, ["train", "score"])
    assert found.of["score, inception"].on_gpu == 0 < found.of["score, inception"].seconds
    assert found.of["score, diversity"].on_gpu == found.of["score, diversity"].seconds
    text = page(found, ["table1"], config(), at_once=4, gpus=2)
    assert re.search(r"^train +1 +7 min +7 min +0.01  measured$", text, re.MULTILINE)
    assert "with 4 jobs at a time on 2 GPU(s)" in text and "No rate was measured on a GPU" in text


def test_nothing_left_is_said():
    assert "nothing is left to be made" in page(bill([], config(), [], []), ["x"], config(), 1, 0)


def test_unknown_targets_are_refused_in_snakemake_s_words():
    with pytest.raises(UserError, match="tabel1 cannot be planned: .*tabel1"):
        summary_of(["tabel1"], config(preset="smoke"), str(ROOT / "Snakefile"))


def test_the_target_prints_the_cost_and_runs_nothing(copy, snakemake):
    done = snakemake(copy, "cost", "--config", "preset=smoke", "cost_of=[table1]", "seeds=[0, 1]")
    assert done.returncode == 0, done.stdout
    assert "table1 of preset smoke, what has not run yet" in done.stdout
    assert re.search(r"^train +16 ", done.stdout, re.MULTILINE)
    written = {path.name for path in (copy / "results" / "smoke").rglob("*") if path.is_file()}
    assert written == {"config.yaml", "cost.log"}


def test_rates_are_taken_from_a_run_that_ended(finished, tmp_path, capsys):
    (finished / "results/smoke/config.yaml").write_text(yaml.safe_dump(config(preset="smoke")))
    out = tmp_path / "jobs.csv"
    measure(["--preset", "smoke", "--root", str(finished), "--out", str(out)])
    rates = stored_rates(out)
    assert sum(r.jobs for r in rates if r.work.rule == "train" and r.work.model == "ours") >= 3
    assert "net64, width 0.125, batch 8" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="error: .*config.yaml"):
        measure(["--preset", "smoke", "--root", str(Path(tmp_path))])
