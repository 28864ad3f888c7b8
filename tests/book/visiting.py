"""What a visit to a page shows: requests, console, images, width, contrast."""

import json
import time
from dataclasses import dataclass
from typing import Any

from selenium.webdriver import Chrome

SETTLED = """
const images = [...document.images];
const typeset = !window.MathJax || !window.MathJax.startup || window.__typeset;
if (window.MathJax && window.MathJax.startup && !window.__asked) {
  window.__asked = true;
  window.MathJax.startup.promise.then(() => { window.__typeset = true; });
}
return document.readyState === 'complete' && typeset && images.every(image => image.complete);
"""
IMAGES = """
return [...document.querySelectorAll('.bd-article img')].map(
  image => ({source: image.src, alt: image.alt, width: image.naturalWidth, height: image.naturalHeight}));
"""
LINKS = "return [...document.querySelectorAll('a[href]')].map(link => link.href);"
ANCHORS = "return [...document.querySelectorAll('[id], [name]')].map(node => node.id || node.name);"
PALE_TEXT = """
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
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One page as one reader saw it."""

    requests: tuple[str, ...]
    failures: tuple[str, ...]  # requests that failed or were answered with an error
    console: tuple[str, ...]  # warnings and errors
    images: tuple[dict[str, Any], ...]
    links: tuple[str, ...]
    anchors: frozenset[str]
    overflow: int  # pixels by which the page is wider than the screen
    pale: tuple[str, ...]  # texts whose contrast is below WCAG's 4.5
    theme: str
    raw_tex: bool
    text: str


def visit(driver: Chrome, address: str, *, dark: bool = False, width: int = 1280) -> Visit:
    """Open a page as a reader with this theme and screen would, and look at everything."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get_log("performance")
    driver.get_log("browser")
    driver.get(address)
    deadline = time.monotonic() + 30
    while not driver.execute_script(SETTLED):
        assert time.monotonic() < deadline, f"{address} did not settle"
        time.sleep(0.05)
    requests, failures = _traffic(driver)
    console = [
        f"{e['level']} {e['message']}"
        for e in driver.get_log("browser")
        if e["level"] in ("SEVERE", "WARNING")
    ]
    text = driver.execute_script("return (document.querySelector('.bd-article') || document.body).innerText;")
    return Visit(
        tuple(requests),
        tuple(failures),
        tuple(console),
        tuple(driver.execute_script(IMAGES)),
        tuple(driver.execute_script(LINKS)),
        frozenset(driver.execute_script(ANCHORS)),
        driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth;"),
        tuple(driver.execute_script(PALE_TEXT)),
        driver.execute_script("return document.documentElement.dataset.theme;"),
        "\\(" in text or "\\[" in text,
        text,
    )


def _traffic(driver: Chrome) -> tuple[list[str], list[str]]:
    requests, failures, names = [], [], {}
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        parameters = message["params"]
        if message["method"] == "Network.requestWillBeSent":
            names[parameters["requestId"]] = parameters["request"]["url"]
            requests.append(parameters["request"]["url"])
        elif message["method"] == "Network.responseReceived" and parameters["response"]["status"] >= 400:
            failures.append(f"{parameters['response']['status']} {parameters['response']['url']}")
        elif message["method"] == "Network.loadingFailed":
            failures.append(f"{parameters.get('errorText')} {names.get(parameters['requestId'])}")
    return requests, failures
