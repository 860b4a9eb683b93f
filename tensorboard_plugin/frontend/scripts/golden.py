"""Write `tests/fixtures/`: replies as the routes pack them, and what NumPy makes of them.

Run it again after a change of the bundle or of the colour rule, and commit the result:

    python scripts/golden.py
"""

import json
from pathlib import Path

import numpy as np
from scipy.ndimage import center_of_mass, zoom
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from keras_explain.tensorboard_plugin.bundle import bundle

TARGET = Path(__file__).parents[1] / "tests" / "fixtures"
TABLES = Path(__file__).parents[1] / "src" / "core" / "colour-tables.json"


def painted(values: np.ndarray, low: float, high: float, table: str) -> list[int]:
    """Return the RGBA bytes of `values`: the rule of `src/core/paint.ts` in NumPy."""
    colours = np.frombuffer(bytes.fromhex(json.loads(TABLES.read_text())[table]), np.uint8)
    finite = np.isfinite(values)
    scaled = np.floor(
        (np.where(finite, values, 0).astype(np.float64) - low) / (high - low) * 255 + 0.5
    )
    rgb = colours.reshape(256, 3)[np.clip(scaled, 0, 255).astype(int)]
    rgb = np.where(finite[..., None], rgb, np.array([255, 0, 255], np.uint8))
    alpha = np.full((*values.shape, 1), 255, np.uint8)
    return np.concatenate([rgb, alpha], axis=-1).ravel().tolist()


def compared(
    random: np.random.Generator, height: int, width: int, window: int
) -> dict[str, object]:
    """Return two maps of some likeness, and what SciPy and scikit-image say of them."""
    # Whole 64ths: short in print, and exact.
    a = (np.round(64 * random.normal(size=(height, width))) / 64).astype(np.float32)
    b = (np.round(64 * (0.6 * a + 0.8 * random.normal(size=a.shape) + 0.2)) / 64).astype(np.float32)
    x, y = a.astype(np.float64), b.astype(np.float64)
    span = max(x.max(), y.max()) - min(x.min(), y.min())
    return {
        "height": height,
        "width": width,
        "a": a.ravel().tolist(),
        "b": b.ravel().tolist(),
        "spearman": float(spearmanr(x.ravel(), y.ravel()).statistic),
        "ssim": float(structural_similarity(x, y, win_size=window, data_range=span)),
        "centre_a": [float(at) for at in center_of_mass(np.abs(x))],
        "shift": float(np.hypot(*np.subtract(center_of_mass(abs(y)), center_of_mass(abs(x))))),
        "level": float(np.quantile(np.abs(a), 0.99)),
        "fine": zoom(x, 2, order=1, mode="nearest", grid_mode=True).ravel().round(8).tolist(),
    }


def main() -> None:
    random = np.random.default_rng(7)
    maps = random.normal(size=(2, 3, 4, 5)).astype(np.float16) * np.float16(9000)
    maps[1, 2, 0, :3] = [np.nan, np.inf, -np.inf]
    maps[0, 0, 0, :4] = [0.0, -0.0, 2.0**-24, 65504.0]
    scale = np.array([[2.0**-30, 2.0**-14, 1.0], [2.0**5, 2.0**-1, 2.0**-20]], np.float32)
    status = np.array([[0, 0, 1], [2, 0, 3]], np.uint8)
    reply = bundle(
        {"maps": maps, "scale": scale, "status": status},
        steps=[-1, 4], rows=[0, 2, 5], axes=["height", "width"], note="é ✓",
    )  # fmt: skip
    (TARGET / "maps.kxb").write_bytes(reply)
    values = maps.astype(np.float32) * scale[:, :, None, None]
    low, high = -float(np.float32(0.3)), float(np.float32(0.3))
    expected = {
        "values": [None if not np.isfinite(v) else float(v) for v in values.ravel()],
        "domain": [low, high],
        "painted": painted(values[0, 1], low, high, "PuOr"),
        "painted_non_finite": painted(values[1, 2], -0.01, 0.02, "cividis"),
        "delta": (values[1, 1] - values[0, 1]).ravel().astype(float).tolist(),
    }
    (TARGET / "maps.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")
    pairs = [compared(random, *sizes) for sizes in ((12, 12, 7), (9, 17, 7), (6, 5, 5), (4, 8, 3))]
    (TARGET / "pairs.json").write_text(json.dumps(pairs) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
