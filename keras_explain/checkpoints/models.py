"""A model at the weights of one checkpoint after another."""

from __future__ import annotations

import importlib
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from ..store.place import on_disk
from .names import Checkpoint

Build = Callable[[], Any] | str | None


class Unreadable(ValueError):
    """A checkpoint that does not give a model; the message names it and says why."""


class Models:
    """Gives the model at each checkpoint: the same object as long as its structure stays.

    Args:
        build: A function, or `"module:function"`, that returns the built model, compiled where
            the loss is needed. None reads the model from the checkpoints.
        safe_mode: Whether models that carry code of their own are refused.
    """

    def __init__(self, build: Build, safe_mode: bool) -> None:
        self._build = build
        self._safe = safe_mode
        self._model: keras.Model | None = None
        self._config: Any = None

    def at(self, checkpoint: Checkpoint) -> keras.Model:
        """The model at the checkpoint's weights.

        Raises:
            Unreadable: If there is no way to it.
            ValueError: If `build` is not what it should be.
        """
        if self._model is None and self._build is not None:
            self._model = built_by(self._build)
        try:
            with warnings.catch_warnings():
                # No optimizer is needed, and one that has no state yet would be warned of.
                warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
                with on_disk(checkpoint.path) as path:
                    return self._loaded(path)
        except Exception as error:  # a file may hold anything
            raise Unreadable(
                f"{checkpoint.path.name} cannot be loaded. {type(error).__name__}: {error!s:.1000}"
            ) from error

    def _loaded(self, path: Path) -> keras.Model:
        config = None if self._build is not None else _config(path)
        if self._model is None or config != self._config:
            self._model, self._config = self._read(path), config
        _load_weights(self._model, path)
        return self._model

    def _read(self, path: Path) -> keras.Model:
        # Of Orbax's checkpoints Keras only loads the latest as a model: it gives the structure.
        whole = path.parent if path.is_dir() else path
        return keras.saving.load_model(whole, safe_mode=self._safe)


def built_by(build: Callable[[], Any] | str) -> keras.Model:
    """The model that `build` makes.

    Raises:
        ValueError: If there is no such function, or it makes no built model.
    """
    function = _function(build) if isinstance(build, str) else build
    model = function()
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"`build` must return a built Keras model. Received: {model!r:.300}")
    return model


def _function(name: str) -> Callable[[], Any]:
    module, _, function = name.partition(":")
    try:
        found: Callable[[], Any] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            "`build` must be 'module:function', importable where this runs. "
            f"{type(error).__name__}: {error}. Received: {name!r}"
        ) from error
    return found


def _config(path: Path) -> Any:
    """What tells one structure from another: the saved configuration but for the optimizer's."""
    if path.is_dir():
        return path.parent
    if path.name.endswith(".weights.h5"):
        raise ValueError("It holds weights alone: give `build`, a function that makes the model")
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    (config.get("compile_config") or {}).pop("optimizer", None)
    return config


def _load_weights(model: keras.Model, path: Path) -> None:
    if path.is_dir():
        _set_weights(model, _orbax_state(path))
    else:
        model.load_weights(path)


def _orbax_state(folder: Path) -> dict[str, Any]:
    from orbax.checkpoint import v1 as orbax

    state: dict[str, Any] = orbax.load_checkpointables(folder, {"pytree": None})["pytree"]
    return state


def _set_weights(model: keras.Model, state: dict[str, Any]) -> None:
    """Set the weights by their paths; the model may have been given another name since."""
    own = {
        "trainable_variables": model.trainable_variables,
        "non_trainable_variables": model.non_trainable_variables,
    }
    for kind, variables in own.items():
        saved = state.get(kind, {})
        tops = {variable.path.partition("/")[0] for variable in variables}
        if len(tops) == len(saved) == 1:
            saved = {tops.pop(): next(iter(saved.values()))}
        for variable in variables:
            # Their names are numbered anew in each process, and inference draws nothing.
            if "seed_generator" not in variable.path:
                variable.assign(_at(saved, variable.path))


def _at(saved: Any, path: str) -> Any:
    for part in path.split("/"):
        if part not in saved:
            known = ", ".join(list(saved)[:20])
            raise ValueError(f"It has no weight {path!r}: there is no {part!r} among {known}")
        saved = saved[part]
    return saved
