"""What a record says of itself: its axes, what its numbers are, and how it is drawn."""

import json
from pathlib import Path

import pytest

from keras_explain.store import RecordSpec
from keras_explain.store.format import axes, forms, meaning

IMAGE = ("height", "width", "channel")
FRONT_END = Path(__file__).parents[2] / "tensorboard_plugin" / "frontend"


def spec(axes, **facts):
    return RecordSpec(**{"key": "k", "method": "any", "axes": axes, "signed": True, **facts})


@pytest.mark.parametrize(
    ("form", "axes", "facts"),
    [
        ("map", ("height", "width"), {}),
        ("map", IMAGE, {"shown": "sum"}),
        ("map", ("query", "key"), {}),
        ("map", ("height", "width"), {"rows": ("all probes",)}),
        ("bars", ("feature",), {}),
        ("bars", ("feature",), {"quantity": "activation"}),
        ("bars", ("time", "channel"), {"shown": "sum"}),
        ("bars", ("layer",), {}),
        ("bars", ("feature",), {"rows": ("all probes",)}),
        ("numbers", (), {}),
        ("numbers", ("metric",), {}),
        ("numbers", ("metric",), {"rows": ("unit 1",)}),
        ("points", ("coordinate",), {}),
        ("plane", ("height", "width"), {"rows": ("plane",), "quantity": "prediction"}),
        ("table", ("layer", "class"), {"rows": ("striped",)}),
        ("pictures", IMAGE, {"rows": ("unit 1",)}),
        ("pictures", ("time", "channel"), {"rows": ("unit 1",)}),
        ("channels", IMAGE, {}),
        ("channels", ("head", "query", "key"), {}),
        ("channels", ("depth", "height", "width"), {}),
        ("channels", ("axis0", "axis1", "axis2"), {"quantity": "activation"}),
        ("outputs", ("class",), {"quantity": "prediction"}),
        ("outputs", (), {"quantity": "prediction"}),
        ("outputs", ("class",), {"key": "predictions"}),
        ("weights", ("bin",), {"rows": ("a/kernel",)}),
        ("weights", ("statistic",), {"rows": ("a/kernel",)}),
        ("weights", ("kernel_height", "kernel_width", "in", "out"), {"rows": ("a/kernel",)}),
        ("weights", ("axis0",), {"rows": ("a/kernel",), "unit": "loss per weight unit"}),
    ],
)
def test_the_form_follows_from_what_a_record_says(form, axes, facts):
    assert spec(axes, **facts).form == form
    assert form in forms.FORMS


@pytest.mark.parametrize(
    ("axes", "facts", "expected"),
    [
        (IMAGE, {"quantity": "attribution", "shown": "sum"}, True),
        (("feature",), {"quantity": "mask"}, True),
        (("query", "key"), {"quantity": "importance"}, True),
        (IMAGE, {"quantity": "activation"}, False),
        (("feature",), {"quantity": "prediction"}, False),
        (("layer",), {"quantity": "sensitivity"}, False),
        (("height", "width"), {"quantity": "attribution", "rows": ("all probes",)}, False),
        (("height", "width"), {}, True),
        (IMAGE, {}, False),
    ],
)
def test_what_explains_an_example_says_where(axes, facts, expected):
    assert forms.says_where(spec(axes, **facts)) is expected


def test_numbers_points_and_scores_do_not_turn():
    still = [spec(()), spec(("metric",)), spec(("coordinate",)), spec((), quantity="prediction")]
    assert not any(map(forms.turns, still))
    assert forms.turns(spec(("class",), quantity="prediction"))
    assert forms.turns(spec(("coordinate",), rows=("plane",)))


def test_axes_and_sizes_are_those_that_are_shown():
    summed = spec(IMAGE, shown="sum")
    assert forms.shown_axes(summed) == ["height", "width"]
    assert forms.shown_shape(summed, (4, 5, 3)) == [4, 5]
    assert forms.shown_shape(spec(IMAGE), (4, 5, 3)) == [4, 5, 3]
    assert forms.plane_axis(summed) is None
    assert [forms.plane_axis(spec(of)) for of in (IMAGE, ("feature",))] == [2, 0]


def test_a_file_without_them_reads_as_unknown():
    fields = spec(IMAGE, quantity="attribution", unit="score").to_json()
    assert (fields.pop("quantity"), fields.pop("unit")) == ("attribution", "score")
    old = RecordSpec.from_json("k", fields)
    assert (old.quantity, old.unit) == ("unknown", "unknown")
    assert RecordSpec.from_json("k", old.to_json()) == old


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"quantity": "heat"}, r"`quantity` must be one of attribution, .*unknown. Received: 'hea"),
        (
            {"unit": "metres"},
            r"`unit` must be one of score, .* ends with ', squared'. Received: 'm",
        ),
        ({"unit": "share, squared"}, r"Received: 'share, squared'"),
        ({"quantity": ["x"]}, r"Received: \['x'\]"),
        ({"unit": None}, r"Received: None"),
    ],
)
def test_an_unknown_word_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        spec(IMAGE, **fields)


def test_units_have_squares_and_become_a_layer_s():
    assert meaning.squared("score") == "score, squared"
    assert meaning.squared("share") == "none"
    assert meaning.squared("unknown") == meaning.squared("several") == "unknown"
    assert all(meaning.is_unit(meaning.squared(unit)) for unit in meaning.UNITS)
    assert meaning.at_layer("input") == "layer"
    assert meaning.at_layer("score") == "score"


def test_the_tab_asks_the_same_axes():
    copy = json.loads((FRONT_END / "src" / "core" / "axes.json").read_text())
    assert copy == {role: list(of) for role, of in axes.ROLES.items()}, "python scripts/axes.py"
