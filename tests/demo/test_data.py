"""What ships with the package: small, real, licensed, and with known places for everything."""

import re
import zipfile

import numpy as np
import pytest

from keras_explain.demo import data
from keras_explain.demo.data import CLASSES, FILE, PHOTOS, SIDE, STICKER, load, stick
from keras_explain.demo.probes import STUCK_SHIRT, STUCK_T_SHIRT, T_SHIRT, WATCHED, probes_of


@pytest.fixture(scope="module")
def held_out():
    return load("held_out")


@pytest.fixture(scope="module")
def stuck(held_out):
    return stick(held_out)


def test_the_shipped_files_are_small():
    shipped = [file for file in FILE.parent.iterdir() if file.suffix in (".npz", ".md")]
    assert sum(file.stat().st_size for file in shipped) <= 2_000_000


def test_the_archive_holds_plain_bytes_only():
    with zipfile.ZipFile(FILE) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                assert np.lib.format.read_array(file, allow_pickle=False).dtype == np.uint8


def test_every_photo_has_its_licence_named():
    table = (FILE.parent / "DATA.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\S+)` \|[^|]*\| ([^|]+) \|$", table, re.MULTILINE))
    assert set(rows) == set(PHOTOS.values())
    assert all(re.search(r"\b(CC0|public domain)\b", licence) for licence in rows.values())
    with np.load(FILE, allow_pickle=False) as arrays:
        packed = {name.removeprefix("photo_") for name in arrays if name.startswith("photo_")}
    assert packed == set(PHOTOS)


def test_the_licence_of_the_garments_is_quoted():
    notice = (FILE.parent / "DATA.md").read_text(encoding="utf-8")
    assert "Copyright (c) 2017 Zalando SE" in notice
    assert "Permission is hereby granted, free of charge" in notice


@pytest.mark.parametrize(("part", "each"), [("train", 500), ("held_out", 60)])
def test_scenes_have_their_shapes(part, each):
    scenes = load(part)
    assert scenes.images.shape == (5 * each, SIDE, SIDE, 3)
    assert scenes.images.dtype == np.uint8
    assert scenes.garments.shape == scenes.stickers.shape == (5 * each, SIDE, SIDE)
    assert np.bincount(scenes.labels).tolist() == [each] * len(CLASSES)


def test_no_garment_is_both_learned_from_and_held_out():
    with np.load(FILE, allow_pickle=False) as arrays:
        learned, held_out = ({g.tobytes() for g in arrays[f"{part}_garments"]} for part in PARTS)
    assert not learned & held_out


PARTS = ("train", "held_out")


def test_a_seed_fixes_the_scenes(held_out, stuck):
    np.testing.assert_array_equal(load("held_out").images, held_out.images)
    np.testing.assert_array_equal(stick(held_out).images, stuck.images)
    assert (load("held_out", seed=1).images != held_out.images).any()
    assert (stick(held_out, seed=1).stickers != stuck.stickers).any()


def test_the_garment_lies_where_its_mask_is(held_out):
    with np.load(FILE, allow_pickle=False) as arrays:
        garments = arrays["held_out_garments"]
    np.testing.assert_array_equal(held_out.garments.sum((1, 2)), (garments > 0).sum((1, 2)))
    # A garment has one tint, so its pixels are its greys times three factors.
    for image, mask, garment in zip(held_out.images, held_out.garments, garments, strict=True):
        greys = garment[garment > 0].astype(float)
        for channel in image[mask].T.astype(float):
            factor = channel @ greys / (greys @ greys)
            assert 0.59 <= factor <= 1.01
            np.testing.assert_allclose(channel, factor * greys, atol=1)


def test_the_sticker_lies_where_its_mask_is(held_out, stuck):
    changed = (stuck.images != held_out.images).any(-1)
    assert (stuck.stickers | ~changed).all()
    assert (stuck.stickers.sum((1, 2)) == STICKER**2).all()
    assert not held_out.stickers.any()
    colours = np.unique(stuck.images[stuck.stickers], axis=0)
    assert {tuple(colour) for colour in colours.tolist()} == {data.YELLOW, data.BLACK}


def test_the_sticker_keeps_to_all_four_corners(stuck):
    corners = set()
    for mask in stuck.stickers:
        rows, columns = np.nonzero(mask)
        for places in (rows, columns):
            assert (places < SIDE // 4).all() or (places >= SIDE - SIDE // 4).all()
        corners.add((rows[0] < SIDE // 2, columns[0] < SIDE // 2))
    assert len(corners) == 4


def test_the_sticker_hardly_touches_the_garment(stuck):
    assert (stuck.stickers & stuck.garments).sum() < 0.01 * stuck.stickers.sum()


def test_sticking_leaves_the_plain_scenes_alone(held_out):
    before = held_out.images.copy()
    stick(held_out)
    np.testing.assert_array_equal(held_out.images, before)


def test_the_probes_are_the_scenes_they_claim_to_be(held_out, stuck):
    probes = probes_of(held_out, stuck)
    assert len(probes) == len(WATCHED) == 16
    assert [CLASSES[label] for label in probes.labels] == [name for name, _, _ in WATCHED]
    assert probes.stickers.any((1, 2)).tolist() == [sticker for _, _, sticker in WATCHED]


def test_the_probes_tell_the_sticker_apart_from_the_rest(held_out, stuck):
    probes = probes_of(held_out, stuck)
    for with_it, without in ((STUCK_SHIRT, 4), (STUCK_T_SHIRT, T_SHIRT)):
        differs = (probes.images[with_it] != probes.images[without]).any(-1)
        assert differs.any()
        assert not (differs & ~probes.stickers[with_it]).any()
