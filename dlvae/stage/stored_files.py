"""Where stored results lie, and judges and models in them by a short name."""

from __future__ import annotations

from pathlib import Path

from dlvae.stage.errors import UserError, nearest
from dlvae.stage.weights import CARD

STORED = Path(__file__).resolve().parents[2] / "reports" / "stored"


def stored_folder(name: str, kind: str, root: Path = STORED) -> Path:
    """Return the folder of a stored judge or model.

    Args:
        name: ``<preset>/<judge>``, or ``<preset>/<data set>/<model>``, of which a seed may follow
            (``/seed0``); or the folder itself, from anywhere.
        kind: ``evaluator`` or ``models``.
        root: of the stored results.

    Raises:
        UserError: there is none of this name; those that there are are named.
    """
    if (Path(name) / CARD).is_file():
        return Path(name)
    preset, _, rest = name.strip("/").partition("/")
    folder = root / preset / kind / rest
    for place in (folder, *sorted(folder.glob("seed*"))) if rest else ():
        if (place / CARD).is_file():
            return place
    known = stored_names(kind, root)
    raise UserError(
        f"'{name}': expected a folder with {CARD}, or one of {', '.join(known) or 'none'}, which "
        f"are stored in {root}.{nearest(name, known)} Stored results are part of a checkout: "
        "install it with pip install -e ."
    )


def stored_names(kind: str, root: Path = STORED) -> list[str]:
    """Return the short names that :func:`stored_folder` knows, without seeds."""
    found = [card.parent.relative_to(root) for card in root.glob(f"*/{kind}/**/{CARD}")]
    parts = [(path.parts[0], *path.parts[2:]) for path in found]
    return sorted({"/".join(part for part in own if not part.startswith("seed")) for own in parts})
