"""Pack `garments.npz`, the data that the demo ships with.

For maintainers: `python -m keras_explain.demo.pack` reads the originals, which
need no network on Debian (`apt install dataset-fashion-mnist`,
`pip install scikit-image`), and writes the same bytes every time. `DATA.md`
beside this file says where each of them comes from and under which licence.
"""

from __future__ import annotations

import argparse
import gzip
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from keras_explain.demo.data import FILE, PHOTOS

Pixels = npt.NDArray[np.uint8]

FASHION = Path("/usr/share/datasets/fashion-mnist")
LABELS = (0, 3, 4, 6, 8)  # T-shirt, Dress, Coat, Shirt, Bag of Fashion-MNIST's ten
TRAIN, HELD_OUT = 500, 60  # garments per class, of the original training and test files
PHOTO_HEIGHT = 120


def read_fashion(folder: Path, part: str) -> tuple[Pixels, Pixels]:
    """Images `(n, 28, 28)` and labels `(n,)` of `part`, "train" or "t10k", in IDX files."""
    images = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    return (
        np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28),
        np.frombuffer(labels, np.uint8, offset=8),
    )


def cut_out(garment: Pixels) -> Pixels:
    """The garment with 0 around it and at least 1 on it, so that 0 means transparent.

    Around is what can be reached from the border over pixels below 8 of 255:
    a black print on a shirt stays part of the shirt.
    """
    framed = Image.new("L", (30, 30))
    framed.paste(Image.fromarray(np.where(garment < 8, 0, 255).astype(np.uint8)), (1, 1))
    ImageDraw.floodfill(framed, (0, 0), 128)
    around = (np.asarray(framed) == 128)[1:-1, 1:-1]
    return np.where(around, 0, np.maximum(garment, 1)).astype(np.uint8)


def first_of_each_class(images: Pixels, labels: Pixels, count: int) -> tuple[Pixels, Pixels]:
    """The first `count` of each class, cut out, in the file's order, labelled 0, 1, 2 ..."""
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == c)[:count] for c in LABELS]))
    garments = np.stack([cut_out(image) for image in images[chosen]])
    return garments, np.searchsorted(LABELS, labels[chosen]).astype(np.uint8)


def read_photo(file_name: str) -> Pixels:
    """A photo bundled with scikit-image, `PHOTO_HEIGHT` pixels high, grey or RGB."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("Packing needs scikit-image: pip install scikit-image")
    with Image.open(Path(spec.origin).parent / "data" / file_name) as photo:
        width = round(photo.width * PHOTO_HEIGHT / photo.height)
        small = photo.resize((width, PHOTO_HEIGHT), Image.Resampling.LANCZOS)
    return np.asarray(small)


def write_npz(path: Path, arrays: dict[str, Pixels]) -> None:
    """Like `np.savez_compressed`, without the clock: the same arrays give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def main() -> None:
    """Read the originals, write `garments.npz` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fashion", type=Path, default=FASHION, help="folder of the IDX files")
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    arrays: dict[str, Pixels] = {}
    for part, original, count in (("train", "train", TRAIN), ("held_out", "t10k", HELD_OUT)):
        images, labels = read_fashion(options.fashion, original)
        garments, classes = first_of_each_class(images, labels, count)
        arrays |= {f"{part}_garments": garments, f"{part}_labels": classes}
    arrays |= {f"photo_{name}": read_photo(file_name) for name, file_name in PHOTOS.items()}
    write_npz(options.out, arrays)


if __name__ == "__main__":
    main()
