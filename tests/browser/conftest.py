"""A real demo run, a real TensorBoard on it, a real Chromium."""

import os
import re
import shutil
import socket
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import pytest

import keras_explain
from keras_explain.demo import serve
from tests.fixtures.make_run import make_run

WITHOUT_TENSORFLOW = Path(__file__).parents[1] / "fixtures" / "without_tensorflow"
AXE = Path(__file__).parents[2] / "tensorboard_plugin/frontend/node_modules/axe-core/axe.min.js"
PATIENCE = 180
"""Seconds until what is waited for must be there, however busy the machine is."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--process-per-site",
]


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        message = f"no browser on the PATH: {', '.join(NAMES)}"
        if os.environ.get("KERAS_EXPLAIN_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


def free_port():
    """Any free port, so that several sessions on one machine never meet."""
    with socket.socket() as any_free:
        any_free.bind(("localhost", 0))
        return any_free.getsockname()[1]


@contextmanager
def served(log_dir, port=None):
    """TensorBoard on a folder; gives its address."""
    port = port or free_port()
    with ExitStack() as server:
        with (
            patch.dict(os.environ, PYTHONPATH=str(WITHOUT_TENSORFLOW)),
            patch.object(serve, "PATIENCE", PATIENCE),
        ):
            server.enter_context(serve.tensorboard(log_dir, port))
        yield f"http://localhost:{port}/"


@pytest.fixture(scope="session")
def address(demo):
    """TensorBoard on the demo."""
    with served(demo.log_dir) as found:
        yield found


@pytest.fixture
def made(tmp_path):
    """Make a run by NumPy alone, and serve it: `made(steps)` gives the address.

    Ask for it before `tab`, so that the page is closed before its server.
    """
    with ExitStack() as servers:

        def make(steps):
            if steps:
                make_run(tmp_path / "run", steps=steps)
            return servers.enter_context(served(tmp_path))

        yield make


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A run by NumPy that nobody changes, and its address: `(run, address)`."""
    place = tmp_path_factory.mktemp("made_once")
    make_run(place / "run", steps=8)
    with served(place) as found:
        yield keras_explain.Run(place / "run"), found


def hash_of(state):
    terms = [f"p.keras_explain.{key}={quote(str(value), safe='')}" for key, value in state.items()]
    return "&".join(["keras_explain", *terms])


@pytest.fixture(scope="session")
def axe():
    if not AXE.exists():
        message = "axe-core is missing: run `npm ci` in tensorboard_plugin/frontend"
        if os.environ.get("KERAS_EXPLAIN_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    return AXE.read_text()


class Tab:
    """The Explain tab in a page of its own, with what went wrong in it."""

    def __init__(self, page):
        self.page, self.violations, self.requests = page, [], []
        self._is_open = False
        self._heard = {
            "console": self._hear,
            "pageerror": lambda error: self.violations.append(str(error)),
            "requestfinished": self._keep,
        }

    def _listen(self):
        for event, listener in self._heard.items():
            self.page.on(event, listener)

    def let_go(self):
        """Hear no more of the page."""
        if self._is_open:
            for event, listener in self._heard.items():
                self.page.remove_listener(event, listener)

    def _hear(self, message):
        ours = "keras_explain" in (message.location or {}).get("url", "")
        if message.type in ("error", "warning") and ours:
            self.violations.append(message.text)

    def _keep(self, request):
        if "/data/plugin/keras_explain/" in request.url:
            self.requests.append(request)

    def open(self, address, **state):
        """Load the tab anew, and TensorBoard around it where it is not open yet."""
        place = f"{address}#{hash_of(state)}"
        is_around = self.page.url.startswith(f"{address}#keras_explain")
        if not is_around:
            self.page.goto("about:blank")  # ends what the last test's page still asks for
        if not self._is_open:
            self._listen()
            self._is_open = True
        if is_around:
            self.page.evaluate("place => history.replaceState(history.state, '', place)", place)
            self.inside.goto(self.inside.url)
        else:
            self.page.goto(place)
        self.frame.get_by_role("main").wait_for()
        return self

    def go(self, address=None, **state):
        """Follow a link in the page that is open; load `address` where none is."""
        if not self._is_open:
            return self.open(address, **state)
        self.page.evaluate("hash => { location.hash = hash }", hash_of(state))
        return self

    @property
    def frame(self):
        return self.page.frame_locator('iframe[src*="name=keras_explain"]')

    @property
    def inside(self):
        """The tab's own document, to evaluate in."""
        return next(frame for frame in self.page.frames if frame.parent_frame)

    def by(self, name):
        return self.frame.get_by_test_id(name)

    def data(self, name, attribute):
        """An attribute of all that bear a name, as they stand at one moment."""
        return self.by(name).evaluate_all(
            "(found, attribute) => found.map(one => one.getAttribute(attribute))", attribute
        )

    def expect(self, read, expected):
        """Wait until what is read is what is expected."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = read()
            if found == expected:
                return
            self.page.wait_for_timeout(100)
        pytest.fail(f"found {found}, and not {expected}")

    @property
    def step(self):
        """The step that the time bar says it is at; -1 before training."""
        text = self.by("where").inner_text()
        found = re.search(r"step (-?\d+)", text)
        return int(found[1]) if found else -1


SIZE = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def context(browser):
    """Pages of one process, which compiles TensorBoard's scripts once."""
    shared = browser.new_context(viewport=SIZE)
    idle = shared.new_page()  # the process ends with its last page
    idle.route("**", lambda route: route.fulfill(body=""))
    idle.goto("http://localhost/")
    yield shared
    shared.close()


@contextmanager
def tab_in(page):
    """The tab in a page, which is left as if nobody had used it."""
    page.set_default_timeout(1000 * PATIENCE)
    opened = Tab(page)
    yield opened
    opened.let_go()
    if page.url != "about:blank":
        page.evaluate("localStorage.clear(); document.body.classList.remove('dark-mode')")
    page.mouse.move(0, 0)
    page.set_viewport_size(SIZE)
    page.emulate_media(reduced_motion="null")
    assert opened.violations == []


@pytest.fixture(scope="session")
def page(context):
    """One page for all: TensorBoard's own scripts take longer to start than the tab."""
    return context.new_page()


@pytest.fixture
def tab(page):
    with tab_in(page) as opened:
        yield opened


@pytest.fixture
def own_tab(context):
    """The tab in a page that no other test sees: for what cannot be undone."""
    page = context.new_page()
    with tab_in(page) as opened:
        yield opened
    page.close()


@pytest.fixture
def first_tab(browser):
    """The tab as one sees it who has never opened it: nothing is in the browser's cache."""
    with browser.new_context(viewport=SIZE) as context, tab_in(context.new_page()) as opened:
        yield opened
