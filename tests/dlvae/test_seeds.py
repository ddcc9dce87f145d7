import torch

from dlvae.stage.seeds import derive_seed, generator, numpy_generator


def test_seeds_are_stable_across_versions_and_machines():
    assert derive_seed("quick", "train", "digits", "ours", 0) == 4271274164423478232


def test_every_part_and_its_type_count():
    seeds = {
        derive_seed("a", "bc"),
        derive_seed("ab", "c"),
        derive_seed("a", "b", "c"),
        derive_seed("a", 1),
        derive_seed("a", "1"),
    }
    assert len(seeds) == 5 and all(0 <= seed < 2**63 for seed in seeds)


def test_generators_repeat():
    draws = [torch.randn(3, generator=generator("x", 1)) for _ in range(2)]
    assert torch.equal(*draws)
    assert numpy_generator("x").integers(10**9) == numpy_generator("x").integers(10**9)
