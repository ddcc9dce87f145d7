"""What every stage's command line shares: arguments, threads, device, precision, exit status."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dlvae.fast.memory import use_memory_again
from dlvae.stage.errors import UserError
from dlvae.stage.gpu_slots import gpu_names, take_gpu
from dlvae.stage.stopping import stoppable

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "fp32", "bf16")


def stage_parser(doc: str | None, **paths: str) -> argparse.ArgumentParser:
    """Return a parser with ``--config``, ``--threads``, ``--precision`` and the ``paths`` required.

    Args:
        paths: what is at each, for the help.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=_json_object, default={}, help="config slice, as JSON")
    parser.add_argument("--threads", type=int, default=1, help="threads of this job")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    for name, text in paths.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True, help=text)
    return parser


def run_stage(
    main: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    argv: list[str] | None = None,
) -> None:
    """Parse, run ``main(args)``; a :class:`UserError` becomes one line and exit status 2.

    So does a request to stop, see :mod:`dlvae.stage.stopping`, with the status of its signal.
    """
    args = parser.parse_args(argv)
    try:
        with stoppable():
            main(args)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def use_threads(threads: int, fast: bool = True) -> None:
    """Fix the number of torch threads, ask for deterministic kernels, take a GPU if there is one.

    The number is part of the result: sums are split by thread, so another count gives other
    last bits. The GPU is one that no other job has taken, see :mod:`dlvae.stage.gpu_slots`.
    """
    import torch

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


def _json_object(text: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {type(value).__name__}")
    return value
