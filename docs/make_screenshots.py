"""Take the pictures of the docs.

    keras-explain demo --no-serve --log-dir LOGDIR && python docs/make_screenshots.py LOGDIR
    for one in table text series several_inputs volume transfer_learning
    do python examples/$one.py; done
    python docs/make_screenshots.py logs --of data

Needs Playwright and Chromium (`pip install -e .[test]`).
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import sync_playwright

from keras_explain.demo.serve import free_port, link, tensorboard

HERE = Path(__file__).parent
MAP = "grad_cam/conv4"


class View(NamedTuple):
    """What a picture shows, and what is there once it can be taken."""

    state: dict[str, str | int]
    ready: str
    dark: bool = False
    size: tuple[int, int] = (1280, 800)


PATH = "integrated_gradients"
TAB = {
    "evolve": View({"v": "evolve", "m": MAP, "e": 8, "sort": "drift", "x": 0}, "card"),
    "detail": View({"v": "detail", "m": MAP, "x": 0, "a": 4, "b": 9, "e": 9}, "likeness"),
    "compare": View({"v": "compare", "m": MAP, "a": 4, "b": 9}, "pair-card"),
    "layers": View({"v": "layers", "l": "activations/conv4", "x": 0, "e": 9, "ch": 1}, "channel"),
    "gradients": View({"v": "gradients", "e": 9, "g": "conv2/kernel"}, "weight"),
    "health": View({"v": "health", "e": 9}, "alert"),
    "evolve-dark": View({"v": "evolve", "m": MAP, "e": 8, "x": 0}, "card", dark=True),
}
SEVERAL = {"run": "several_inputs/explain", "v": "detail", "x": 1}
DATA = {
    "table": View({"run": "table/explain", "v": "detail", "m": PATH, "x": 0}, "bar-row"),
    "text": View({"run": "text/explain", "v": "evolve", "m": f"{PATH}/words", "x": 1}, "tokens"),
    "attention": View(
        {"run": "text/explain", "v": "detail", "m": "attention_rollout/tokens", "x": 1}, "likeness"
    ),
    "series": View({"run": "series/explain", "v": "evolve", "m": PATH, "x": 1}, "card"),
    "several_inputs": View(
        {**SEVERAL, "m": f"{PATH}/picture", "ac": "own"},
        "across",
        size=(1400, 900),
    ),
    "words": View(
        {**SEVERAL, "m": f"{PATH}/pieces"},
        "tokens",
        size=(1400, 900),
    ),
    "volume": View(
        {"run": "volume/explain", "v": "layers", "l": PATH, "x": 1},
        "channel",
        size=(1400, 900),
    ),
    "transfer_learning": View(
        {
            "run": "transfer_learning/explain",
            "v": "layers",
            "l": "activations/features/base/conv3",
            "lst": "drift",
            "x": 2,
            "e": 7,
        },
        "channel",
        size=(1400, 900),
    ),
}
VIEWS = {"tab": TAB, "data": DATA}


def small(picture: bytes) -> Image.Image:
    """The picture in 256 colours, which is all that it needs."""
    return Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)


def main() -> None:
    """Serve the folder, and write each picture."""
    parser = argparse.ArgumentParser(description="Take the pictures of the docs.")
    parser.add_argument("logdir", type=Path)
    parser.add_argument("--of", choices=VIEWS, default="tab", help="which page's pictures")
    parser.add_argument("--browser", default=shutil.which("chromium"))
    asked = parser.parse_args()
    (HERE / asked.of).mkdir(exist_ok=True)
    port = free_port(6300)
    with tensorboard(asked.logdir, port), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=asked.browser, args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        for name, view in VIEWS[asked.of].items():
            page = browser.new_page(viewport=dict(zip(("width", "height"), view.size, strict=True)))
            page.goto(link(port, **view.state))
            if view.dark:
                page.evaluate("document.body.classList.add('dark-mode')")
            frame = page.frame_locator('iframe[src*="name=keras_explain"]')
            frame.get_by_test_id(view.ready).first.wait_for(timeout=60_000)
            page.wait_for_timeout(1500)  # every picture has come by then
            tab = page.locator('iframe[src*="name=keras_explain"]')
            small(tab.screenshot()).save(HERE / asked.of / f"{name}.png", optimize=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
