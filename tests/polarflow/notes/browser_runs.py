"""The page of the notes in Chromium. Not collected unless it is named, since it needs a browser: pytest tests/polarflow/notes/browser_runs.py."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from polarflow.notes import build
from polarflow.targets import resolve
from proofs_check.kernel import check
from proofs_check.ledger import default_path, opened
from theory.papers import NAMES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).parents[3] / "examples"
PHONE: Any = {"width": 390, "height": 844}
DESKTOP: Any = {"width": 1280, "height": 900}
GRAVE = ("serious", "critical")

# What is folded has no size until it is opened. A formula within an SVG would be a picture, and there are none.
LOOK = """() => {
  document.querySelectorAll("details").forEach(one => { one.open = true; });
  const said = [];
  for (const one of document.querySelectorAll("math")) {
    const room = one.getBoundingClientRect();
    const told = one.querySelector("annotation")?.textContent ?? one.textContent;
    if (!(room.width > 0 && room.height > 0)) said.push(`formula without a size: ${told.slice(0, 80)}`);
    if (getComputedStyle(one).color !== getComputedStyle(one.parentElement).color) said.push(`formula in another ink: ${told.slice(0, 80)}`);
  }
  for (const one of document.querySelectorAll("a")) {
    const to = one.getAttribute("href") ?? "";
    if (to.startsWith("#") && !document.getElementById(decodeURIComponent(to.slice(1)))) said.push(`link without target: ${to}`);
    else if (one.hasAttribute("download") && to.startsWith("data:application/json;base64,")) continue;
    else if (!/^(#.|https:|mailto:)/.test(to)) said.push(`link to nowhere: ${to}`);
  }
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  if (wide > 0) said.push(`wider than the window by ${wide}`);
  for (const face of document.fonts) if (face.status === "error") said.push(`font not read: ${face.family}`);
  return said;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # here, since doctests are looked for in every module

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "these tests drive Chromium, and there is none: apt-get install chromium"
    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=found, args=["--no-sandbox"])


def faults(browser: Browser, path: Path, scheme: Any = "light") -> list[str]:
    """What is wrong with a page in a light or a dark scheme, on a telephone and on a desk."""
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(600_000)
    found: list[str] = []

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "data" and (parts.scheme != "file" or Path(unquote(parts.path)) != path):
            found.append(f"request: {url}")

    page.on("console", lambda message: found.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"console: {error}"))
    page.on("request", lambda request: asked(request.url))
    page.goto(path.as_uri(), wait_until="load")
    found += page.evaluate(LOOK)
    page.set_viewport_size(DESKTOP)
    found += page.evaluate(LOOK)
    found += accessibility(page, scheme)
    context.close()
    return found


def accessibility(page: Page, scheme: str) -> list[str]:
    """The grave findings of axe; what depends on the scheme is the contrast alone. Formulas have the ink of the text they stand in, or LOOK tells."""
    from axe_playwright_python.sync_playwright import Axe

    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if scheme == "dark":
        options["runOnly"] = ["color-contrast"]
    found = Axe().run(page, context={"exclude": [["math"]]}, options=options).response["violations"]
    return [f"{one['impact']}: {one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in GRAVE]


# ---- The notes ---------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(
    scope="module", params=[*((name,) for name in NAMES), ("polar_diagonal.toml",), ("kernel_law.toml", "two_layer_linear.toml")], ids="+".join
)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a paper, that of a theory file with claims that are false, and a course of two."""
    false = request.param[0].endswith(".toml")
    targets = [resolve(str(EXAMPLES / name) if false else name) for name in request.param]
    with opened(default_path()) as book:
        (path,) = build(targets, ["html"], tmp_path_factory.mktemp("page") / "notes", book)
    assert ('class="claim refuted"' in path.read_text()) == false
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wrong_with_the_page(browser: Browser, page: Path, scheme: str) -> None:
    assert "<math" in page.read_text()
    assert faults(browser, page, scheme) == []


def test_the_badge_says_what_it_means_when_it_is_reached_from_the_keyboard(browser: Browser, page: Path) -> None:
    context = browser.new_context()
    shown = context.new_page()
    shown.goto(page.as_uri())
    badge = shown.locator(".badge").first
    meaning = badge.locator(".meaning")
    assert not meaning.is_visible()
    badge.focus()
    assert meaning.is_visible()
    assert meaning.inner_text()
    context.close()


def test_a_fingerprint_saves_the_certificate(browser: Browser, page: Path, tmp_path: Path) -> None:
    context = browser.new_context(accept_downloads=True)
    shown = context.new_page()
    shown.goto(page.as_uri())
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    links = shown.locator("a.certificate")
    for n in {0, links.count() // 2, links.count() - 1}:
        with shown.expect_download() as started:
            links.nth(n).press("Enter")
        path = tmp_path / started.value.suggested_filename
        started.value.save_as(path)
        assert path.stem.endswith(links.nth(n).inner_text())
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(links.nth(n).inner_text())
        assert check(json.loads(path.read_text())).outcome in ("proved", "refuted")
    context.close()


def test_on_paper_solutions_are_there_and_evidence_for_those_who_opened_it(browser: Browser, page: Path) -> None:
    context = browser.new_context()
    shown = context.new_page()
    shown.emulate_media(media="print")
    shown.goto(page.as_uri())
    evidence = shown.locator("details.later").first
    assert not evidence.is_visible()
    flat = "[...document.querySelectorAll('details:not(.later) math')].filter(one => !(one.getBoundingClientRect().height > 0)).length"
    assert shown.evaluate(flat) == 0
    shown.evaluate("document.querySelector('details.later').open = true")
    assert evidence.is_visible()
    context.close()


# ---- Pages with a fault: each must be found ----------------------------------------------------------------------------------------------------


def written(path: Path, body: str, style: str = "") -> Path:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Page</title><style>{style}</style>'
    path.write_text(f'<!DOCTYPE html><html lang="en"><head>{head}</head><body><main><h1>Page</h1>{body}</main></body></html>')
    return path


FORMULA = "<math><semantics><mrow><mi>x</mi></mrow></semantics></math>"
DARK = "@media (prefers-color-scheme: dark) { body { background: #000; color: #333; } }"


def test_a_sound_page_has_no_fault(browser: Browser, tmp_path: Path) -> None:
    path = written(tmp_path / "page.html", f'<p id="here"><a href="#here">Text</a> {FORMULA}</p><details><summary>More</summary>{FORMULA}</details>')
    assert faults(browser, path) == []


@pytest.mark.parametrize(
    ("body", "style", "fault"),
    [
        ("<script>console.log('heard')</script>", "", "console: heard"),
        ("<script>nowhere()</script>", "", "console: nowhere is not defined"),
        ('<img alt="a dot" src="http://127.0.0.1:9/dot.png">', "", "request: http://127.0.0.1:9/dot.png"),
        ("<p>Text</p>", "@import url(other.css);", "request: file:"),
        (FORMULA, "math { display: none; }", "formula without a size"),
        (FORMULA, "math { color: #eee; }", "formula in another ink"),
        ('<p><a href="#nowhere">Text</a></p>', "", "link without target: #nowhere"),
        ('<p><a href="other.html">Text</a></p>', "", "link to nowhere: other.html"),
        ('<p><a href="data:application/json;base64,e30=">Text</a></p>', "", "link to nowhere: data:"),
        ("<p>Text</p>", "p { width: 400px; }", "wider than the window by"),
        ("<p>Text</p>", "p { color: #bbb; }", "serious: color-contrast"),
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">', "", "critical: image-alt"),
    ],
)
def test_faults_are_found(browser: Browser, tmp_path: Path, body: str, style: str, fault: str) -> None:
    found = faults(browser, written(tmp_path / "page.html", body, style))
    assert any(fault in one for one in found), found


def test_each_scheme_is_looked_at(browser: Browser, tmp_path: Path) -> None:
    path = written(tmp_path / "page.html", "<p>Text</p>", DARK)
    assert faults(browser, path) == []
    assert any("color-contrast" in one for one in faults(browser, path, "dark"))
