"""Write `src/core/colour-tables.json`: 256 colours of every map the tab offers.

Run it again after a change here, and commit the result:

    python scripts/colour_tables.py

The first six are matplotlib's own tables, rounded to bytes. The two `-dark`
tables are for the dark theme, where zero must recede into a dark page: they
run from a light end over near-black to the other light end, evenly in OKLab.
"""

import json
from pathlib import Path

import matplotlib
import numpy as np

MATPLOTLIB = {
    "cividis": "cividis",
    "viridis": "viridis",
    "magma": "magma",
    "grey": "gray",
    "PuOr": "PuOr",
    "RdBu": "RdBu",
}
# Stops from the lowest value over zero to the highest.
DARK = {
    "PuOr-dark": ("#ffe3bd", "#f79a2e", "#8a4d0d", "#17171a", "#5a4a9a", "#a297f0", "#e6e2ff"),
    "RdBu-dark": ("#ffd9cc", "#f2745f", "#8f2a26", "#17171a", "#1f5a8c", "#58a9e6", "#d3ecff"),
}
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def to_oklab(colour: str) -> np.ndarray:
    """Björn Ottosson 2020, https://bottosson.github.io/posts/oklab/."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return TO_LAB @ np.cbrt(TO_LMS @ linear)


def from_oklab(lab: np.ndarray) -> np.ndarray:
    """Return sRGB bytes of colours `(n, 3)`."""
    lms = (lab @ np.linalg.inv(TO_LAB).T) ** 3
    linear = np.clip(lms @ np.linalg.inv(TO_LMS).T, 0, 1)
    rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(rgb * 255).astype(int)


def tables() -> dict[str, str]:
    """Return every table as 256 times `rrggbb`, without a separator."""
    colours = {}
    for name, source in MATPLOTLIB.items():
        rgb = matplotlib.colormaps[source](np.arange(256), bytes=True)[:, :3]
        colours[name] = rgb.astype(int)
    for name, stops in DARK.items():
        lab = np.array([to_oklab(stop) for stop in stops])
        at = np.linspace(0, len(stops) - 1, 256)
        colours[name] = from_oklab(
            np.stack([np.interp(at, range(len(stops)), lab[:, i]) for i in range(3)], axis=1)
        )
    return {
        name: "".join(f"{r:02x}{g:02x}{b:02x}" for r, g, b in rgb) for name, rgb in colours.items()
    }


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "src" / "core" / "colour-tables.json"
    target.write_text(json.dumps(tables(), indent=2) + "\n", encoding="utf-8")
