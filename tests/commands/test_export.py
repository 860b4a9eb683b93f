"""`keras-explain export` writes what the tab's exports are made by."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import keras_explain
from keras_explain.store import RECORDS, Reader
from keras_explain.store.export import csv_of, npz_of


def test_without_a_record_their_names_are_listed(ran, logs):
    code, shown, _ = ran("export", logs / "a")
    assert code == 0
    assert shown.split("\n")[:-1] == list(keras_explain.Run(logs / "a").keys)


def test_numbers_and_tables_are_those_of_the_store(ran, logs, tmp_path):
    reader = Reader(logs / "a" / "explain" / RECORDS)
    out = tmp_path / "s.npz"
    assert ran("export", logs / "a", "--what", "saliency", "--out", out)[0] == 0
    mine, theirs = (
        np.load(file)
        for file in (out, io.BytesIO(npz_of(reader, "saliency", range(-1, 4), range(16))))
    )
    assert set(mine.files) == set(theirs.files)
    for name in mine.files:
        np.testing.assert_array_equal(mine[name], theirs[name])
    assert ran("export", logs / "a", "--what", "scores", "--out", tmp_path / "s.csv")[0] == 0
    assert (tmp_path / "s.csv").read_text() == csv_of(reader, "scores", range(16))


def test_steps_are_chosen_by_number_name_and_range(ran, logs, tmp_path):
    out = tmp_path / "s.npz"
    for text, steps in (("first,2:last", [-1, 2, 3]), ("-1", [-1]), ("3,0", [0, 3])):
        ran("export", logs / "a", "--what", "saliency", "--out", out, f"--steps={text}")
        np.testing.assert_array_equal(np.load(out)["steps"], steps)


def test_pictures_of_steps_have_the_same_colours(ran, logs, tmp_path):
    out = tmp_path / "maps.png"
    options = ("--what", "activations/conv1", "--out", out, "--steps", "0:3")
    code, shown, _ = ran("export", logs / "a", *options)
    assert code == 0
    paths = [tmp_path / f"maps-{step}.png" for step in range(4)]
    assert shown.split() == [str(path) for path in paths]
    run = keras_explain.Run(logs / "a")
    # The strongest evidence anywhere has the last colour, at one step; what is half has the middle.
    all_maps = np.stack([run.load("activations/conv1", step)[:, :, :, :8] for step in range(4)])
    limit = max(np.percentile(np.abs(maps), 99) for maps in all_maps)
    for path, maps in zip(paths, all_maps, strict=True):
        shades = np.asarray(Image.open(path))[:24, :24]
        signed = maps.min() < 0
        low = -limit if signed else 0
        expected = np.clip((maps[0, :, :, 0] - low) / (limit - low), 0, 1) * 253
        np.testing.assert_allclose(shades, expected, atol=1)


def test_one_picture_is_the_last_step_s(ran, logs, tmp_path):
    out = tmp_path / "one.png"
    assert ran("export", logs / "a", "--what", "grad_cam/conv5", "--out", out)[1] == f"{out}\n"
    assert Image.open(out).size[0] > 100


def test_nothing_heavy_is_imported(logs, tmp_path):
    code = (
        "import sys; from keras_explain import cli; "
        "cli.main(['export', sys.argv[1], '--what', 'saliency', '--out', sys.argv[2]]); "
        "print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, logs / "a", tmp_path / "s.png"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("\nset()\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nowhere",), 1, "holds no records"),
        (("a", "--what", "lime", "--out", "s.npz"), 2, "a record must be one of predictions"),
        (("a", "--what", "saliency"), 2, "--out must end in .npz, .csv, .png. Received: None"),
        (("a", "--what", "saliency", "--out", "s.gif"), 2, "Received: 's.gif'"),
        (("a", "--what", "scores", "--out", "s.png"), 2, "a .png is of maps: saliency"),
        (("a", "--what", "scores", "--out", "s.csv", "--steps", "1"), 2, "has every step"),
        (("a", "--what", "scores", "--out", "s.npz", "--steps", "1-3"), 2, "ranges with a colon"),
        (("a", "--what", "grad_cam/conv5", "--out", "s.png", "--steps", "1"), 1, "cannot be read"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(ran, logs, arguments, code, says, monkeypatch):
    monkeypatch.chdir(logs)
    found, _, told = ran("export", *arguments)
    assert found == code
    assert says in told
    assert not list(logs.glob("s.*"))
