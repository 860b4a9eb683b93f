"""What a method is: the protocol behind which each of them fits, and the registry."""

from __future__ import annotations

import dataclasses
import difflib
import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError, Place
from ..questions import Ask, Questions
from ..store import RecordSpec
from ..store.format.meaning import UNKNOWN, at_layer

Record = tuple[RecordSpec, NDArray[Any]]

MOST_SHOWN = 64
"""Arrays of more values are kept among a record's options as a checksum."""


@dataclass(frozen=True)
class Needs:
    """What a method reads off the pass.

    Attributes:
        gradients: Where it needs the gradient of the score.
        values: Where it needs the input, or the layer's output, itself.
        weight_gradients: Whether it needs the gradient of the loss at every trainable weight.
    """

    gradients: frozenset[Place] = frozenset()
    values: frozenset[Place] = frozenset()
    weight_gradients: bool = False


@dataclass(frozen=True)
class Plan:
    """What a method will do with one model: what it needs, and the records that it will yield.

    Attributes:
        needs: What it reads off the pass.
        specs: The records by key.
        places: Where each of them lies, for those that lie on an input or a layer's output.
        memory: What `records` keeps from step to step of one `fit`; the next plans anew.
    """

    needs: Needs
    specs: Mapping[str, RecordSpec]
    places: Mapping[str, Place] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Seen:
    """What one pass over all probes saw, as tensors of the backend with probes first.

    Attributes:
        values: Inputs and layers' outputs by place, float32 where they are numbers of that kind.
        gradients: Gradient of each probe's score by place, float32.
        weight_gradients: Gradient of the loss at each trainable weight, by path.
        weights: The trainable weights themselves, by path.
    """

    values: Mapping[Place, Any]
    gradients: Mapping[Place, Any] = field(default_factory=dict)
    weight_gradients: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method(ABC):
    """One way to explain. A frozen dataclass whose fields are its options.

    A method is asked four things, in this order: what it will need and yield (`plan`, once a
    model); what it reads off the pass (`read`, inside the compiled graph, so on tensors and
    without side effects); what it finds by asking for more scores and gradients (`compute`, on
    NumPy arrays); and the records that follow (`records`, off the training thread). A method
    writes `plan`, and one of `read` and `compute`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    quantity: ClassVar[str] = UNKNOWN
    """What its numbers are, one of `store.format.meaning.QUANTITIES`."""
    unit: ClassVar[str] = UNKNOWN
    """Their unit on an input, one of `store.format.meaning.UNITS`."""
    formula: ClassVar[str] = ""
    """What is computed, in TeX, for the docs."""
    axioms: ClassVar[tuple[str, ...]] = ()
    """Which properties hold by construction, each tested."""

    @classmethod
    def example(cls, inputs: NDArray[Any], labels: NDArray[Any]) -> Method:
        """An instance that says something about such inputs: for the docs, and to try all methods.

        Args:
            inputs: Examples like the probes, `(examples, ...)`.
            labels: Their classes.
        """
        return cls()

    @abstractmethod
    def plan(self, model: ModelView) -> Plan:
        """What this method needs of `model` and yields on it.

        Raises:
            NotApplicableError: If the model has nothing that this method explains.
            ValueError: If an option does not fit the model.
        """

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:
        """Tensors by record key, computed with `keras.ops` from what the pass saw."""
        return {}

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:
        """Arrays by record key, from scores and gradients of inputs of the method's own making."""
        return {}

    def records(self, plan: Plan, arrays: Mapping[str, NDArray[Any]]) -> Sequence[Record]:
        """The records of one step, from what `read` and `compute` returned."""
        return [(spec, arrays[key]) for key, spec in plan.specs.items()]

    def attributions(self, ask: Questions) -> dict[str, NDArray[Any]]:
        """What this method finds at the rows of `ask`, by record key: for methods made of others.

        At the probes themselves nothing is computed twice.
        """
        plan: Plan = ask.plan(self)
        found = ask.known(self)
        if found is None:
            found = ask.ask(Ask(reader=self)).reading if self.reads else {}
            found = {**found, **(self.compute(ask, plan) if self.computes else {})}
        return {spec.key: array for spec, array in self.records(plan, found)}

    def region_sizes(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:
        """How many values share each number of a map whose unit is "score per region", by key.

        Each array broadcasts to the map.
        """
        return {}

    @property
    def reads(self) -> bool:
        """Whether it reads something off the pass."""
        return type(self).read is not Method.read

    @property
    def computes(self) -> bool:
        """Whether it asks for more than the pass."""
        return type(self).compute is not Method.compute

    @property
    def follows(self) -> str:
        """Which earlier steps it looks back at: `""` for none, `"last"`, or `"all"`."""
        return ""

    @property
    def identity(self) -> str:
        """The same for two methods that find the same."""
        return f"{type(self).__qualname__}{self.options()}"

    def options(self) -> dict[str, Any]:
        """The fields by name, as they are kept with each record."""
        return {f.name: _plain_option(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def unit_at(self, place: Place) -> str:
        """The unit of its numbers where they lie on `place`."""
        return self.unit if place.layer is None else at_layer(self.unit)

    def spec(self, model: ModelView, place: Place, key: str, **facts: Any) -> RecordSpec:
        """The description of a record that lies on `place`."""
        return RecordSpec(
            key=key,
            method=self.name,
            title=self.title,
            layer=place.name if place.layer is not None else None,
            input=model.input_under(place),
            **{
                "axes": place.axes,
                "options": self.options(),
                "quantity": self.quantity,
                "unit": self.unit_at(place),
                **facts,
            },
        )


def _plain_option(value: Any) -> Any:
    if isinstance(value, Method):
        return {"method": value.name, **value.options()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _plain_option(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **parts}
    if isinstance(value, Mapping):
        return {_plain_name(name): _plain_option(part) for name, part in value.items()}
    if isinstance(value, np.ndarray) and value.size > MOST_SHOWN:
        content = zlib.crc32(np.ascontiguousarray(value).tobytes())
        return f"array {value.shape} {value.dtype} {content:08x}"
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain_option(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, type) or callable(value):
        return str(getattr(value, "__qualname__", type(value).__qualname__))
    return repr(value)


def _plain_name(name: Any) -> str:
    if isinstance(name, tuple):
        return ", ".join(map(_plain_name, name))
    return name.__name__ if isinstance(name, type) else str(name)


_registry: dict[str, type[Method]] = {}
MethodType = TypeVar("MethodType", bound=type[Method])


def register(method: MethodType) -> MethodType:
    """Make a method known by its class name in snake case: `GradCAM` is `grad_cam`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", method.__name__)
    method.name = words.lower()
    _registry[method.name] = method
    return method


def registered() -> dict[str, type[Method]]:
    """Every known method by name."""
    return dict(_registry)


def method_of(spec: Any) -> Method:
    """A method from a user's word for it: an instance, a class, or a name.

    Raises:
        ValueError: If it is none of these, or no method has that name.
    """
    if isinstance(spec, Method):
        return spec
    if isinstance(spec, type) and issubclass(spec, Method):
        return spec()
    if isinstance(spec, str) and spec in _registry:
        return _registry[spec]()
    near = difflib.get_close_matches(str(spec), _registry, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"`methods` must name known methods. Known: {', '.join(_registry)}.{hint} "
        f"Received: {spec!r}"
    )


def on_inputs_or_layer(model: ModelView, layer: str | None) -> Iterator[Place]:
    """The places that an attribution lies on: `layer`, or every input that reaches the score.

    An input of token ids has no gradient; the output of the embedding that it feeds stands for it.

    Raises:
        ValueError: If the model has no such layer, nothing of the layer reaches the score, or it
            holds no floating-point numbers.
        NotApplicableError: If no input has a gradient.
    """
    if layer is not None:
        place = model.layer_that_reaches(layer)
        if not place.differentiable:
            raise ValueError(f"`layer` must hold floating-point numbers. Received: {layer!r}")
        yield place
        return
    places = [p for p in model.inputs.values() if p.differentiable and model.reaches(p)]
    for words in model.embeddings.values():
        places += [place for place in words if place not in places]
    if not places:
        known = [place.name for place in model.layers.values() if model.reaches(place)]
        absent = "".join(f"; not {name!r}: {why}" for name, why in model.absent.items())
        raise NotApplicableError(
            "the model has no input with a gradient and no Embedding layer that an input feeds; "
            f"name a `layer`. Known: {', '.join(known) or 'none'}{absent}. Received: layer=None"
        )
    yield from places
