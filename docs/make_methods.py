"""Makes `methods.md` from the registry, and its pictures from a network that is trained for them.

    python docs/make_methods.py              # the text, from the methods' own words
    python docs/make_methods.py --pictures   # the pictures too: trains for a minute

The columns of agreement are what `pytest --agreement` measured into `agreement.json`.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import os
import re
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from keras_explain.demo.data import CLASSES, load
from keras_explain.demo.model import build_model
from keras_explain.demo.stream import as_input
from keras_explain.methods import Method, registered
from keras_explain.model_view import NotApplicableError
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of
from keras_explain.store.format.forms import has_pictures
from keras_explain.store.format.meaning import QUANTITIES, SQUARED, UNITS, UNKNOWN

HERE = Path(__file__).parent
PICTURES = HERE / "methods"
PROBES = 16


def main() -> None:
    """Write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("--only", default="", help="part of a method's name")
    options = parser.parse_args()
    if options.pictures:
        from keras_explain.demo.train import warm_up

        warm_up()
        draw_all(options.only)
    (HERE / "methods.md").write_text(text())


def text() -> str:
    """The page."""
    introduction = (HERE / "methods_introduction.md").read_text().rstrip()
    table = json.loads((HERE / "agreement.json").read_text())
    model, x, y = build_model(), *examples()
    parts = [introduction, "", "## All at a glance", "", *overview(model, x, y, table), ""]
    parts += ["## What the numbers are", "", *numbers(), ""]
    parts += ["## Checked against", "", *agreement(table), ""]
    for name, kind in in_order():
        parts += section(name, kind)
    return "\n".join(parts).rstrip() + "\n"


def examples() -> tuple[np.ndarray, np.ndarray]:
    """Pictures that the demo holds out, and their classes."""
    scenes = load("held_out")
    return as_input(scenes.images[:PROBES]), scenes.labels[:PROBES].astype("int32")


def overview(model: keras.Model, x: Any, y: Any, table: Any) -> list[str]:
    """A row a method."""
    rows = [
        "| name | class | numbers | unit | signed | cost | axioms | checked against |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, kind in sorted(registered().items()):
        quantity, unit, signed, cost = facts(kind.example(x, y), model, x, y)
        cells = [
            f"[`{name}`](#{anchors()[name]})",
            f"`{kind.__name__}`",
            quantity,
            unit,
            signed,
            cost,
            ", ".join(kind.axioms) or "-",
            ", ".join(table.get(name, {})) or "-",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def facts(method: Method, model: keras.Model, x: Any, y: Any) -> tuple[str, str, str, str]:
    """What its first record's numbers are, whether it is signed, and the passes, as counted."""
    made = Pass(model, Probes.of((x, y)), [method], optional=True)
    if not made.built.plans:
        return method.quantity, method.unit, "-", "-"
    specs = made.built.plans[0].specs.values()
    main = next(iter(specs))
    signed = {spec.signed for spec in specs if spec.axes and "metric" not in spec.axes}
    outcome = made.run()
    if outcome.faults:
        raise outcome.faults[0].error
    if not method.computes:
        return main.quantity, main.unit, _yes(signed), "the common pass"
    rows: dict[str, int] = {}
    for call, times in sorted(made.calls().items(), key=lambda item: item[0][1:]):
        way = "forward and backward" if call.back else "forward"
        way += " from a layer on" if call.given else ""
        rows[way] = rows.get(way, 0) + call.rows * times
    cost = " + ".join(f"{n / PROBES:.3g} {way}" for way, n in rows.items())
    return main.quantity, main.unit, _yes(signed), cost


def _yes(signed: set[bool]) -> str:
    return {(True,): "yes", (False,): "no", (): "-"}.get(tuple(signed), "both")


def numbers() -> list[str]:
    """The words for what numbers are, and for their units."""
    return [
        "Every record says it, as `RecordSpec.quantity` and `RecordSpec.unit`; the tab prints the",
        "unit on each colour scale. Numbers compare where both are the same. A method made of",
        "another says what that one says.",
        "",
        "| numbers | meaning |",
        "| --- | --- |",
        *(f"| {quantity} | {meaning} |" for quantity, meaning in QUANTITIES.items()),
        "",
        "| unit | meaning |",
        "| --- | --- |",
        *(f"| {unit} | {meaning} |" for unit, meaning in UNITS.items()),
        "",
        f"The unit of squares, such as a variance, ends with `{SQUARED}`.",
    ]


def agreement(table: Any) -> list[str]:
    """What was measured, a row a check."""
    rows = ["| method | against | largest difference | allowed |", "| --- | --- | --- | --- |"]
    for name, checks in table.items():
        for against, entry in checks.items():
            kind = " (sampling)" if entry["sampled"] else ""
            difference = f"{entry['difference']:.1g}"
            rows.append(f"| `{name}` | {against} | {difference} | {entry['within']:.0e}{kind} |")
    return rows


def section(name: str, kind: type[Method]) -> list[str]:
    """All about one method: its own docstring, as Markdown."""
    doc = inspect.cleandoc(kind.__doc__ or "")
    about, _, options = doc.partition("\nAttributes:\n")
    parts = [f"## {kind.title}", "", f"`{kind.__name__}`, `{name}`", ""]
    if kind.formula:
        parts += [f"$${kind.formula}$$", ""]
    parts += [about.strip(), ""]
    if kind.quantity != UNKNOWN:
        parts += [f"Its numbers: {kind.quantity}; unit: {kind.unit}.", ""]
    if (PICTURES / f"{name}.png").exists():
        parts += [f"![{kind.title} of a garment](methods/{name}.png)", ""]
    described = dict(re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", options, re.M | re.S))
    fields = dataclasses.fields(kind)
    if fields:
        parts += ["| option | default | meaning |", "| --- | --- | --- |"]
        for field in fields:
            meaning = " ".join(described.get(field.name, "").split()).replace("|", "\\|")
            parts.append(f"| `{field.name}` | {_default(field)} | {meaning} |")
        parts.append("")
    return parts


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()!r}`"
    return "required"


def in_order() -> list[tuple[str, type[Method]]]:
    """The methods as their sections stand: by title."""
    return sorted(registered().items(), key=lambda item: item[1].title.lower())


def anchors() -> dict[str, str]:
    """GitHub's anchor of each method's section; a heading that comes again gets a number."""
    found: dict[str, str] = {}
    for name, kind in in_order():
        anchor = re.sub(r"[^\w\- ]", "", kind.title.lower()).replace(" ", "-")
        twins = sum(re.sub(r"-\d+$", "", other) == anchor for other in found.values())
        found[name] = f"{anchor}-{twins}" if twins else anchor
    return found


def draw_all(only: str) -> None:
    """A picture a method, of one example of a network that is trained for it."""
    keras.utils.set_random_seed(0)
    scenes, model = load("train"), build_model()
    model.fit(as_input(scenes.images), scenes.labels, epochs=12, batch_size=32, verbose=2)
    x, y = examples()
    shown = int(np.flatnonzero(model.predict(x, verbose=0).argmax(axis=-1) == y)[0])
    PICTURES.mkdir(exist_ok=True)
    for name, kind in registered().items():
        if only in name:
            draw(kind.example(x, y), model, x, y, shown)


def draw(method: Method, model: keras.Model, x: Any, y: Any, shown: int) -> None:
    """The picture of one method, if it yields something that lies on a picture."""
    import matplotlib.pyplot as plt

    from keras_explain.store.statistics import as_shown

    try:
        made = Pass(model, Probes.of((x, y)), [method])
        records, faults = records_of(made, made.run())
    except NotApplicableError:
        return
    if faults:
        raise faults[0].error
    maps = [
        (spec, array)
        for spec, array in records
        if has_pictures(spec) and spec.method == method.name and spec.rows is None
    ]
    if not maps:
        return
    spec, array = maps[-1]
    one = as_shown(array, spec.axes, spec.shown)[shown] if spec.shown != "all" else array[shown]
    one = one.mean(axis=-1) if one.ndim == 3 else one
    limit = float(np.percentile(np.abs(one), 99)) or 1.0
    figure, axes = plt.subplots(1, 2, figsize=(5, 2.5), layout="constrained")
    axes[0].imshow(x[shown])
    axes[0].set_title(CLASSES[y[shown]], fontsize=9)
    drawn = axes[1].imshow(
        one,
        cmap="PuOr" if spec.signed else "cividis",
        vmin=-limit if spec.signed else 0,
        vmax=limit,
        extent=(0, 1, 0, 1),
    )
    axes[1].set_title(spec.title, fontsize=9)
    figure.colorbar(drawn, ax=axes[1], shrink=0.8).ax.tick_params(labelsize=7)
    for axis in axes:
        axis.set_axis_off()
    figure.savefig(PICTURES / f"{method.name}.png", dpi=100, pil_kwargs={"optimize": True})
    plt.close(figure)


if __name__ == "__main__":
    main()
