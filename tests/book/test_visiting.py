"""A visit sees what is wrong with a page: otherwise it could be no proof that nothing is."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.book.visiting import reader, visit

pytestmark = pytest.mark.browser
PAGE = b"""<!DOCTYPE html><html><head><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head><body><div class="bd-article">
<p style="color: #bbb">Pale</p><p>Dark, with \\(x\\)</p><div style="width: 1500px">wide</div>
<img src="/missing.png" alt="An image"><a id="here" href="/other.html">other</a></div>
<script>document.documentElement.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
console.warn('warned'); console.log('not heard'); fetch('http://127.0.0.1:9/refused').catch(() => {});
setTimeout(() => { throw new Error('thrown'); }); </script></body></html>"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path == "/page.html"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE if found else b"")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def seen(address, browser):
    with reader(browser, dark=True) as context:
        return visit(context, f"{address}/page.html")


def test_every_request_is_seen_and_each_that_failed(seen, address):
    wanted = {f"{address}/page.html", f"{address}/missing.png", "http://127.0.0.1:9/refused"}

    assert wanted <= set(seen.requests)
    assert f"404 {address}/missing.png" in seen.failures
    assert any(failure.endswith("http://127.0.0.1:9/refused") for failure in seen.failures)
    assert len(seen.failures) == 2


def test_what_not_everybody_can_read_is_found(seen):
    found = "\n".join(seen.violations)

    assert "html-has-lang, 1 times" in found
    assert "color-contrast, 1 times: <p style" in found


def test_the_console_is_heard_from_warnings_up(seen):
    said = "\n".join(seen.console)

    assert "warned" in said
    assert "thrown" in said
    assert "404" in said
    assert "not heard" not in said


def test_the_page_is_seen_as_the_reader_sees_it(seen, address, browser):
    assert seen.theme == "dark"
    assert seen.raw_tex
    assert [text for text in seen.pale if "Pale" in text]
    assert seen.links == (f"{address}/other.html",)
    assert "here" in seen.anchors
    assert [image["alt"] for image in seen.images] == ["An image"]
    for width in (1280, 390):
        with reader(browser, width=width) as context:
            light = visit(context, f"{address}/page.html")
        assert light.theme == "light"
        assert light.overflow > 0, width
