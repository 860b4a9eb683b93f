"""What a trace tells of a model, without running it."""

from keras_explain.passes import Pass
from keras_explain.probes import Probes


def traced(model, x, methods=(), target=0, **options):
    """What was found out about the model with these methods."""
    return Pass(model, Probes.of((x,)), methods, target, **options).built


def places(model, x, method, **options):
    """Names of the layers or inputs that a method chooses."""
    (plan,) = traced(model, x, [method], **options).plans.values()
    return [place.name for place in plan.places.values()]
