"""What the Explain tab costs in the browser on runs that are far longer or deeper than usual.

    python benchmarks/tab.py > benchmarks/tab.md

It writes a run of 10,000 steps of 64 probes, one of 48 larger maps and one of 1,000 layers with
NumPy, serves them with TensorBoard, and drives Chromium. Times are taken inside the page
(`performance.now`) or from the browser's own counters (DevTools' `Performance.getMetrics`).
"""

from __future__ import annotations

import argparse
import gzip
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, CDPSession, Frame, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from keras_explain.demo.serve import free_port, tensorboard
from keras_explain.store import (
    RECORDS,
    EventFile,
    ProbeSet,
    RecordSpec,
    StepInfo,
    Writer,
    announcement,
)
from tests.fixtures.deep import make_deep_run

STATIC = Path(__file__).parents[1] / "tensorboard_plugin" / "static"
LAYERS = 1000
PICTURE = ("height", "width", "channel")
SALIENCY = RecordSpec(
    "saliency", "saliency", PICTURE[:2], False, input="image", title="Saliency",
    quantity="sensitivity", unit="score per input unit",
)  # fmt: skip
PREDICTIONS = RecordSpec(
    "predictions",
    "predictions",
    ("class",),
    False,
    title="Predictions",
    quantity="prediction",
    unit="output",
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--enable-precise-memory-info"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
VIEWS = {
    "long": {"Evolve": {}, "Detail": {"v": "detail"}, "Compare": {"v": "compare"}},
    "deep": {"Layers": {"v": "layers"}, "Gradients": {"v": "gradients"}},
}
"""By run, the views whose nodes are counted."""
OPENINGS = 5
"""How often a run is opened on a new server."""
SEEKS = (50, 500, 1000, 1500, 2000)
"""After how many seeks the memory is looked at."""


def make_long_run(log_dir: Path, steps: int, probes: int, side: int) -> None:
    """Write `steps` steps of one map of `side` pixels and the predictions, which settle with it."""
    noise = np.random.default_rng(0)
    images = noise.uniform(0, 1, (probes, side, side, 3)).astype(np.float32)
    probe_set = ProbeSet(
        inputs={"image": images}, axes={"image": PICTURE}, kinds={"image": "image"},
        labels=np.arange(probes) % 10, class_names=[f"class {at}" for at in range(10)],
    )  # fmt: skip
    start, end = noise.uniform(0, 1, (2, probes, side, side)).astype(np.float32)
    first, last = noise.normal(0, 1, (2, probes, 10))
    writer = Writer(log_dir / "explain" / RECORDS, probe_set, start=0)
    events = EventFile(log_dir / "explain")
    for step in range(steps):
        way = np.float32(1 - math.exp(-4 * step / steps))
        maps = (1 - way) * start + way * end
        logits = (1 - way) * first + 4 * way * last + noise.normal(0, 0.2, (probes, 10))
        chances = np.exp(logits).astype(np.float32)
        chances /= chances.sum(axis=1, keepdims=True)
        logs = {"loss": 2 * math.exp(-3 * step / steps), "accuracy": float(way)}
        info = StepInfo(step, 1.7e9 + step, np.arange(probes) % 10, epoch=step, logs=logs)
        writer.write(info, [(SALIENCY, maps), (PREDICTIONS, chances)])
        if step == 0:
            events.add(step, info.wall_time, [announcement(["saliency", "predictions"])])
    events.close()


def median(values: list[float]) -> float:
    return statistics.median(values)


# In the frame: the moment after the first map was painted.
FIRST_PAINT = """
if (window.parent !== window) {
  const look = () => {
    if (!document.querySelector('[data-testid=card] canvas[data-testid=map]')) {
      requestAnimationFrame(look);
    } else requestAnimationFrame(() => { window.painted = performance.now(); });
  };
  requestAnimationFrame(look);
}
"""

ARRIVED = """() => {
  const [first] = performance.getEntriesByType('resource').filter(
    ({ name }) => name.includes('/manifest?'));
  return { painted: window.painted, asked: first.requestStart, came: first.responseEnd };
}"""

# A key, until all the visible maps are of another step, and a frame has shown them. The canvases
# stay the same from step to step: to look for them in each frame would be a part of what is told.
SEEK = """async (key) => {
  const maps = [...document.querySelectorAll('[data-testid=card] canvas[data-testid=map]')];
  const before = maps[0].dataset.step;
  window.dispatchEvent(new KeyboardEvent('keydown', { key }));
  const until = performance.now() + 10000;
  const isLate = ({ dataset }) => dataset.step === before;
  while (maps.some(isLate) && performance.now() < until) await new Promise(requestAnimationFrame);
  if (performance.now() > until) throw new Error(`the maps stayed at step ${before}`);
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}"""

MAPS = "[data-testid=card] canvas[data-testid=map]"
COUNT = "() => document.querySelectorAll('*').length"


class Opened:
    """The tab in a page of its own."""

    def __init__(
        self, page: Page, address: str, run: str, still: bool = True, **state: object
    ) -> None:
        self.page = page
        self.counters: CDPSession = page.context.new_cdp_session(page)
        # The main thread's own time: what else runs on the machine counts little.
        self.counters.send("Performance.enable", {"timeDomain": "threadTicks"})
        terms = {"run": f"{run}%2Fexplain", **state}
        said = "&".join(f"p.keras_explain.{key}={value}" for key, value in terms.items())
        page.add_init_script(FIRST_PAINT)
        page.goto(f"{address}#keras_explain&{said}")
        inside = page.frame_locator("iframe[src*=keras_explain]")
        inside.get_by_test_id("where").wait_for(timeout=300_000)
        if still:
            page.wait_for_load_state("networkidle", timeout=300_000)

    @property
    def frame(self) -> Frame:
        return next(each for each in self.page.frames if each.parent_frame)

    def counter(self, name: str) -> float:
        found = self.counters.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in found if each["name"] == name))

    def heap(self) -> float:
        """MB in use after a collection."""
        self.counters.send("HeapProfiler.collectGarbage")
        return self.counter("JSHeapUsedSize") / 1e6

    def seek(self, key: str = "ArrowRight") -> float:
        """Milliseconds of the processor in script for one step on, until the maps are drawn."""
        before = self.counter("ScriptDuration")
        self.frame.evaluate(SEEK, key)
        return 1e3 * (self.counter("ScriptDuration") - before)


@contextmanager
def opened(browser: Browser, address: str, run: str, **state: Any) -> Iterator[Opened]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    yield Opened(page, address, run, **state)
    page.close()


def seconds_of(address: str, route: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    with urllib.request.urlopen(f"{address}data/plugin/keras_explain/{route}") as reply:
        return time.perf_counter() - began, reply.read()


def sizes() -> tuple[int, int]:
    """Bytes of the first load and of the whole bundle, gzipped."""
    packed = {p.name: len(gzip.compress(p.read_bytes())) for p in STATIC.glob("*.[jc]s*")}
    packed.pop("build-manifest.json")
    return sum(packed[name] for name in ("index.js", "shell.js", "style.css")), sum(packed.values())


def print_manifest(address: str, run: str) -> None:
    route = f"manifest?run={run}%2Fexplain"
    first, text = seconds_of(address, route)
    again = median([seconds_of(address, route)[0] for _ in range(5)])
    packed = len(gzip.compress(text, 1)) / 1e6
    print(f"| manifest of `{run}` | {len(text) / 1e6:.2f} MB ({packed:.2f} MB gzipped), "
          f"{1e3 * first:.0f} ms the first time, then {1e3 * again:.0f} ms |")  # fmt: skip


def print_first_paint(browser: Browser, address: str, run: str) -> None:
    after, asked = [], []
    for _ in range(3):
        with opened(browser, address, run) as tab:
            found = tab.frame.evaluate(ARRIVED)
            after.append(found["painted"] - found["came"])
            asked.append(found["came"] - found["asked"])
    print(f"| first map painted after the manifest of `{run}` | {median(after):.0f} ms "
          f"(the manifest took {median(asked):.0f} ms) |")  # fmt: skip


def opening(browser: Browser, place: Path, run: str) -> tuple[float, float]:
    """Milliseconds to the first map, and of a seek after it, on a server that has read nothing."""
    with tensorboard(place, port := free_port(6500)):
        address = f"http://localhost:{port}/"
        with opened(browser, address, run, still=False) as tab:
            tab.frame.wait_for_function("() => window.painted")
            painted = tab.frame.evaluate(ARRIVED)["painted"]
            times = []
            for _ in range(9):
                began = time.perf_counter()
                tab.frame.evaluate(SEEK, "ArrowLeft")
                times.append(1e3 * (time.perf_counter() - began))
    return painted, median(times)


def print_openings(browser: Browser, place: Path, *runs: str) -> None:
    """In turn, so that what else the machine does strikes each alike."""
    found: dict[str, list[tuple[float, float]]] = {run: [] for run in runs}
    for _ in range(OPENINGS):
        for run in runs:
            found[run].append(opening(browser, place, run))
    for run in runs:
        painted, seek = (median(list(times)) for times in zip(*found[run], strict=True))
        print(f"| `{run}` on a new server | first map painted after {painted:.0f} ms, "
              f"a seek {seek:.0f} ms |")  # fmt: skip


def print_seeks(browser: Browser, address: str, run: str, count: int, **state: object) -> None:
    with opened(browser, address, run, **state) as tab:
        tab.frame.locator(MAPS).first.wait_for()
        maps = tab.frame.locator(MAPS).count()
        for _ in range(5):
            tab.seek()
        times = sorted(tab.seek() for _ in range(count))
        late = times[math.ceil(0.9 * len(times)) - 1]
        print(f"| script a seek, {maps} maps of `{run}` | {median(times):.1f} ms, "
              f"nine of ten below {late:.1f} ms |")  # fmt: skip


def print_memory(browser: Browser, address: str, run: str, last: int) -> None:
    """Seeks to `last` and back again and again: beyond 192 MB the maps seen longest ago go."""
    with opened(browser, address, run, e=10) as tab:
        tab.frame.locator(MAPS).first.wait_for()
        heaps, at, by = {}, 10, 1
        for done in range(1, max(SEEKS) + 1):
            tab.seek("ArrowRight" if by > 0 else "ArrowLeft")
            at += by
            if at in (0, last):
                by = -by
            if done in SEEKS:
                heaps[done] = tab.heap()
        print(f"| JavaScript heap of `{run}` after {', '.join(map(str, SEEKS))} seeks | "
              f"{', '.join(f'{heap:.1f}' for heap in heaps.values())} MB |")  # fmt: skip


def print_nodes(browser: Browser, address: str) -> None:
    for run, views in VIEWS.items():
        for view, state in views.items():
            with opened(browser, address, run, **state) as tab:
                tab.page.wait_for_timeout(1000)
                print(f"| nodes, {view} of `{run}` | {tab.frame.evaluate(COUNT)} |")
                if view in ("Evolve", "Layers"):
                    tab.frame.get_by_test_id("method").click()
                    count = tab.frame.evaluate(COUNT)
                    print(f"| nodes, {view} of `{run}`, list of methods open | {count} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, help="folder where the runs stay")
    arguments = parser.parse_args()
    place = arguments.runs or Path(tempfile.mkdtemp())
    if not (place / "long").exists():
        make_long_run(place / "long", 10_000, 64, 8)
        make_long_run(place / "ten", 10, 64, 8)
        make_long_run(place / "small", 600, 48, 48)
        make_long_run(place / "large", 60, 48, 224)
        make_deep_run(place / "deep", LAYERS, 3)
    first, whole = sizes()
    print("# What the Explain tab costs\n")
    print("Made by `python benchmarks/tab.py`. Medians; times are of a machine with "
          f"{os.cpu_count()} CPU cores and no GPU, not idle.\n")  # fmt: skip
    print("`long`: 10,000 steps of 64 probes, maps of 8x8; `ten`: 10 of them;\n"
          "`small`: maps of 48x48; `large`: of 224x224;\n"
          "`deep`: activations and weight gradients of 1,000 layers.\n")  # fmt: skip
    print("Script is the processor time of the page's main thread.\n")
    print("| what | figure |\n| --- | --- |")
    print(f"| first load, gzipped | {first / 1e3:.1f} kB |")
    print(f"| the whole bundle, gzipped | {whole / 1e3:.1f} kB |")
    port = free_port(6500)
    path = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        print_openings(browser, place, "ten", "long")
        browser.close()
    with tensorboard(place, port), sync_playwright() as playwright:
        address = f"http://localhost:{port}/"
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for run in ("long", "deep"):
            print_manifest(address, run)
        print_first_paint(browser, address, "long")
        print_seeks(browser, address, "small", 60, e=10, cs=96)
        print_seeks(browser, address, "large", 20, e=10, cs=96)
        print_seeks(browser, address, "long", 60, e=10, cs=96)
        print_nodes(browser, address)
        print_memory(browser, address, "small", 599)
        browser.close()


if __name__ == "__main__":
    main()
