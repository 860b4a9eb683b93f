"""The event file: what TensorBoard's own tabs get."""

import io

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

import keras_explain
from keras_explain import summaries
from keras_explain.callbacks import Explain
from keras_explain.methods import IntegratedGradients, PermutationImportance, Quality
from keras_explain.methods.weight_gradients import EDGES
from keras_explain.store import ProbeSet, RecordSpec
from keras_explain.summaries import sheets

X = np.random.default_rng(0).random((32, 10, 10, 3), "float32")
Y = np.random.default_rng(1).integers(0, 3, 32)
GAP = "integrated_gradients/gap"


def log(folder, **options):
    model = keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="out"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = Explain(folder, (X[:4], Y[:4]), strict=True, **options)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[callback])
    events = EventAccumulator(str(folder / "explain"), size_guidance={"tensors": 0}).Reload()
    return events, keras_explain.Run(folder)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    return log(tmp_path_factory.mktemp("run"))


def test_every_map_has_a_picture_at_every_step(logged):
    events, run = logged
    for tag in ("saliency", "grad_cam/conv", "activations/conv"):
        found = events.Tensors(tag)
        assert tuple(event.step for event in found) == run.steps
        width, height, file = (tensor_util.make_ndarray(found[-1].tensor_proto))[:3]
        assert Image.open(io.BytesIO(file)).size == (int(width), int(height))


def test_every_weight_has_a_histogram_of_its_gradient(logged):
    events, run = logged
    spec = run.specs["weight_gradients/histogram"]
    for row, path in enumerate(spec.rows):
        for event in events.Tensors(f"weight_gradients/{path}"):
            buckets = tensor_util.make_ndarray(event.tensor_proto)
            counts = run.load(spec.key, event.step)[row]
            assert buckets[:, 2].sum() == counts.sum()
            assert set(buckets[:, :2].ravel()) <= set(EDGES)


def test_scalars_hold_norms_and_drift(logged):
    events, run = logged
    norms = [tensor_util.make_ndarray(e.tensor_proto) for e in events.Tensors("gradient_norm")]
    expected = [np.linalg.norm(run.load("weight_gradients/statistics", s)[:, 0]) for s in run.steps]
    np.testing.assert_allclose(norms, expected, rtol=1e-5)
    drift = [tensor_util.make_ndarray(e.tensor_proto) for e in events.Tensors("drift/saliency")]
    expected = np.median([run.diff("saliency", s - 1, s).cosine for s in run.steps[1:]], axis=1)
    np.testing.assert_allclose(drift, expected, atol=1e-6)


def test_figures_of_the_probes_are_scalars_of_their_finite_mean(tmp_path):
    methods = [Quality(metrics=("sparseness", "randomisation")), IntegratedGradients(steps=2)]
    events, run = log(tmp_path, methods=methods)
    gap = [tensor_util.make_ndarray(e.tensor_proto) for e in events.Tensors(GAP)]
    expected = [run.load(GAP, step).mean() for step in run.steps]
    np.testing.assert_allclose(gap, expected, rtol=1e-5)
    likeness = events.Tensors("quality/saliency/randomisation")
    # There is nothing to compare the first step with.
    assert tuple(event.step for event in likeness) == run.steps[1:]
    for event in likeness:
        mean = run.load("quality/saliency", event.step)[:, 1].mean()
        assert tensor_util.make_ndarray(event.tensor_proto) == pytest.approx(mean, abs=1e-6)
    assert "quality/saliency/sparseness" in events.Tags()["tensors"]
    assert "scores" not in events.Tags()["tensors"]


def test_a_map_of_all_probes_has_no_photo_below(tmp_path):
    events, run = log(tmp_path, methods=[PermutationImportance(repeats=1)])
    (event, *_) = events.Tensors("permutation_importance")
    width, height = tensor_util.make_ndarray(event.tensor_proto)[:2]
    assert int(width) == int(height)  # one cell
    assert run.load("permutation_importance", 0).shape[0] == 1


def test_a_picture_that_cannot_be_drawn_does_not_hide_the_run(tmp_path, monkeypatch):
    def broken(*args, **options):
        raise ValueError("no picture")

    monkeypatch.setattr(sheets, "overlay_sheet", broken)
    written = summaries.Summaries(
        tmp_path, ProbeSet({"x": X[:2]}, {"x": ("height", "width", "channel")}, {"x": "image"})
    )
    spec = RecordSpec("m", "m", ("height", "width"), signed=False)
    with pytest.raises(ValueError, match="no picture"):
        written.add(0, [(spec, np.zeros((2, 3, 3), "f4"))], {})
    written.close()
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    assert list(events.PluginTagToContent("keras_explain")) == ["keras_explain"]


def test_a_figure_counts_only_where_it_is_finite():
    spec = RecordSpec("q", "q", ("metric",), signed=True, labels={"metric": ("a", "b")})
    array = np.array([[1, np.nan], [2, np.inf], [np.nan, np.nan]], "f4")
    (found,) = summaries._means(spec, array)
    assert found.tag == "q/a"
    assert tensor_util.make_ndarray(found.tensor) == 1.5


def test_without_summaries_the_run_is_only_announced(tmp_path):
    events, run = log(tmp_path, summaries=False)
    assert events.Tags()["tensors"] == ["keras_explain"]
    assert len(run.steps) == 4


def test_a_sheet_shows_each_map_at_its_place():
    maps = np.zeros((4, 8, 8), np.float32)
    maps[3, 0, 0], maps[2] = 2.0, np.nan
    sheet = np.asarray(sheets.overlay_sheet(maps, None, signed=False, limit=2.0).convert("RGB"))
    cell = (sheet.shape[0] - sheets.GAP) // 2
    right_below = sheet[cell + sheets.GAP, cell + sheets.GAP]
    np.testing.assert_array_equal(right_below, sheets.palette(False)[sheets.SHADES - 1])
    np.testing.assert_array_equal(sheet[0, 0], sheets.palette(False)[0])
    np.testing.assert_array_equal(sheet[-1, 0], (255, 0, 255))


def test_half_of_the_limit_gets_the_middle_colour():
    quiet, loud = np.full((1, 4, 4), 0.5, np.float32), np.full((1, 4, 4), 1.0, np.float32)
    pictures = [sheets.overlay_sheet(m, None, signed=False, limit=1.0) for m in (quiet, loud)]
    first, second = (np.asarray(p)[0, 0] for p in pictures)
    assert first == pytest.approx(second / 2, abs=1)


@pytest.mark.parametrize(
    ("axes", "shown"),
    [
        (("depth", "height", "width"), "all"),
        (("depth", "height", "width", "channel"), "sum"),
        (("channel", "depth", "height", "width"), "all"),
    ],
)
def test_a_volume_s_slices_stand_beside_each_other(tmp_path, axes, shown):
    sizes = {"depth": 6, "height": 4, "width": 4, "channel": 3}
    maps = np.zeros((2, *(sizes[axis] for axis in axes)), np.float32)
    channel = () if shown == "sum" or "channel" not in axes else (2,)
    # Of the second probe the last slice; of channels the middle slice is shown.
    places = {
        "depth": 3 if channel else 5,
        "height": 0,
        "width": 0,
        "channel": (channel or (0,))[0],
    }
    maps[(1, *(places[axis] for axis in axes))] = 1.0
    spec = RecordSpec("m", "m", axes, signed=False, shown=shown)
    written = summaries.Summaries(tmp_path, ProbeSet({"x": maps}, {"x": axes}, {"x": "volume"}))
    written.add(0, [(spec, maps)], {})
    written.close()
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    (event,) = events.Tensors("m")
    *_, file = tensor_util.make_ndarray(event.tensor_proto)
    sheet = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    cell = sheets.CELL // 2 + sheets.GAP
    assert sheet.shape == (2 * cell - sheets.GAP, (3 if channel else 6) * cell - sheets.GAP, 3)
    bright = np.argwhere((sheet == sheets.palette(False)[sheets.SHADES - 1]).all(axis=-1))
    np.testing.assert_array_equal(bright[0], (cell, (2 if channel else 5) * cell))
