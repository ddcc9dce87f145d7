"""What every stage's command line shares: arguments, threads, device, precision, exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dlvae.config.largest import MOST_THREADS
from dlvae.fast.memory import use_memory_again
from dlvae.stage.errors import UserError, harmless, sentence
from dlvae.stage.process.gpu_slots import gpu_names, take_gpu
from dlvae.stage.process.stopping import stoppable
from dlvae.stage.text_files import parse_json

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "fp32", "bf16")


class ConfigSlice(dict[str, Any]):
    """A slice of the configuration; a key that it lacks is a :class:`UserError`."""

    def __missing__(self, key: str) -> NoReturn:
        found = ", ".join(map(str, self)) or "none"
        raise UserError(f"--config: expected the key '{key}', found {found}")


def stage_parser(doc: str | None, **paths: str) -> argparse.ArgumentParser:
    """Return a parser with ``--config``, ``--threads``, ``--precision`` and the ``paths`` required.

    Args:
        paths: what is at each, for the help.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", type=_json_object, default=ConfigSlice(), help="config slice, as JSON"
    )
    parser.add_argument("--threads", type=_threads, default=1, help="threads of this job")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    for name, text in paths.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True, help=text)
    return parser


def run_stage(
    main: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    argv: list[str] | None = None,
) -> None:
    """Parse, run ``main(args)``; what a user can mend becomes one line and exit status 2.

    See :func:`dlvae.stage.errors.sentence`. So does a request to stop, see
    :mod:`dlvae.stage.process.stopping`, with the status of its signal.
    """
    args = parser.parse_args(argv)
    try:
        with stoppable():
            main(args)
    except Exception as error:
        if (said := sentence(error)) is None:
            raise
        print(f"error: {said}", file=sys.stderr)
        sys.exit(2)


def use_threads(threads: int, fast: bool = True) -> None:
    """Fix the number of torch threads, ask for deterministic kernels, take a GPU if there is one.

    The number is part of the result: sums are split by thread, so another count gives other
    last bits. The GPU is one that no other job has taken, see :mod:`dlvae.stage.process.gpu_slots`.

    Raises:
        UserError: no thread, or more than `MOST_THREADS`.
    """
    import torch

    if not 1 <= threads <= MOST_THREADS:
        raise UserError(
            f"threads: expected at least one thread and at most {MOST_THREADS}, found {threads}"
        )
    torch.set_num_threads(threads)
    if fast:
        use_memory_again()
    # Needed by deterministic cuBLAS, read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # One CPU thread is deterministic by itself, and the call imports the compiler: two seconds.
    if threads > 1 or torch.cuda.is_available():
        torch.use_deterministic_algorithms(True, warn_only=True)
    if torch.cuda.is_available():
        torch.cuda.set_device(take_gpu(gpu_names(torch.cuda.device_count())))


def device() -> torch.device:
    """Return the current GPU, CUDA's or ROCm's, where there is one, else the CPU.

    In a stage it is the one that :func:`use_threads` took; in a program that uses the library, the
    one that it chose.
    """
    import torch

    available = torch.cuda.is_available()
    return torch.device("cuda", torch.cuda.current_device()) if available else torch.device("cpu")


def resolve_precision(name: str, where: torch.device) -> str:
    """Resolve ``auto | fp32 | bf16`` to ``fp32`` or ``bf16`` on a device.

    ``auto`` is bf16 where the processor multiplies it natively (a CUDA GPU with bf16, or a CPU
    with AVX-512-BF16 or AMX): emulated bf16 is slower than fp32 and less exact.
    """
    import torch

    if name != "auto":
        return name
    if where.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if _cpu_has_bf16() else "fp32"


def _cpu_has_bf16() -> bool:
    import torch

    capabilities = torch.backends.cpu.get_cpu_capability()
    if "AMX" in capabilities.upper():
        return True
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        return False
    return any(flag in flags.split() for flag in ("avx512_bf16", "amx_bf16", "bf16"))


def _json_object(text: str) -> ConfigSlice:
    try:
        value = parse_json(text, finite=True)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected a JSON object: {harmless(str(error))}"
        ) from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {type(value).__name__}")
    return ConfigSlice(value)


def _threads(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_THREADS:
        raise argparse.ArgumentTypeError(
            f"expected a number of threads from 1 to {MOST_THREADS}, found {harmless(text)}"
        )
    return int(text)
