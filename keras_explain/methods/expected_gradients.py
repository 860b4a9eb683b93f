"""Expected gradients: integrated gradients over many baselines at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Questions, Values, Vary
from .attribution import Attribution, Figure
from .base import Plan, register
from .examples import examples_by_input
from .gaps import share_missing


@register
@dataclass(frozen=True)
class ExpectedGradients(Attribution):
    """Mean over `background` of the gradients on the way from one of its examples to the input.

    Each sample is one point at a random share of the way from an example to the input; its gradient
    is multiplied with the way. Signed, in score units, of the input's shape
    `(probes, height, width, channels)`; shown as the sum over the channels. Per probe it sums to
    `score(inputs) - mean score(background)` in expectation; what is missing is recorded as
    `expected_gradients/gap`, a share of that difference (of a thousandth of all that is attributed,
    or a hundred-thousandth of the scores, if that is more), and shrinks as `samples` grows. What is
    drawn is a probe's own, and the same at every step. Costs one forward and backward pass over the
    probes for each sample, and one forward pass over the background (over the probes for each of
    its examples, `samples` at most, behind token ids or at a `layer`).

    Erion et al. 2019, https://arxiv.org/abs/1906.10670

    Attributes:
        background: Examples that stand for the data, in the units of the inputs,
            `(examples, height, width, channels)`: some of the training set, say; a dict of them by
            the input's name for several inputs. If None, the one example is zero, as the default
            baseline of `IntegratedGradients` is: the probes themselves are never used, so that no
            probe's map depends on the others.
        samples: Number of points; a multiple of the number of examples draws all of them equally
            often.
        seed: Another seed draws others.
        layer: Name of the layer on whose output the attribution lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    background: Any = None
    samples: int = 32
    seed: int = 0

    title = "Expected gradients"
    quantity = "attribution"
    unit = "score"
    formula = (
        r"\mathbb{E}_{x' \sim D,\, \alpha \sim U(0, 1)} \Big[(x_i - x'_i) \, "
        r"\frac{\partial S_c(x' + \alpha (x - x'))}{\partial x_i}\Big]"
    )
    axioms: ClassVar[tuple[str, ...]] = ("completeness in expectation", "zero for an unused input")
    signed = True
    shown = "sum"
    figures = {"gap": Figure("completeness gap", "share")}  # noqa: RUF012

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"`samples` must be at least 1. Received: {self.samples}")

    @classmethod
    def example(cls, inputs: NDArray[Any], labels: NDArray[Any]) -> ExpectedGradients:  # noqa: D102
        return cls(background=inputs)

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        self._examples(model)
        return super().plan(model)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        here = ask.values(places)
        start = self._starts(ask, here)
        drawn = [self._drawn(ask.random(row, self.seed), start) for row in range(ask.count)]
        ends = self.ends(ask, here)

        ways: deque[Values] = deque()  # those that were begun, in order; they are made ahead

        def on_path(row: int, numbers: NDArray[np.int64]) -> Values:
            shares, examples = drawn[row]
            begin = {place: array[examples[numbers]] for place, array in start.items()}
            way = {place: end - begin[place] for place, end in ends(row, numbers).items()}
            ways.append(way)
            return {place: begin[place] + _along(shares[numbers], way[place]) for place in way}

        mean = {place: np.zeros(array.shape, np.float32) for place, array in here.items()}
        for row, _, some in ask.varied(self.samples, on_path):
            gradients = some.gradients(places)
            for one in np.unique(row):
                way = ways.popleft()
                for place, array in mean.items():
                    array[one] += (gradients[place][row == one] * way[place]).sum(axis=0)
        for array in mean.values():
            array /= self.samples
        scores = ask.scores(), self._mean_scores(ask, start, drawn)
        flat = [a.reshape(ask.count, -1).astype("f8") for a in mean.values()]
        total, moved = (sum(f.sum(axis=1) for f in some) for some in (flat, map(np.abs, flat)))
        gap = share_missing(total, scores[0] - scores[1], moved, *scores)
        return self.found(plan, mean, gap=gap)

    def ends(self, ask: Questions, here: Values) -> Vary:
        """Where the ways end: at the inputs."""
        return lambda row, numbers: {place: array[row][None] for place, array in here.items()}

    def _examples(self, model: ModelView) -> dict[Place, NDArray[Any]]:
        """The background by input; empty if there is none."""
        if self.background is None:
            return {}
        return examples_by_input(model, self.background, "background")

    def _starts(self, ask: Questions, here: Values) -> dict[Place, NDArray[np.float32]]:
        """What lies at the places for each example of the background, `(examples, ...)`."""
        examples = self._examples(ask.view)
        if not examples:
            return {place: np.zeros((1, *array.shape[1:]), "f4") for place, array in here.items()}
        typed = {p: array.astype(ask.inputs[p.name].dtype) for p, array in examples.items()}
        count = len(next(iter(typed.values())))
        asked = replace(ask, replaced={}).at(typed, np.zeros(count, np.int64))
        return {place: array.astype("f4") for place, array in asked.values(list(here)).items()}

    def _drawn(
        self, random: np.random.Generator, start: Values
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Shares of the way and numbers of the examples, one a sample."""
        count = len(next(iter(start.values())))
        # Evenly spread draws: the mean is the same, and errs far less than that of free ones.
        shares = (np.arange(self.samples) + random.uniform(size=self.samples)) / self.samples
        turns = -(-self.samples // count)
        examples = np.concatenate([random.permutation(count) for _ in range(turns)])
        return shares.astype("f4"), examples[: self.samples]

    def _mean_scores(
        self,
        ask: Questions,
        start: dict[Place, NDArray[np.float32]],
        drawn: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]],
    ) -> NDArray[np.float32]:
        """The mean score of the background, by what is explained in each row, `(rows,)`."""
        count = len(next(iter(start.values())))
        if all(place.layer is None for place in start) and len(start) == len(ask.inputs):
            outputs = ask.at(start, np.zeros(count, np.int64)).outputs()
            flat = outputs.reshape(count, -1)
            goals = ask.goal.reshape(ask.count, -1)
            return np.array([(np.where(g == 0, 0, flat) @ g).mean() for g in goals], "f4")
        # The first of each row's draws are all examples, or as many of them as there are samples.
        tried = min(count, self.samples)
        scores = ask.scores_of(
            tried, lambda row, some: {p: a[drawn[row][1][some]] for p, a in start.items()}
        )
        return scores.mean(axis=1)


def _along(shares: NDArray[np.float32], way: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each of the ways times its share."""
    return shares.reshape(-1, *[1] * (way.ndim - 1)) * way
