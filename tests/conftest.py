"""What all tests share."""

import os

# TensorFlow 2.21's oneDNN kernels corrupt memory in some gradients.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
