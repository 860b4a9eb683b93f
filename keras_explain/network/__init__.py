"""The model as a pure function of its weights and inputs.

Its modules are imported by their names: `keras_internals` comes before all that listens to a model,
`network` after it.
"""
