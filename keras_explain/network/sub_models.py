"""Which model is explained: the one that trains, or a part of it that can be called."""

from __future__ import annotations

from typing import Any, TypeAlias

import keras

Choice: TypeAlias = Any
"""Name of an attribute of the model that trains, a function of it, a model, or None for it."""


def check_model(model: Any) -> None:
    """Raise a `ValueError` unless `model` is a Keras model that can be called.

    Some models only have a training step, as those of many GANs and autoencoders: what can be
    explained of them is a part.
    """
    if not isinstance(model, keras.Layer):
        made_by = f"{type(model).__module__}.{type(model).__qualname__}"
        raise ValueError(
            "`model` must be a Keras 3 model: a `keras.Model` of this process's `keras`. "
            f"Received: {made_by}"
        )
    if not _has_call(model):
        parts = parts_of(model)
        shown = parts[0] if parts else "discriminator"
        raise ValueError(
            f"`model` must be one that can be called, and {type(model).__name__} has no `call`. "
            f"Name the part that is explained, as in `Explain(..., model={shown!r})` or "
            f"`explain(model.{shown}, ...)`. Its parts: {', '.join(parts) or 'none'}. "
            f"Received: {model.name!r}"
        )


def check_choice(choice: Any) -> None:
    """Raise a `ValueError` unless this can say which part of a model is explained."""
    if choice is None or callable(choice) or isinstance(choice, str):
        return
    raise ValueError(
        "`model` must be the name of an attribute of the trained model, a function of that model, "
        f"or a `keras.Model`. Received: {choice!r}"
    )


def chosen_of(model: keras.Model, choice: Choice) -> keras.Model:
    """The model that is explained.

    Args:
        model: The one that trains.
        choice: Name of its attribute, a function of it, a model itself; or None for it.

    Raises:
        ValueError: If there is no such part, or it cannot be called.
    """
    found: Any = model
    if isinstance(choice, str):
        for name in choice.split("."):
            found = getattr(found, name, None)
        if not isinstance(found, keras.Layer):
            raise ValueError(
                f"`model` must name a part of {type(model).__name__}. "
                f"Known: {', '.join(parts_of(model)) or 'none'}. Received: {choice!r}"
            )
    elif isinstance(choice, keras.Layer):
        found = choice
    elif choice is not None:
        found = choice(model)
    check_model(found)
    return found


def parts_of(model: keras.Model) -> list[str]:
    """Names of the attributes of a model that can be explained."""
    attributes = vars(model)
    attributes = {**attributes, **attributes.get("_modules", {})}  # where PyTorch keeps them
    return [
        name
        for name, part in attributes.items()
        if isinstance(part, keras.Model) and _has_call(part)
    ]


def _has_call(model: keras.Layer) -> bool:
    return type(model).call not in (keras.Layer.call, keras.Model.call)
