"""A page of HTML as elements, for tests of its structure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


@dataclass
class HtmlElement:
    """An element, its attributes, and what is in it: texts and elements."""

    tag: str
    attributes: dict[str, str]
    parent: HtmlElement | None
    content: list[str | HtmlElement] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, in one line."""
        parts = (one if isinstance(one, str) else one.text for one in self.content)
        return " ".join("".join(parts).split())

    def every(self, *tags: str) -> list[HtmlElement]:
        """Return the elements in it that have one of these tags, or all, in their order."""
        return [one for one in self._inside() if not tags or one.tag in tags]

    def inside(self, *tags: str) -> bool:
        """Tell whether it is in an element that has one of these tags."""
        above = self.parent
        return above is not None and (above.tag in tags or above.inside(*tags))

    def _inside(self) -> Iterator[HtmlElement]:
        for one in self.content:
            if isinstance(one, HtmlElement):
                yield one
                yield from one._inside()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.now = HtmlElement("", {}, None)

    def handle_starttag(self, tag, attrs):
        element = HtmlElement(tag, {name: value or "" for name, value in attrs}, self.now)
        self.now.content.append(element)
        if tag not in VOID:
            self.now = element

    def handle_endtag(self, tag):
        assert self.now.tag == tag, f"</{tag}> ends <{self.now.tag}>, line {self.getpos()[0]}"
        self.now = self.now.parent

    def handle_data(self, data):
        self.now.content.append(data)


def parse_page(text: str) -> HtmlElement:
    """Return the root of a page; every element of it must be closed, in order."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    assert builder.now is builder.root, f"<{builder.now.tag}> is not closed"
    return builder.root
