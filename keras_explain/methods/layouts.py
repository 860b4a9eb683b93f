"""Layouts of points by their neighbours, each going on from the one of the step before."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .planes import Points

GENTLE = 0.1
"""Rate at which a UMAP layout goes on; at the usual 1 it is thrown into another order each time."""
EPOCHS = 200


def tsne(
    features: NDArray[Any],
    start: Points,
    before: Points | None,
    perplexity: float,
    seed: int,
) -> Points:
    """t-SNE by scikit-learn.

    Args:
        features: `(points, features)`.
        start: A layout to unfold, at the first step.
        before: The layout of the step before, if any.
        perplexity: Lowered to a third of the other points.
        seed: Of what is left to chance.
    """
    layout = import_module("sklearn.manifold").TSNE(
        perplexity=min(perplexity, (len(features) - 1) / 3),
        # Small, to unfold; or where the last step left it, and not torn apart again.
        init=(1e-4 * start / start.std() if before is None else before).astype(np.float32),
        early_exaggeration=12.0 if before is None else 1.0,
        random_state=seed,
        method="exact",  # the same at every call, and probes are few
    )
    return np.asarray(layout.fit_transform(features), np.float64)


def umap(
    features: NDArray[Any], start: Points, before: Points | None, neighbors: int, seed: int
) -> Points:
    """UMAP by umap-learn. The arguments are those of `tsne`; `neighbors` at most all others."""
    package = _umap()
    options = {
        "n_neighbors": min(neighbors, len(features) - 1),
        "random_state": seed,
        "n_jobs": 1,
    }
    if before is None:
        found = package.UMAP(init=start.astype(np.float32), **options).fit_transform(features)
        return np.asarray(found, np.float64)
    # Given a layout, `UMAP` would first stretch it to a square.
    graph = package.UMAP(transform_mode="graph", **options).fit_transform(features).tocoo()
    graph.data[graph.data < graph.data.max() / EPOCHS] = 0
    graph.eliminate_zeros()
    a, b = package.umap_.find_ab_params(1.0, 0.1)
    layout = np.array(before, np.float32, order="C")
    found = import_module("umap.layouts").optimize_layout_euclidean(
        head_embedding=layout,
        tail_embedding=layout,
        head=graph.row,
        tail=graph.col,
        n_epochs=EPOCHS,
        n_vertices=len(features),
        epochs_per_sample=package.umap_.make_epochs_per_sample(graph.data, EPOCHS),
        a=a,
        b=b,
        rng_state=np.random.default_rng(seed).integers(-(2**31) + 1, 2**31 - 1, 3),
        initial_alpha=GENTLE,
        move_other=True,
    )
    return np.asarray(found, np.float64)


def _umap() -> Any:
    """The package without its networks: they load PyTorch, which may crash behind TensorFlow."""
    networks = "umap.parametric_umap"
    if networks in sys.modules:
        return import_module("umap")
    sys.modules[networks] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)  # that they are missing
            return import_module("umap")
    finally:
        del sys.modules[networks]
