"""PyTorch's attention weights, as an independent second implementation.

`python -m tests.reference.attention_reference` writes `attention.npz`, the table that the tests
compare with where torch is not installed. Weights and inputs are in the table too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("attention.npz")
HEADS, WIDTH, LAYERS = 3, 12, 2


def weights(seed: int = 7) -> dict[str, np.ndarray]:
    """Random weights in Keras's layout, for two layers, and inputs `(4, 7, 12)`."""
    rng = np.random.default_rng(seed)
    size = WIDTH // HEADS
    shapes = {"query": (WIDTH, HEADS, size), "key": (WIDTH, HEADS, size),
              "value": (WIDTH, HEADS, size), "output": (HEADS, size, WIDTH)}  # fmt: skip
    given = {"inputs": rng.normal(size=(4, 7, WIDTH))}
    for layer in range(LAYERS):
        for name, shape in shapes.items():
            given[f"{name}{layer}"] = 0.6 * rng.normal(size=shape)
            bias = (WIDTH,) if name == "output" else shape[1:]
            given[f"{name}_bias{layer}"] = 0.3 * rng.normal(size=bias)
    return {name: array.astype("float32") for name, array in given.items()}


def attentions(given: dict[str, np.ndarray], causal: bool = False) -> np.ndarray:
    """PyTorch's weights of each head, `(layers, rows, heads, queries, keys)`."""
    import torch
    from torch import nn

    x = torch.from_numpy(given["inputs"])
    mask = torch.ones(7, 7, dtype=torch.bool).triu(1) if causal else None
    found = []
    for layer in range(LAYERS):
        attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        parts = [given[f"{name}{layer}"].reshape(WIDTH, WIDTH).T for name in KINDS]
        biases = [given[f"{name}_bias{layer}"].ravel() for name in KINDS]
        with torch.no_grad():
            attention.in_proj_weight.copy_(torch.from_numpy(np.concatenate(parts)))
            attention.in_proj_bias.copy_(torch.from_numpy(np.concatenate(biases)))
            out = given[f"output{layer}"].reshape(WIDTH, WIDTH).T
            attention.out_proj.weight.copy_(torch.from_numpy(out.copy()))
            attention.out_proj.bias.copy_(torch.from_numpy(given[f"output_bias{layer}"]))
            output, each = attention(x, x, x, attn_mask=mask, average_attn_weights=False)
        found.append(each.numpy())
        x = x + output
    return np.stack(found)


KINDS = ("query", "key", "value")

if __name__ == "__main__":
    given = weights()
    np.savez_compressed(
        TABLE, **given, plain=attentions(given), causal=attentions(given, causal=True)
    )
