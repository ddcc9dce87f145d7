"""The other side of the MS-SSIM benchmark is tuned, and scores what ours scores."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from eval.protocol import load_protocol
from tests.benchmarks import ms_ssim

PAIRS = np.stack(np.triu_indices(20, 1), axis=1)  # 190: batches up to 128


def run_of(per_call: float, per_pair: float, limit: int):
    """A run in which a batch costs that much, and ten times as much per pair beyond the limit."""

    def seconds(batch: int) -> float:
        return per_call + per_pair * (batch if batch <= limit else 10 * batch)

    return SimpleNamespace(
        take=lambda work, warm_up: {name: [seconds(int(name))] * 3 for name in work}
    )


def tuned(run):
    score, images = (lambda x, y: (x + y).sum((1, 2, 3))), torch.rand(20, 3, 4, 4)
    return ms_ssim.tuned(run, "theirs", score, images, PAIRS)


def test_the_batch_of_most_pairs_per_second_is_found(capsys) -> None:
    calls, found, best = tuned(run_of(1.0, 0.01, limit=48))
    assert list(found) == [8, 16, 32, 48, 64, 96, 128] and best == 48
    assert calls[best]().shape == (48,) and not capsys.readouterr().err
    assert found[8].rate.median == pytest.approx(8 / 1.08)


@pytest.mark.parametrize(("per_call", "limit", "end"), [(1.0, 1000, 128), (0.0, 8, 8)])
def test_a_best_batch_at_an_end_is_warned_of(capsys, per_call, limit, end) -> None:
    assert tuned(run_of(per_call, 0.01, limit))[2] == end
    assert f"theirs: best batch {end} is an end" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["standard", "range_mismatched"])
def test_both_sides_have_the_same_mean(name) -> None:
    variant = load_protocol(ms_ssim.PROTOCOL).ms_ssim[name].at(32)
    scorers = ms_ssim.others(variant, name)
    assert abs(ms_ssim.checked(scorers, 32, variant)[ms_ssim.REFERENCE]) < 1e-5
    right = scorers[ms_ssim.REFERENCE]
    scorers[ms_ssim.REFERENCE] = lambda x, y: right(x, y) + 2e-5
    with pytest.raises(AssertionError, match="off our mean"):
        ms_ssim.checked(scorers, 32, variant)
