"""The downloader against a server on this machine."""

import csv
import hashlib
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from dlvae.photos import downloads
from dlvae.photos.downloads import NotFetched, fetch
from dlvae.photos.facescrub import download, read_list
from dlvae.stage.errors import UserError


def picture(seed, kind="jpeg"):
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


class Server:
    """Files by path; a number is a status, a text where it redirects to."""

    def __init__(self):
        self.files, self.asked, self.times = {}, [], []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                server.times.append(time.monotonic())
                content = server.files.get(self.path, 404)
                status = {int: content, str: 302}.get(type(content), 200)
                self.send_response(status)
                if isinstance(content, str):
                    self.send_header("Location", content)
                body = content if isinstance(content, bytes) else b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    running = Server()
    yield running
    running.close()


def line(name, image, url, content, box="1,2,20,18"):
    return "\t".join([name, image, "7", url, box, hashlib.sha256(content).hexdigest()])


def write_list(path, lines, head=True):
    columns = ["name\timage_id\tface_id\turl\tbbox\tsha256"] if head else []
    path.write_text("\n".join([*columns, *lines]) + "\n", encoding="utf-8")
    return path


def table(path):
    return list(csv.DictReader(path.open(encoding="utf-8")))


def quick(lists, out, **options):
    return download(lists, out, pause=0, hosts=2, **options)


@pytest.fixture
def asked(tmp_path, server):
    """A list of six links: two photos, one of them by a redirect, and four dead ones."""
    jpeg, png, page = picture(1), picture(2, "png"), b"<html>not here</html>"
    server.files |= {"/a.jpg": jpeg, "/b": "/b.png", "/b.png": png, "/changed.jpg": picture(3)}
    server.files |= {"/page.jpg": page, "/busy.jpg": 404}
    return write_list(
        tmp_path / "actors.txt",
        [
            line("Ada O'Neil Jr.", "11", f"{server.url}/a.jpg", jpeg),
            line("Bea", "12", f"{server.url}/b", png),
            line("Bea", "13", f"{server.url}/gone.jpg", jpeg),
            line("Bea", "14", f"{server.url}/changed.jpg", jpeg),
            line("Bea", "15", f"{server.url}/page.jpg", page),
            line("Bea", "16", "http://127.0.0.1:1/x.jpg", jpeg),
        ],
    )


def test_photos_are_fetched_checked_and_laid_out_by_name(tmp_path, server, asked):
    out = tmp_path / "out"
    counts = quick([asked], out)
    assert counts == {"kept": 2, "gone": 1, "changed": 1, "no_photo": 1, "unreachable": 1}
    assert (out / "Ada O'Neil Jr." / "11.jpg").read_bytes() == picture(1)
    assert (out / "Bea" / "12.png").read_bytes() == picture(2, "png")
    assert sorted(path.name for path in (out / "Bea").iterdir()) == ["12.png"]
    boxes = table(out / "faces.csv")
    assert [row["path"] for row in boxes] == ["Ada O'Neil Jr./11.jpg", "Bea/12.png"]
    assert [boxes[0][key] for key in ("x1", "y1", "x2", "y2")] == ["1", "2", "20", "18"]
    dead = {row["image_id"]: row for row in table(out / "dead_links.csv")}
    assert {key: row["found"] for key, row in dead.items()} == {
        "13": "gone", "14": "changed", "15": "no_photo", "16": "unreachable",
    }  # fmt: skip
    assert "404" in dead["13"]["detail"]


def test_a_second_run_asks_only_for_what_did_not_answer(tmp_path, server, asked):
    out = tmp_path / "out"
    quick([asked], out)
    server.asked.clear()
    (out / "Bea" / "12.png").write_bytes(b"damaged")
    server.files["/gone.jpg"] = picture(1)
    assert quick([asked], out)["kept"] == 2
    assert set(server.asked) == {"/robots.txt", "/b", "/b.png"}
    assert (out / "Bea" / "12.png").read_bytes() == picture(2, "png")
    assert quick([asked], out, again=True)["kept"] == 3


def test_a_run_that_was_killed_goes_on(tmp_path, server, asked):
    out = tmp_path / "out"
    quick([asked], out)
    state = out / "links.jsonl"
    state.write_text(state.read_text()[:-20])  # its last line is torn
    assert quick([asked], out)["kept"] == 2


def test_a_host_is_asked_slowly_and_one_link_at_a_time(tmp_path, server):
    content = picture(1)
    server.files |= {f"/{k}.jpg": content for k in range(3)}
    lines = [line("Ada", str(k), f"{server.url}/{k}.jpg", content) for k in range(3)]
    download([write_list(tmp_path / "l.txt", lines, head=False)], tmp_path / "out", pause=0.2)
    assert np.diff(server.times).min() > 0.19


def test_robots_txt_is_kept_to(tmp_path, server):
    content = picture(1)
    server.files |= {"/robots.txt": b"User-agent: *\nDisallow: /private/\n"}
    server.files |= {"/private/a.jpg": content, "/b.jpg": content}
    paths = ("/private/a.jpg", "/b.jpg")
    lines = [line("Ada", str(k), server.url + path, content) for k, path in enumerate(paths)]
    out = tmp_path / "out"
    assert quick([write_list(tmp_path / "l.txt", lines)], out) == {"kept": 1, "gone": 1}
    assert "/private/a.jpg" not in server.asked
    assert "robots.txt" in table(out / "dead_links.csv")[0]["detail"]


def test_a_busy_host_is_left_alone_and_asked_again_later(tmp_path, server):
    content = picture(1)
    server.files |= {"/0.jpg": 429, "/1.jpg": content}
    lines = [line("Ada", str(k), f"{server.url}/{k}.jpg", content) for k in range(2)]
    listed = write_list(tmp_path / "l.txt", lines)
    assert quick([listed], tmp_path / "out") == {"later": 2}
    assert "/1.jpg" not in server.asked
    server.files["/0.jpg"] = content
    assert quick([listed], tmp_path / "out") == {"kept": 2}


def test_one_photo_of_two_people_is_fetched_once(tmp_path, server):
    content = picture(1)
    server.files["/both.jpg"] = content
    lines = [line(name, "5", f"{server.url}/both.jpg", content) for name in ("Ada", "Bea")]
    out = tmp_path / "out"
    quick([write_list(tmp_path / "l.txt", lines)], out)
    assert server.asked.count("/both.jpg") == 1
    assert len(table(out / "faces.csv")) == 2


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "no link", "http://["])
def test_only_http_is_asked(url):
    with pytest.raises(NotFetched):
        fetch(url, 100)


def test_a_redirect_to_a_file_of_this_machine_is_not_followed(server):
    server.files["/x"] = "file:///etc/hostname"
    with pytest.raises(NotFetched):
        fetch(f"{server.url}/x", 1000)


def test_a_file_without_end_is_cut_off(server, monkeypatch):
    server.files["/big"] = bytes(5000)
    with pytest.raises(NotFetched, match="more than 4,000 bytes"):
        fetch(f"{server.url}/big", 4000)
    monkeypatch.setattr(downloads, "BLOCK", 100)
    with pytest.raises(NotFetched, match="not whole after 0 s"):
        fetch(f"{server.url}/big", 10_000, deadline=0)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("Ada\t1\t2\thttp://x/y.jpg\t1,2,3,4", "l.txt:2: expected name, image_id, .* between tabs"),
        ("Ada\t1\t2\thttp://x/y.jpg\t1,2,3\t" + "0" * 64, "bbox as x1,y1,x2,y2"),
        ("../Ada\t1\t2\thttp://x/y.jpg\t1,2,3,4\t" + "0" * 64, "expected a name"),
        ("Ada\t../1\t2\thttp://x/y.jpg\t1,2,3,4\t" + "0" * 64, "and a number"),
        ("Ada\t1\t2\thttp://x/y.jpg\t1,2,3,4\tabc", "a SHA-256 of 64 hex digits"),
    ],
)
def test_a_line_that_is_no_face_is_named(tmp_path, row, words):
    with pytest.raises(UserError, match=words):
        read_list(write_list(tmp_path / "l.txt", [row]))


def test_an_empty_or_missing_list_is_named(tmp_path):
    with pytest.raises(UserError, match="found no face in it"):
        read_list(write_list(tmp_path / "l.txt", []))
    with pytest.raises(UserError, match="expected a list of FaceScrub"):
        read_list(tmp_path / "none.txt")
