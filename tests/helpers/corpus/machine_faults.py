"""Faults of the machine, and words that a stage's own command line does not take."""

import errno
import os
import resource
import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from corpus.bad_input import BadInput
from dlvae import prepare, sample
from dlvae.stage.artefact import load_npz, read_json, save_npz, write_text
from dlvae.stage.runtime import run_stage, stage_parser, use_threads
from dlvae.train import __main__ as train


def job(work: Callable[[Path], Any], folder: Path) -> None:
    """Run some work as a stage does."""

    def main(args: Namespace) -> None:
        work(folder)

    run_stage(main, stage_parser(None), [])


def fault(name: str, said: str, work: Callable[[Path], Any]) -> BadInput:
    """Return a case of a stage that fails in this way."""
    return BadInput(name, said, lambda folder: job(work, folder))


def failing(number: int) -> Callable[[Path], None]:
    """Return work whose file cannot be written, for this reason."""

    def work(folder: Path) -> None:
        error = OSError(number, os.strerror(number), str(folder / "weights.npz"))
        with mock.patch("tempfile.mkstemp", side_effect=error):
            save_npz(folder / "weights.npz", a=np.zeros(3))

    return work


def too_large(folder: Path) -> None:
    """Write a file larger than the process may."""
    known = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, known[1]))
    try:
        save_npz(folder / "weights.npz", compress=False, a=np.zeros(1 << 16))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, known)


def words(name: str, said: str, module: Any, *given: str) -> BadInput:
    """Return a case of a command line of a stage."""
    main = getattr(module, "main", None) or module.train
    return BadInput(name, said, lambda folder: run_stage(main, module.command(), [
        *given, "--out", str(folder / "out")]))  # fmt: skip


def packed_zeros(folder: Path) -> None:
    """Load 64 GB of zeros in a file of a few megabytes, by its header."""
    import io
    import zipfile

    from numpy.lib import format as npy

    header = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (64 << 30,)}
    npy.write_array_header_1_0(header, shape)
    with zipfile.ZipFile(folder / "train.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(1000))
    load_npz(folder / "train.npz")


TRAIN = ["--data=x", "--resume-root=x", "--run-log=x"]

MACHINE = [
    fault("a full disk", "disk is full", failing(errno.ENOSPC)),
    fault("a used-up quota", "quota", failing(errno.EDQUOT)),
    fault("a folder that may not be written", "may not be written", failing(errno.EACCES)),
    fault("a file system that is read-only", "read-only", failing(errno.EROFS)),
    fault("too many open files", "ulimit -n", failing(errno.EMFILE)),
    fault("a broken disk", "Input/output error", failing(errno.EIO)),
    fault("a file larger than the process may write", "File too large", too_large),
    fault("a file in the place of a folder", "something else is there",
          lambda folder: [(folder / "x").write_text(""), write_text(folder / "x" / "y", "")]),
    fault("a file that is not there", "No such file",
          lambda folder: shutil.copyfile(folder / "a", folder / "b")),
    fault("a name of 300 letters", "File name too long",
          lambda folder: write_text(folder / ("x" * 300), "")),
    fault("an array beyond the memory", "not enough memory", lambda folder: np.ones(1 << 50)),
    fault("a tensor beyond the memory", "not enough memory",
          lambda folder: torch.ones(1 << 50, dtype=torch.uint8)),
    BadInput("a GPU without memory", "not enough memory on the GPU", lambda folder: job(
        lambda _: (_ for _ in ()).throw(torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 20.00 GiB.")), folder)),
    fault("a split that claims 64 GB", "as many values as its header says", packed_zeros),
    fault("a JSON file of 10,000 brackets", "expected a readable JSON file", lambda folder: [
        (folder / "x").write_text("[" * 10_000), read_json(folder / "x")]),
    fault("no threads", "expected at least one thread", lambda folder: use_threads(0)),
    fault("a billion threads", "at most 1024", lambda folder: use_threads(10**9)),
    words("a slice that is no JSON", "expected a JSON object", prepare, "--config={"),
    words("a slice that is a list", "expected a JSON object", prepare, "--config=[]"),
    words("a slice of 10,000 brackets", "expected a JSON object", prepare,
          "--config=" + "[" * 10_000),
    words("a slice with NaN", "NaN", prepare, '--config={"dataset": NaN}'),
    words("a slice with a key twice", "'dataset' stands twice", prepare,
          '--config={"dataset": "digits", "dataset": "faces"}'),
    words("no threads in a command line", "--threads", prepare, "--threads=0"),
    words("a billion threads in a command line", "--threads", prepare, "--threads=1000000000"),
    words("an unknown data set", "unknown data set 'mnist'", prepare,
          '--config={"dataset": "mnist"}'),
    words("an unknown key of a data set", "unknown key 'datasets.digits.data.colour'", prepare,
          '--config={"dataset": "digits", "size": 32, "colour": 1}'),
    words("a data set without the role", "has no unlabelled images", prepare,
          '--config={"dataset": "digits", "role": "unlabelled"}'),
    words("a training of no prepared data", "no prepared split", train, "--config={}", *TRAIN),
    words("a slice that lacks keys", "--config: expected the key 'preset'", sample,
          "--config={}", "--model-dir=x"),
    words("a precision that there is not", "invalid choice", train, "--config={}",
          "--precision=fp16", *TRAIN),
]  # fmt: skip
