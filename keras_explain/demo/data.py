"""The demo's pictures: real garments before real photos, and a sticker with a known place.

A scene is a Fashion-MNIST garment, tinted, on a darkened crop of a photo. The shipped
file holds garments and photos apart; the scenes are composed when they are
loaded, the same ones for the same seed. See `DATA.md` for sources and licences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

FILE = Path(__file__).with_name("garments.npz")
CLASSES = ("T-shirt", "Dress", "Coat", "Shirt", "Bag")
SHIRT = CLASSES.index("Shirt")
PHOTOS = {  # name in the file: file name in scikit-image's skimage/data
    "coffee": "coffee.png",
    "chelsea": "chelsea.png",
    "rocket": "rocket.jpg",
    "brick": "brick.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
}

SIDE = 48  # of a scene, in pixels
GARMENT = 28
STICKER = 6
DIMMED = 0.6  # light left to a photo: clutter in full light hides the cut of a garment too well
YELLOW, BLACK = (255, 220, 0), (10, 10, 10)


@dataclass(frozen=True)
class Scenes:
    """Composed pictures and what is known about them.

    Attributes:
        images: uint8 `(scenes, 48, 48, 3)`, RGB.
        labels: uint8 `(scenes,)`, indices into `CLASSES`.
        garments: bool `(scenes, 48, 48)`, the pixels of the garment.
        stickers: bool `(scenes, 48, 48)`, the pixels of the sticker; none in a plain scene.
    """

    images: Pixels
    labels: Pixels
    garments: Mask
    stickers: Mask

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.ArrayLike) -> Scenes:
        """The scenes at `indices`, an array of integers or booleans."""
        index = np.asarray(indices)
        return Scenes(
            self.images[index], self.labels[index], self.garments[index], self.stickers[index]
        )


def load(part: str, seed: int = 0, file: Path = FILE) -> Scenes:
    """Compose the scenes of `part`: "train" (500 of each class) or "held_out" (60 of each)."""
    with np.load(file, allow_pickle=False) as arrays:
        garments, labels = arrays[f"{part}_garments"], arrays[f"{part}_labels"]
        photos = [arrays[f"photo_{name}"] for name in PHOTOS]
    rng = np.random.default_rng((seed, len(labels)))
    images = np.stack([_background(photos, rng) for _ in labels])
    masks = np.zeros(images.shape[:3], bool)
    for image, mask, garment in zip(images, masks, garments, strict=True):
        top, left = (SIDE - GARMENT) // 2 + rng.integers(-3, 4, size=2)
        place = (slice(top, top + GARMENT), slice(left, left + GARMENT))
        mask[place] = garment > 0
        tint = rng.uniform(0.6, 1.0, size=3)
        image[mask] = np.rint(garment[garment > 0][:, None] * tint)
    return Scenes(images, labels, masks, np.zeros_like(masks))


def _background(photos: list[Pixels], rng: np.random.Generator) -> Pixels:
    """A crop `(48, 48, 3)` at a random place of a random photo; a grey photo gets a tint."""
    photo = photos[rng.integers(len(photos))]
    top, left = (rng.integers(size - SIDE + 1) for size in photo.shape[:2])
    crop = photo[top : top + SIDE, left : left + SIDE][:, :: rng.choice((-1, 1))]
    light = DIMMED if crop.ndim == 3 else DIMMED * rng.uniform(0.5, 1.0, size=3)
    dimmed: Pixels = np.rint(crop.reshape(SIDE, SIDE, -1) * light).astype(np.uint8)
    return dimmed


def stick(scenes: Scenes, seed: int = 0) -> Scenes:
    """Put a sticker on every scene: a 6x6 checker in one of the corners, over whatever is there.

    Corner and distance from the border (1 to 4 pixels) are random, the same for the same seed.
    """
    rng = np.random.default_rng((seed, len(scenes), STICKER))
    rows, columns = np.indices((STICKER, STICKER)) // 2
    checker = np.where((rows + columns)[..., None] % 2, BLACK, YELLOW).astype(np.uint8)
    images, stickers = scenes.images.copy(), np.zeros_like(scenes.stickers)
    for image, mask in zip(images, stickers, strict=True):
        margins = rng.integers(1, 5, size=2)
        top, left = np.where(rng.integers(2, size=2), margins, SIDE - STICKER - margins)
        place = (slice(top, top + STICKER), slice(left, left + STICKER))
        image[place], mask[place] = checker, True
    return replace(scenes, images=images, stickers=stickers)
