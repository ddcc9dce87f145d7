"""Files from other people's servers: bounded in size and time, and asked for politely."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

AGENT = "dlvae-downloader/0.1 (research; one request at a time per host)"
TIMEOUT = 20.0  # seconds without a byte
DEADLINE = 120.0  # seconds for a whole file
BLOCK = 1 << 16

GONE, LATER, UNREACHABLE = "gone", "later", "unreachable"
"""The server says no; it says not now; it does not answer."""


class NotFetched(Exception):
    """A file was not fetched: `GONE`, `LATER` or `UNREACHABLE`, and what was found."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS alone: a list of links may name neither files of this machine nor FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    opener.addheaders = [("User-Agent", AGENT)]
    return opener


def fetch(url: str, limit: int, deadline: float = DEADLINE) -> bytes:
    """Return the content of a URL of at most `limit` bytes.

    Raises:
        NotFetched: anything else.
    """
    started = time.monotonic()
    try:
        with _opener().open(url, timeout=TIMEOUT) as answer:
            parts, size = [], 0
            while block := answer.read(BLOCK):
                parts.append(block)
                size += len(block)
                if size > limit:
                    raise NotFetched(GONE, f"more than {limit:,} bytes")
                if time.monotonic() - started > deadline:
                    raise NotFetched(LATER, f"not whole after {deadline:.0f} s")
    except urllib.error.HTTPError as error:
        busy = error.code in (408, 425, 429) or error.code >= 500
        raise NotFetched(LATER if busy else GONE, f"HTTP {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        # ValueError: a link that is none, also one that a redirect leads to.
        cause = getattr(error, "reason", None) or error
        kind = GONE if isinstance(error, ValueError) else UNREACHABLE
        raise NotFetched(kind, f"{type(error).__name__}: {cause}"[:160]) from None
    return b"".join(parts)


def fetch_all(
    urls: Iterable[str],
    done: Callable[[str, bytes | NotFetched], None],
    limit: int,
    pause: float,
    hosts: int,
) -> None:
    """Fetch many files: hosts side by side, the files of one host one after the other.

    A host's robots.txt is asked first and kept to, its crawl delay too. A host that says "not now",
    or does not answer twice in a row, is left alone for this call.

    Args:
        urls: each once.
        done: told of every URL, one at a time, with its content or why there is none.
        limit: bytes of one file.
        pause: seconds between two requests to a host.
        hosts: asked at a time.
    """
    by_host: dict[str, list[str]] = {}
    for url in urls:
        by_host.setdefault("{0.scheme}://{0.netloc}".format(urlsplit(url)), []).append(url)
    lock = threading.Lock()

    def tell(url: str, found: bytes | NotFetched) -> None:
        with lock:
            done(url, found)

    pool = ThreadPoolExecutor(max(hosts, 1))
    try:
        # Those with most links first: they take longest.
        longest = sorted(by_host.items(), key=lambda item: -len(item[1]))
        waiting = [pool.submit(_fetch_host, *item, tell, limit, pause) for item in longest]
        for each in waiting:
            each.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _fetch_host(
    host: str,
    urls: Sequence[str],
    tell: Callable[[str, bytes | NotFetched], None],
    limit: int,
    pause: float,
) -> None:
    failures = 0
    try:
        robots = _robots(host)
    except NotFetched as error:
        for url in urls:
            tell(url, error)
        return
    pause = max(pause, float(robots.crawl_delay(AGENT) or 0))
    for index, url in enumerate(urls):
        if not robots.can_fetch(AGENT, url):
            tell(url, NotFetched(GONE, "robots.txt asks not to fetch it"))
            continue
        time.sleep(pause)
        try:
            found: bytes | NotFetched = fetch(url, limit)
        except NotFetched as error:
            found = error
        tell(url, found)
        refused = isinstance(found, NotFetched) and found.kind
        failures = failures + 1 if refused == UNREACHABLE else 0
        if refused == LATER or failures == 2:
            for rest in urls[index + 1 :]:
                tell(rest, NotFetched(refused, f"not asked, for the host said: {found}"))
            return


def _robots(host: str) -> RobotFileParser:
    """Return the rules of a host; without any (4xx) all is allowed, as RFC 9309 says."""
    rules = RobotFileParser()
    try:
        rules.parse(fetch(f"{host}/robots.txt", 1 << 20).decode("utf-8", "replace").splitlines())
    except NotFetched as error:
        if error.kind != GONE:
            raise
        rules.parse([])
    return rules
