"""What became of a folder of photos: a page, a table with every photo, a sheet of aligned faces."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from dlvae.data.local import LocalData
from dlvae.photos.aligned_faces import SPLITS, AlignedFaces
from dlvae.photos.photo import COLUMNS, REASONS, grouped
from dlvae.photos.settings import PrepareFaces
from dlvae.stage.artefact import atomic, write_text
from dlvae.stage.foreign import cell_of, markdown_of

SHEET_ROWS, SHEET_COLUMNS = 40, 12  # identities and faces of each on the contact sheet
LABEL = 12  # pixels above a row for the name


def write_report(
    found: AlignedFaces, out: str | Path, root: str, settings: PrepareFaces, detector: str
) -> str:
    """Write `report.md`, `photos.csv` and `contact_sheet.png` beside the faces; return the page.

    Args:
        out: folder of the faces.
        root: folder of the photos, as it was given.
        detector: what found the faces, for readers.
    """
    out = Path(out)
    table = io.StringIO()
    rows = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(_cells(photo.row()) for photo in found.photos)
    write_text(out / "photos.csv", table.getvalue())
    page = report(found, root, out, settings, detector)
    write_text(out / "report.md", page)
    with atomic(out / "contact_sheet.png") as path:
        contact_sheet(found, out, settings.size).save(path)
    return page


def report(found: AlignedFaces, root: str, out: Path, settings: PrepareFaces, detector: str) -> str:
    """Return the page, in Markdown."""
    kept = found.kept()
    by_split = {split: len(found.kept(split)) for split in SPLITS}
    identities = len(grouped(kept))
    by = Counter(photo.by for photo in kept)
    aligned = ", ".join(f"{count} by their {name}" for name, count in by.most_common())
    parts = [
        "# Aligned faces",
        f"{len(found.photos)} photos of {len(grouped(found.photos))} people in "
        f"{markdown_of(root)} gave {len(kept)} faces of {identities} people: "
        f"{by_split['train']} to train on, {by_split['test']} held out. Found by {detector}, "
        f"aligned at {settings.size} x {settings.size} pixels: {aligned}. "
        "`photos.csv` has every photo with its face, its fate and why; "
        "`contact_sheet.png` shows the first faces of each person.",
        "These are real people, and the owners of the photos have rights in them: keep the faces "
        "and the sheet to yourself unless their terms allow more.",
        "```bash\nsnakemake --cores all reproduce --configfile config/faces.yaml --config "
        f"data_root={out}{_fewer(settings.min_train_faces)}\n```",
        "## Photos that were dropped",
        _dropped(found) or "None.",
        "## People",
        _people(found),
    ]
    if found.remarks:
        parts += ["## Not read", "\n".join(f"- {markdown_of(remark)}" for remark in found.remarks)]
    return "\n\n".join(parts) + "\n"


def _fewer(least: int) -> str:
    """Return the key that lets the training take as few images of a class, where it would not."""
    if least >= LocalData.model_fields["min_images_per_class"].default:
        return ""
    return f" datasets='{{faces: {{data: {{min_images_per_class: {least}}}}}}}'"


def _dropped(found: AlignedFaces) -> str:
    rows = []
    for reason, words in REASONS.items():
        photos = [photo for photo in found.photos if photo.reason == reason]
        if photos:
            detail = f": {photos[0].detail}" if photos[0].detail else ""
            example = markdown_of(f"{photos[0].path}{detail}")
            rows.append([reason, words, len(photos), example])
    return _table(["reason", "", "photos", "for example"], rows) if rows else ""


def _people(found: AlignedFaces) -> str:
    rows = []
    for name, photos in grouped(found.photos).items():
        splits = Counter(photo.split for photo in photos)
        why = Counter(photo.reason for photo in photos if photo.reason)
        dropped = ", ".join(f"{reason} {count}" for reason, count in why.most_common())
        rows.append([markdown_of(name), len(photos), *(splits[split] for split in SPLITS), dropped])
    return _table(["identity", "photos", "train", "held out", "dropped"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _cells(row: dict[str, object]) -> dict[str, object]:
    """Return a row of the table whose names of files and people no spreadsheet computes."""
    numbers = ("box", "eyes")  # which may begin with a minus
    return {key: value if key in numbers else cell_of(value) for key, value in row.items()}


def contact_sheet(found: AlignedFaces, out: Path, size: int) -> Image.Image:
    """Return a picture with a row for each of the first identities, its name above its faces."""
    people = list(grouped(found.kept()).items())[:SHEET_ROWS]
    height = size + LABEL
    sheet = Image.new("RGB", (SHEET_COLUMNS * size, len(people) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (name, photos) in enumerate(people):
        # Its built-in font has no letters beyond Latin-1.
        text = f"{name}, {len(photos)} faces".encode("latin-1", "replace").decode("latin-1")
        draw.text((2, row * height), text, fill="black")
        for column, photo in enumerate(photos[:SHEET_COLUMNS]):
            with Image.open(out / photo.split / photo.identity / photo.face) as face:
                sheet.paste(face, (column * size, row * height + LABEL))
    return sheet
