"""Weights on disk: safetensors, of which every read checks the hash that lies beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dlvae.stage.artefact import atomic, read_json, sha256_file
from dlvae.stage.errors import UserError

if TYPE_CHECKING:
    import torch

CARD, MANIFEST = "card.json", "manifest.json"
NAMED_BY_CARD = "weights_sha256"
SAID = 200  # characters of what torch says of weights that do not fit
SHOWN = 12  # hex digits of a hash in a message


def save_weights(path: str | Path, tensors: dict[str, torch.Tensor]) -> None:
    """Save tensors as safetensors, atomically."""
    from safetensors.torch import save_file

    with atomic(path) as temporary:
        # clone: safetensors refuses tensors that share storage (fused optimisers make views)
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, temporary)


def load_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Load safetensors.

    Raises:
        UserError: they cannot be read, or see :func:`check_named_hash`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path)
    check_named_hash(path)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"expected a readable safetensors file at {path}: {error}") from error


def load_state(
    module: torch.nn.Module, path: Path, tensors: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Give a module weights that were saved of one like it.

    Args:
        path: of the weights.
        tensors: what it holds, under the names of the module; None: as they are loaded.

    Raises:
        UserError: they are those of another module, or not finite; see :func:`load_weights`.
    """
    tensors = load_weights(path) if tensors is None else tensors
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        lines = str(error).splitlines()
        said = " ".join(lines[1].split()) if len(lines) > 1 else lines[0]
        raise UserError(
            f"{path}: expected the weights of the model that lies beside them, found others "
            f"({said[:SAID]}); {_fix(path)}"
        ) from None
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise UserError(
                f"{path}: expected finite weights, found NaN or infinity in {name}; {_fix(path)}"
            )


def check_named_hash(path: Path) -> None:
    """Refuse weights other than those that the card beside them names, or else the manifest.

    A judge has a card, and so has a stored model; a trained model has a manifest. What has neither
    is taken as it is, as are weights of a manifest that names no files, which older runs wrote.

    Raises:
        UserError: the file is missing or another one, or the card does not name it.
    """
    card, manifest = path.with_name(CARD), path.with_name(MANIFEST)
    if not path.is_file():
        raise UserError(f"expected a readable safetensors file at {path}, found none; {_fix(path)}")
    if card.is_file():
        source, content = card, read_json(card)
        of_model = "files" in content
        expected = content["files"].get(path.name) if of_model else content.get(NAMED_BY_CARD)
        if expected is None:
            entry = "files" if of_model else NAMED_BY_CARD
            said = f"expected the hash of {path.name} under {entry}, found none"
            raise UserError(f"{card}: {said}; {_fix(card)}")
    elif manifest.is_file():
        source, expected = manifest, read_json(manifest).get("files", {}).get(path.name)
    else:
        return
    if expected is not None and (found := sha256_file(path)) != expected:
        raise UserError(
            f"{path}: expected the file that {source.name} beside it names, SHA-256 "
            f"{str(expected)[:SHOWN]}, found {found[:SHOWN]}, so the file was changed or damaged; "
            f"{_fix(path)}"
        )


def _fix(path: Path) -> str:
    """Return what brings a file back: of stored results, or of a run."""
    parts = path.parts
    if ("reports", "stored") in zip(parts, parts[1:], strict=False):
        return f"restore it with: git checkout -- {path}"
    if "results" not in parts[:-2]:
        return "fetch or make it again"
    at = len(parts) - 1 - parts[::-1].index("results")
    made, preset = "/".join(parts[at:]), parts[at + 1]
    return f"make it again with: rm {path} && snakemake --cores all {made} --config preset={preset}"
