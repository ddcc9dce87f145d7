"""What is checked of `sample`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from conformance.case import Case, known_randomness, saved
from conformance.words import differences, require, some
from dlvae.base import GenerativeModel

CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # of the same image in another batch


def check_images(case: Case) -> None:
    """Samples are float32 images in [-1, 1], or points, one per label and in the shape of data."""
    images = case.draw(case.trained(), [0, 1, 2, 0, 1])
    expected = (5, *case.shape)
    found = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
    last = case.task.kind == "image" and found == (5, *case.shape[1:], 3)
    require(
        found == expected,
        f"sample returns one image per label, (N, 3, H, W), or one point, (N, 2): here {expected}",
        f"it returned {found}" + (": the channels come last" if last else ""),
        "the return of sample" + (": images.permute(0, 3, 1, 2)" if last else ""),
    )
    require(
        images.dtype == torch.float32,
        "samples are float32, whatever the networks ran in",
        f"they are {images.dtype}",
        "the return of sample: dlvae.method.losses.full_precision(images)",
    )
    require(
        str(images.device).partition(":")[0] == case.device,
        "samples are on the device of the model",
        f"they are on {images.device}, the model on {case.device}",
        "labels.to(self.device), and where noise and images are moved",
    )
    require(
        bool(torch.isfinite(images).all()),
        "samples are finite",
        "some values are NaN or infinite",
        "logarithms, divisions and exponentials on the way from the code to the image",
    )
    low, high = images.min().item(), images.max().item()
    require(
        case.task.kind == "point" or (low >= -1 and high <= 1),
        "images are in [-1, 1], the range of the training images",
        f"they are in the range [{low:.3g}, {high:.3g}]",
        "the last layer (the shared decoders end with tanh); from [0, 1]: 2 * x - 1",
    )


def check_label(case: Case) -> None:
    """The same noise under another label gives another image."""
    model = case.trained()
    first, other = case.draw(model, [0, 1, 2]), case.draw(model, [1, 1, 2])
    require(
        not torch.allclose(first[0], other[0]),
        "a sample depends on the label that it was asked for",
        "labels 0 and 1 gave the same image: the label has no effect",
        "sample: are labels passed on to the network, are they one-hot rather than multiplied by a "
        "weight that starts at zero?",
    )


def check_sample_generator(case: Case) -> None:
    """A sample follows from labels and generator, and from no global generator."""
    model, labels = case.trained(), [0, 1, 2]

    def draw(seed: int, elsewhere: int = 0) -> tuple[Tensor, list[str]]:
        with known_randomness(elsewhere) as moved:
            draws = torch.Generator().manual_seed(seed)
            return model.sample(torch.tensor(labels), draws), moved()

    first, drawn_from = draw(0)
    look = (
        "torch.randn and the like without generator= (self.noise(generator, ...) has one), dropout "
        "outside evaluation mode, random and np.random"
    )
    require(
        not drawn_from,
        "sample draws from the generator it is given alone, so that a sample set can be repeated",
        f"it moved {some(drawn_from)}",
        look,
    )
    require(
        torch.equal(first, draw(0, elsewhere=1)[0]),
        "sample reads no global generator, not even one that it puts back",
        "with another global seed the same generator gave other images",
        look + ", torch.manual_seed, torch.random.fork_rng",
    )
    require(
        torch.equal(first, draw(0)[0]),
        "the same labels and the same generator give the same images, to the bit",
        "a second call gave other images",
        "state that sample keeps between calls: counters, caches, recurrent states",
    )
    require(
        not torch.allclose(first, draw(1)[0]),
        "another generator gives other images: a sample set shows a distribution",
        "generators of two seeds gave the same images: the noise has no effect",
        "sample: does the network get the noise, does anything seed the generator anew?",
    )


def check_batch_of_a_sample(case: Case) -> None:
    """After `recalibrate` an image does not depend on those drawn with it."""
    model = case.trained().eval()
    with known_randomness():
        model.recalibrate(torch.Generator().manual_seed(5), batches=2)
    norms = [
        (name, norm)
        for name, norm in model.named_modules()
        if any(norm is own for own in model.decoder_norms())
    ]
    unseen = [name for name, norm in norms if int(norm.num_batches_tracked) == 0]
    require(
        not unseen,
        "recalibrate() re-estimates the decoder's batch norms on samples, for which sample runs "
        "inside with self.sampling():",
        f"sampling did not reach the statistics of {some(unseen)}",
        "sample: with self.sampling(): around the networks in place of eval() and no_grad(); "
        "decoder_networks: does it list a network that sample does not run?",
    )
    first, second = (case.draw(model, labels) for labels in ([0, 1, 2, 1, 0], [0, 2, 2, 2, 1]))
    apart = float((first[[0, 2]] - second[[0, 2]]).abs().max())
    require(
        torch.allclose(first[[0, 2]], second[[0, 2]], **CLOSE),
        "an image does not depend on the labels it is drawn beside",
        f"with other labels beside it the same image differs by {apart:.3g}",
        "batch norms in training mode while sampling, means over the batch, noise whose order "
        "depends on the labels",
    )


def check_trace_of_sampling(case: Case) -> None:
    """Sampling and the like run in evaluation mode without gradients, and change nothing."""
    model = case.trained()
    batch = case.batch(model)
    images, labels = batch.images[0], batch.labels[0]
    calls: dict[str, Callable] = {"sample": lambda: case.draw(model, [0, 1])}
    if hasattr(model, "reconstruct"):
        calls["reconstruct"] = lambda: model.reconstruct(images, labels)
    if hasattr(model, "encode"):
        calls["encode"] = lambda: model.encode(images)
    for name, call in calls.items():
        traces = _traces(model, call)
        require(
            not traces,
            f"{name} runs inside with self.sampling():, in evaluation mode and without gradients, "
            "and leaves a training as it found it",
            "; ".join(traces),
            f"{name}: with self.sampling(): around everything that runs a network",
        )


def _traces(model: GenerativeModel, call: Callable) -> list[str]:
    """Return in words what `call` does to the state of a training."""
    before, modes = saved(model), {n: m.training for n, m in model.named_modules()}
    free = [n for n, p in model.named_parameters() if p.grad is None]
    with _watched(model) as (training, recording), known_randomness():
        result = call()
    changed = list(differences(before, saved(model)))
    switched = [n or "the model" for n, m in model.named_modules() if m.training != modes[n]]
    graded = [n for n in free if model.get_parameter(n).grad is not None]
    results = result.values() if isinstance(result, dict) else [result]
    found = {
        f"networks in training mode: {some(sorted(training))}": training,
        f"networks recording gradients: {some(sorted(recording))}": recording,
        "the result still has its graph": any(value.requires_grad for value in results),
        f"changed afterwards: {some(changed)}": changed,
        f"left in another mode: {some(switched)}": switched,
        f".grad left behind: {some(graded)}": graded,
    }
    return [words for words, is_so in found.items() if is_so]


@contextmanager
def _watched(model: GenerativeModel) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the networks that run in training mode, and those that run with gradients."""
    training: set[str] = set()
    recording: set[str] = set()

    def hook(network: str) -> Callable:
        def note(module: nn.Module, _: tuple) -> None:
            if module.training:
                training.add(network)
            if torch.is_grad_enabled():
                recording.add(network)

        return note

    handles = [
        module.register_forward_pre_hook(hook(name.partition(".")[0]))
        for name, module in model.named_modules()
        if name
    ]
    try:
        yield training, recording
    finally:
        for handle in handles:
            handle.remove()
