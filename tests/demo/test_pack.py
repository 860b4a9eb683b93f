"""The script that packs the data, on made-up originals."""

import gzip
import os

import numpy as np

from keras_explain.demo import pack


def idx(values: np.ndarray) -> bytes:
    """`values` as an IDX file: a magic number, the sizes, the bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return gzip.compress(b"\0\0\x08" + bytes([values.ndim]) + sizes + values.tobytes())


def test_idx_files_are_read(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (7, 28, 28), np.uint8)
    labels = np.arange(7, dtype=np.uint8)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    read, read_labels = pack.read_fashion(tmp_path, "train")
    np.testing.assert_array_equal(read, images)
    np.testing.assert_array_equal(read_labels, labels)


def test_a_hole_stays_part_of_the_garment():
    garment = np.zeros((28, 28), np.uint8)
    garment[5:20, 5:20] = 200
    garment[10:12, 10:12] = 0  # a black print
    cut = pack.cut_out(garment)
    assert (cut[10:12, 10:12] == 1).all()
    assert (cut > 0).sum() == 15 * 15
    np.testing.assert_array_equal(cut[garment > 0], garment[garment > 0])


def test_a_black_opening_to_the_border_is_not_part_of_the_garment():
    garment = np.zeros((28, 28), np.uint8)
    garment[5:20, 5:20] = 200
    garment[10:12, 10:28] = 0
    assert not pack.cut_out(garment)[10:12].astype(bool)[:, 10:].any()


def test_classes_are_numbered_in_order():
    labels = np.array([8, 1, 0, 6, 6, 3, 4, 8, 6], np.uint8)
    images = np.full((9, 28, 28), 100, np.uint8) + np.arange(9, dtype=np.uint8)[:, None, None]
    garments, classes = pack.first_of_each_class(images, labels, 2)
    assert classes.tolist() == [4, 0, 3, 3, 1, 2, 4]
    assert garments[:, 0, 0].tolist() == [100, 102, 103, 104, 105, 106, 107]


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    arrays = {"a": np.arange(10, dtype=np.uint8)}
    for name in ("one.npz", "other.npz"):
        pack.write_npz(tmp_path / name, arrays)
        os.utime(tmp_path / name, (0, 0))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as read:
        np.testing.assert_array_equal(read["a"], arrays["a"])
