"""The report in a browser: what axe-core finds, what fits, and what the keyboard does.

Needs the extra ``browser`` and a Chromium, which is not installed from PyPI (on Debian and Ubuntu:
``apt-get install chromium``); without them it is skipped.
"""

import shutil

import pytest

pytestmark = pytest.mark.browser
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api",
        reason="needs Playwright: pip install -c constraints.txt -e .[browser]",
    )
    pytest.importorskip("axe_playwright_python", reason="needs axe-core, of the extra browser")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"needs a browser, found none of {', '.join(BROWSERS)}")
    with sync_api.sync_playwright() as playwright:
        # As root, in a container say, Chromium starts without its sandbox alone; the page is ours.
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def shown(browser, build, studies, tmp_path):
    """Opens the report at a width in pixels; whatever its script complains of fails the test."""
    place, said = tmp_path / "report.html", []
    place.write_text(build(protocol="smoke"), encoding="utf-8")
    context = browser.new_context()

    def shown(width):
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(place.as_uri())
        return page

    yield shown
    context.close()
    assert not said


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(shown, width):
    from axe_playwright_python.sync_playwright import Axe

    page = shown(width)
    for fold in page.locator("summary").all():
        fold.click()
    found = Axe().run(page).response
    assert len(found["passes"]) > 20
    assert [
        (one["impact"], one["id"], one["nodes"][0]["html"]) for one in found["violations"]
    ] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_and_tables_say_that_they_scroll(shown, width):
    page = shown(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    tables = page.locator(".scroll:visible").all()
    assert len(tables) == 2
    for box in tables:
        scrolls = box.evaluate("box => box.scrollWidth > box.clientWidth + 1")
        hint = box.evaluate("box => !box.previousElementSibling.hidden")
        assert scrolls == hint
    table = page.locator("#table1")
    assert table.evaluate("box => box.scrollWidth > box.clientWidth") == (width == 390)
    # The first column stays, and the caption is read without scrolling.
    table.evaluate("box => { box.scrollLeft = 200; }")
    left = table.bounding_box()["x"]
    assert table.locator("tbody th[scope=row]").first.bounding_box()["x"] == pytest.approx(
        left, abs=2
    )
    caption = table.locator("caption > span").bounding_box()
    assert caption["x"] >= left - 2 and caption["x"] + caption["width"] <= width


def test_a_figure_is_enlarged_and_closed_by_keyboard(shown):
    page = shown(390)
    page.locator("#figure4 button").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    assert dialog.is_visible() and "Figure 4" in dialog.locator("strong").text_content()
    assert dialog.locator("img").get_attribute("alt").startswith("Figure 4. Varying")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.className") == "zoom"


def test_the_explorer_shows_the_swap_that_was_asked_for(shown, panel):
    """Pixels of the page against the panel, whose tiles are PNG here and so without loss."""
    page, grid = shown(1280), panel("explorer").arrays["grid"]
    rows, columns, values = grid.shape[:3]
    tile = page.locator(".swap")
    page.locator("input[name=z_s]").first.focus()
    page.keyboard.press("ArrowDown")
    page.locator("input[name=z_u]").first.focus()
    page.keyboard.press("Space")
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    row, column, value = 1, 0, values // 2 + 1
    label = tile.get_attribute("aria-label")
    assert "z_s of 2: identity 1, z_u of 1: identity 4; coordinate 2 moved by +1 stand" in label
    assert page.locator("output").text_content() in label
    assert (
        page.locator("input[type=range]").get_attribute("aria-valuetext").startswith("moved by +1")
    )
    seen = shown_pixels(tile)
    side = len(seen) // grid.shape[3]
    assert (seen[side // 2 :: side, side // 2 :: side] == grid[row, column, value]).all()
    assert page.locator(".walk .tile.now").count() == 1


def shown_pixels(locator):
    """What the page shows of an element, uint8 (H, W, 3)."""
    import io

    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"))


def test_print_shows_captions_in_full(shown):
    page = shown(1280)
    note = page.get_by_text("Top-1: share of images that are recognised.")
    assert not note.is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert note.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not note.is_visible()
