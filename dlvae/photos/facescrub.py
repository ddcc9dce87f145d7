"""Photos of FaceScrub (Ng and Winkler, 2014) from its own lists of links.

Usage: python -m dlvae.photos.facescrub facescrub_actors.txt facescrub_actresses.txt --out FOLDER

The lists come from http://vintage.winklerbros.net/facescrub.html and have one face a line: name,
image_id, face_id, url, bbox (x1,y1,x2,y2) and the SHA-256 of the photo, between tabs. A photo is
kept as FOLDER/<name>/<image_id>.<ending> if its bytes are those of the list; `faces.csv` says which
face in it is meant, and `dead_links.csv` what is no longer there. Many links have died since 2014.

The command can be stopped and repeated: what is there is not fetched again, what the server has not
or has changed is not asked for again (but with --again), what did not answer is.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from dlvae.photos.downloads import GONE, NotFetched, fetch_all
from dlvae.photos.photo_tree import BOXES
from dlvae.stage.artefact import atomic, sha256_file, write_text
from dlvae.stage.errors import UserError
from dlvae.stage.foreign import cell_of
from dlvae.stage.runtime import run_stage, stage_parser

COLUMNS = ("name", "image_id", "face_id", "url", "bbox", "sha256")
ENDINGS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "BMP": "bmp", "WEBP": "webp", "TIFF": "tif"}
LIMIT = 30_000_000  # bytes of a photo
STATE, DEAD = "links.jsonl", "dead_links.csv"
CHANGED, NO_PHOTO, KEPT = "changed", "no_photo", "kept"
FINAL = (GONE, CHANGED, NO_PHOTO)  # not asked for again
PROGRESS_SECONDS = 10.0


@dataclass(frozen=True)
class Link:
    """One face of a list; `box` is x1, y1, x2, y2 in pixels of the photo."""

    name: str
    image: str
    url: str
    box: tuple[int, int, int, int]
    sha256: str


def read_list(path: str | Path) -> list[Link]:
    """Read a list of FaceScrub, with or without its line of column names.

    Raises:
        UserError: no such file, or a line that is no face.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a list of FaceScrub, found {error}") from None
    links = []
    for number, row in enumerate(
        csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE), 1
    ):
        if row and tuple(row) != COLUMNS:
            links.append(_link(row, f"{path}:{number}"))
    if not links:
        raise UserError(f"{path}: expected a list of FaceScrub, found no face in it")
    return links


def _link(row: list[str], where: str) -> Link:
    try:
        name, image, _, url, box, sha256 = (cell.strip() for cell in row)
        x1, y1, x2, y2 = (int(value) for value in box.split(","))
    except ValueError:
        raise UserError(
            f"{where}: expected {', '.join(COLUMNS)} between tabs, bbox as x1,y1,x2,y2, found "
            f"{row!r:.160}"
        ) from None
    # The name becomes a folder and the number a file.
    if not (re.fullmatch(r"\w[\w .,'’-]*", name) and re.fullmatch(r"\d+", image)):
        raise UserError(f"{where}: expected a name and a number, found {name!r}, {image!r}")
    if not re.fullmatch("[0-9a-f]{64}", sha256 := sha256.lower()):
        raise UserError(f"{where}: expected a SHA-256 of 64 hex digits, found {sha256!r:.80}")
    return Link(name, image, url, (x1, y1, x2, y2), sha256)


class Collection:
    """The folder of photos, and what is known of every link."""

    def __init__(self, out: Path, links: Sequence[Link], again: bool) -> None:
        self.out = out
        self.links: dict[str, list[Link]] = {}
        for link in links:
            self.links.setdefault(link.url, []).append(link)
        self._state = out / STATE
        self.known = self._read_state()
        self._again = again

    def open_links(self) -> list[str]:
        """Return the URLs that are still to be fetched."""
        return [url for url in self.links if not self._is_settled(url)]

    def _is_settled(self, url: str) -> bool:
        known = self.known.get(url, {})
        if known.get("found") == KEPT:
            return all(
                self._has(self._path(link, known["ending"]), link) for link in self.links[url]
            )
        return known.get("found") in FINAL and not self._again

    def _has(self, path: Path, link: Link) -> bool:
        return path.is_file() and sha256_file(path) == link.sha256

    def _path(self, link: Link, ending: str) -> Path:
        return self.out / link.name / f"{link.image}.{ending}"

    def take(self, url: str, content: bytes | NotFetched) -> None:
        """Keep a photo that is the one of the list; note what became of the link."""
        if isinstance(content, NotFetched):
            self._note(url, content.kind, str(content))
            return
        sha256 = hashlib.sha256(content).hexdigest()
        meant = [link for link in self.links[url] if link.sha256 == sha256]
        if not meant:
            self._note(url, CHANGED, f"{len(content)} bytes with the SHA-256 {sha256[:12]}")
            return
        try:
            with Image.open(io.BytesIO(content)) as image:
                ending = ENDINGS.get(str(image.format), "")
        except Exception:  # decoders fail on broken files in every way there is
            ending = ""
        if not ending:
            self._note(url, NO_PHOTO, "no image of a known format")
            return
        for link in meant:
            with atomic(self._path(link, ending)) as path:
                path.write_bytes(content)
        self._note(url, KEPT, ending=ending)

    def _note(self, url: str, found: str, detail: str = "", **more: str) -> None:
        self.known[url] = {"url": url, "found": found, "detail": detail, **more}
        self.out.mkdir(parents=True, exist_ok=True)
        with self._state.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.known[url], ensure_ascii=False) + "\n")

    def _read_state(self) -> dict[str, dict[str, str]]:
        known = {}
        if self._state.is_file():
            for line in self._state.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    known[entry["url"]] = entry
                except (ValueError, KeyError, TypeError):
                    continue  # the last line of a run that was killed
        return known

    def write_tables(self) -> Counter[str]:
        """Write `faces.csv` and `dead_links.csv`; return how many links ended how."""
        boxes, dead, counts = [], [], Counter()
        for url, links in self.links.items():
            known = self.known.get(url, {"found": "not asked", "detail": ""})
            counts[known["found"]] += 1
            for link in links:
                if known["found"] == KEPT:
                    path = self._path(link, known["ending"])
                    if path.is_file():
                        boxes.append([path.relative_to(self.out).as_posix(), *link.box])
                else:
                    dead.append([link.name, link.image, url, known["found"], known["detail"]])
        _write_csv(self.out / BOXES, ["path", "x1", "y1", "x2", "y2"], boxes)
        dead = [[cell_of(cell) for cell in row] for row in dead]
        _write_csv(self.out / DEAD, ["name", "image_id", "url", "found", "detail"], dead)
        return counts


def _write_csv(path: Path, head: list[str], rows: list[list[object]]) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([head, *rows])
    write_text(path, table.getvalue())


def download(
    lists: Sequence[str | Path],
    out: str | Path,
    pause: float = 1.0,
    hosts: int = 8,
    again: bool = False,
) -> Counter[str]:
    """Fetch what is missing of the photos of some lists.

    Args:
        lists: files of FaceScrub.
        out: folder of photos; see the module's docstring.
        pause: seconds between two requests to a host.
        hosts: asked at a time.
        again: ask again for what was gone, or not the photo of the list.

    Returns:
        How many links ended how: "kept", "gone", "changed", "no_photo", "later", "unreachable".
    """
    collection = Collection(Path(out), [link for path in lists for link in read_list(path)], again)
    missing = collection.open_links()
    shown, seen = time.monotonic(), Counter()

    def done(url: str, content: bytes | NotFetched) -> None:
        nonlocal shown
        collection.take(url, content)
        seen[collection.known[url]["found"]] += 1
        if time.monotonic() - shown > PROGRESS_SECONDS:
            shown = time.monotonic()
            counts = ", ".join(f"{name} {count}" for name, count in seen.most_common())
            print(f"links: {seen.total()}/{len(missing)}  {counts}", file=sys.stderr, flush=True)

    try:
        fetch_all(missing, done, LIMIT, pause, hosts)
    finally:
        counts = collection.write_tables()
    return counts


def main(args: argparse.Namespace) -> None:
    """Run the command line."""
    counts = download(args.lists, args.out, args.pause, args.hosts, args.again)
    listed = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    print(f"{counts[KEPT]} photos of {counts.total()} links in {args.out} ({listed})")
    print(f"The others are in {args.out / DEAD}. Next:")
    print(f"snakemake --cores all prepare_faces --config photos={args.out}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("lists", nargs="+", type=Path, help="facescrub_actors.txt and others")
    parser.add_argument("--out", type=Path, required=True, help="folder of the photos")
    parser.add_argument(
        "--pause", type=float, default=1.0, help="seconds between requests to a host"
    )
    parser.add_argument("--hosts", type=int, default=8, help="hosts asked at a time")
    parser.add_argument("--again", action="store_true", help="ask again for links that were dead")
    run_stage(main, parser)
