"""The report's structure and colours, as far as they can be judged without a browser."""

import itertools
import re
from pathlib import Path

import pytest

import reports.report

STYLE = (Path(reports.report.__file__).parent / "report.css.j2").read_text()
TEXTS = ("ink", "muted", "link", "good", "part", "bad")
SURFACES = ("paper", "soft", "notice")
SHAPES = ("edge", "focus")  # boundaries of controls, and where the keyboard is


@pytest.fixture
def whole(page, studies):
    """The report with everything in it."""
    return page(protocol="smoke")


def test_the_page_says_its_language_and_title_and_has_landmarks(whole):
    (html,) = whole.every("html")
    assert html.attributes["lang"] == "en" and whole.every("title")[0].text
    for landmark in ("header", "nav", "main"):
        assert len(whole.every(landmark)) == 1, landmark
    outside = [one.tag for one in whole.every("h2", "p", "table", "figure")
               if not one.inside("header", "main", "dialog")]  # fmt: skip
    assert not outside
    sections = whole.every("section")
    assert len(sections) == 9 and all(one.attributes["aria-labelledby"] for one in sections)


def test_headings_go_down_step_by_step(whole):
    levels = [int(one.tag[1]) for one in whole.every(*(f"h{level}" for level in range(1, 7)))]
    assert levels[0] == 1 and levels.count(1) == 1 and len(levels) > 10
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_pictures_have_words(whole):
    pictures = [one for one in whole.every("img") if not one.inside("dialog")]
    assert len(pictures) == 3
    for picture in pictures:
        assert len(picture.attributes["alt"]) > 20 and picture.inside("button")
    (swap,) = [one for one in whole.every() if one.attributes.get("role") == "img"]
    assert swap.attributes["aria-label"]


def test_tables_have_captions_and_every_head_says_what_it_heads(whole):
    tables = whole.every("table")
    assert len(tables) == 5
    for table in tables:
        assert table.every("caption")[0].text and table.inside("div")
        for row in table.every("tr"):
            assert row.every("th")  # a row without a name cannot be read aloud
        for head in table.every("th"):
            assert head.attributes["scope"] in ("col", "row", "rowgroup") and head.text


def test_what_scrolls_is_reached_by_keyboard_and_says_so(whole):
    boxes = [one for one in whole.every("div") if one.attributes.get("class") == "scroll"]
    assert len(boxes) == len(whole.every("table"))
    for box in boxes:
        assert box.attributes["tabindex"] == "0" and box.attributes["role"] == "region"
        assert box.attributes["aria-label"]
        before = [one for one in box.parent.content if not isinstance(one, str)]
        assert before[before.index(box) - 1].attributes["class"] == "hint"
    (pre,) = whole.every("pre")
    assert pre.attributes["tabindex"] == "0" and pre.attributes["role"] == "region"


def test_controls_have_names(whole):
    for control in whole.every("button", "summary", "legend", "output"):
        assert control.text or control.tag == "output" or control.every("img")
    labels = {one.attributes.get("for") for one in whole.every("label")}
    for field in whole.every("input"):
        assert field.attributes.get("id") in labels or field.parent.tag == "label"
        assert field.parent.text


# --- Colours -----------------------------------------------------------------------------------


def luminance(colour):
    """Relative luminance of #rrggbb, WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Contrast ratio of two colours, WCAG 2.2."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def palette():
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", STYLE))


def test_the_formula_of_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("surface", SURFACES)
def test_texts_stand_out_from_every_surface(surface):
    colours = palette()
    for text in TEXTS:
        assert contrast(colours[text], colours[surface]) >= 4.5, text
    for shape in SHAPES:
        assert contrast(colours[shape], colours[surface]) >= 3, shape


def test_no_colour_is_used_that_was_not_judged():
    rules = STYLE[STYLE.index("}") :]
    assert not re.search(r"#[0-9a-f]{3,6}\b(?![^{]*\{)", rules.replace("#tables", ""))
    used = {name: set(re.findall(rf"[\s;{{]{name}: ?var\(--([a-z]+)\)", rules))
            for name in ("color", "background")}  # fmt: skip
    assert used["color"] <= set(TEXTS) and used["background"] <= set(SURFACES)
    assert len(re.findall(r"[\s;{](?:color|background):", rules)) == len(
        re.findall(r"[\s;{](?:color|background): ?var\(", rules)
    )
