"""The Explain tab of TensorBoard: it shows the records that a training has written."""
