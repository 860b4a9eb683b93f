"""The Explain tab of TensorBoard: it shows the records that a training has written."""

NAME = "keras_explain"
"""Name under which TensorBoard knows the plugin."""
