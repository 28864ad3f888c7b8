"""What a visit to a page shows: requests, console, images, width, contrast."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

LIMIT_MS = 60_000
SETTLED = """() => {
const images = [...document.images];
const typeset = !window.MathJax || !window.MathJax.startup || window.__typeset;
if (window.MathJax && window.MathJax.startup && !window.__asked) {
  window.__asked = true;
  window.MathJax.startup.promise.then(() => { window.__typeset = true; });
}
return document.readyState === 'complete' && typeset && images.every(image => image.complete);
}"""
IMAGES = """
[...document.querySelectorAll('.bd-article img')].map(
  image => ({source: image.src, alt: image.alt, width: image.naturalWidth, height: image.naturalHeight}))
"""
LINKS = "[...document.querySelectorAll('a[href]')].map(link => link.href)"
ANCHORS = "[...document.querySelectorAll('[id], [name]')].map(node => node.id || node.name)"
TEXT = "(document.querySelector('.bd-article') || document.body).innerText"
#: What axe-core finds against WCAG 2.2 AA: the rule, and the first place.
VIOLATIONS = """async () => {
const found = await axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']});
return found.violations.map(({id, nodes}) => `${id}, ${nodes.length} times: ${nodes[0].html.slice(0, 200)}`);
}"""
PALE_TEXT = """() => {
const channel = value => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = node => {
  for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor);
    if (colour.length === 3 || colour[3] > 0.95) return colour;
  }
  return [255, 255, 255];
};
const pale = [];
const wanted = '.bd-article p, .bd-article td, .bd-article th, .bd-article li, .bd-article figcaption span, '
  + '.bd-article h1, .bd-article h2, .bd-article a, .bd-article summary, .bd-article code, .bd-sidebar-primary a';
for (const node of document.querySelectorAll(wanted)) {
  if (!node.textContent.trim() || node.classList.contains('headerlink') || !node.getClientRects().length) continue;
  const [a, b] = [luminance(parse(getComputedStyle(node).color)), luminance(ground(node))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) pale.push(`${node.tagName} ${node.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
}
return pale;
}"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One page as one reader saw it."""

    requests: tuple[str, ...]
    failures: tuple[str, ...]  # requests that failed or were answered with an error
    console: tuple[str, ...]  # warnings and errors
    images: tuple[dict[str, Any], ...]
    links: tuple[str, ...]
    anchors: frozenset[str]
    overflow: (
        int  # pixels by which the page is wider than the screen, which a telephone would hide by zooming out
    )
    pale: tuple[str, ...]  # texts whose contrast is below WCAG's 4.5
    theme: str
    raw_tex: bool
    text: str
    violations: tuple[str, ...]  # of accessibility


@contextmanager
def reader(browser: Browser, *, dark: bool = False, width: int = 1280) -> Iterator[BrowserContext]:
    """Give a browser as a reader with this theme and screen has it, new to the site."""
    with browser.new_context(
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 900},
        is_mobile=width < 600,
    ) as context:
        context.set_default_timeout(LIMIT_MS)
        yield context


def visit(context: BrowserContext, address: str, *, audit: bool = True) -> Visit:
    """Open a page and look at everything; without an audit, but for violations, which take longest to find."""
    with context.new_page() as page:
        heard = Heard(context.new_cdp_session(page))
        page.goto(address)
        page.wait_for_function(SETTLED)
        text = page.evaluate(TEXT)
        return Visit(
            tuple(heard.requests),
            tuple(heard.failures),
            tuple(heard.console),
            tuple(page.evaluate(IMAGES)),
            tuple(page.evaluate(LINKS)),
            frozenset(page.evaluate(ANCHORS)),
            page.evaluate("document.documentElement.scrollWidth") - page.viewport_size["width"],
            tuple(page.evaluate(PALE_TEXT)),
            page.evaluate("document.documentElement.dataset.theme"),
            "\\(" in text or "\\[" in text,
            text,
            _violations(page) if audit else (),
        )


def _violations(page: Page) -> tuple[str, ...]:
    page.evaluate(AXE_SCRIPT)
    return tuple(page.evaluate(VIOLATIONS))


class Heard:
    """What the browser itself reports of a page, in Chrome's protocol: more than Playwright passes on."""

    def __init__(self, session: CDPSession) -> None:
        self.requests: list[str] = []
        self.failures: list[str] = []
        self.console: list[str] = []
        self._names: dict[str, str] = {}
        for event, hear in {
            "Network.requestWillBeSent": self._requested,
            "Network.responseReceived": self._answered,
            "Network.loadingFailed": self._failed,
            "Log.entryAdded": self._logged,
            "Runtime.consoleAPICalled": self._said,
            "Runtime.exceptionThrown": self._threw,
        }.items():
            session.on(event, hear)
        for domain in ("Network", "Log", "Runtime"):
            session.send(f"{domain}.enable")

    def _requested(self, event: dict[str, Any]) -> None:
        self._names[event["requestId"]] = event["request"]["url"]
        self.requests.append(event["request"]["url"])

    def _answered(self, event: dict[str, Any]) -> None:
        if event["response"]["status"] >= 400:
            self.failures.append(f"{event['response']['status']} {event['response']['url']}")

    def _failed(self, event: dict[str, Any]) -> None:
        self.failures.append(f"{event.get('errorText')} {self._names.get(event['requestId'])}")

    def _logged(self, event: dict[str, Any]) -> None:
        if (entry := event["entry"])["level"] in ("warning", "error"):
            self.console.append(f"{entry['level']} {entry['text']}")

    def _said(self, event: dict[str, Any]) -> None:
        if event["type"] in ("warning", "error", "assert"):
            self.console.append(f"{event['type']} {event['args']}")

    def _threw(self, event: dict[str, Any]) -> None:
        self.console.append(f"exception {event['exceptionDetails']}")
