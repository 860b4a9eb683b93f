"""TCAV scores of Captum for a small torch network, as an independent second implementation.

`python -m tests.reference.tcav_reference` writes `tcav.npz` from fixed weights; the live test runs
it on fresh ones. Captum gets our choice of examples, and ridge regression solved in the features
themselves.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from keras_explain.methods import TCAV

TABLE = Path(__file__).with_name("tcav.npz")
RUNS = 6


def given(seed: int = 3) -> dict[str, np.ndarray]:
    """Weights of a network of one hidden layer, and examples of two concepts, random and probes."""
    rng = np.random.default_rng(seed)
    return {
        "kernel": rng.normal(size=(8, 12)).astype("f4"),
        "bias": rng.normal(size=12).astype("f4"),
        "out": rng.normal(size=(12, 3)).astype("f4"),
        "inputs": rng.normal(size=(40, 8)).astype("f4"),
        "labels": rng.integers(0, 3, 40),
        "high": (rng.normal(size=(15, 8)) + 1).astype("f4"),
        "noise": rng.normal(size=(15, 8)).astype("f4"),
        "random": rng.normal(size=(50, 8)).astype("f4"),
    }


def method(g: dict[str, np.ndarray]) -> TCAV:
    """Ours."""
    concepts = {"high": g["high"], "noise": g["noise"]}
    return TCAV(concepts, layer="hidden", random=g["random"], runs=RUNS)


def scores(g: dict[str, np.ndarray]) -> np.ndarray:
    """Captum's scores `(concepts, classes)`, the mean over the runs."""
    # Behind TensorFlow, torch's compiler for GPUs breaks the interpreter.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    import torch
    from captum.concept import TCAV as Theirs
    from captum.concept import Classifier, Concept

    class Ridge(Classifier):
        def __init__(self):
            self.vector = None

        def train_and_eval(self, dataloader, **kwargs):
            parts = list(dataloader)
            x = torch.cat([part[0] for part in parts]).numpy().astype("f8")
            y = torch.cat([part[1] for part in parts]).numpy().ravel()
            self.labels = np.unique(y)
            x = x.reshape(len(x), -1)
            x -= x.mean(axis=0)
            ridge = (x**2).sum() / len(x)
            signs = np.where(y == self.labels[0], 1.0, -1.0)
            self.vector = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ signs)
            return {"accs": torch.tensor(1.0)}

        def weights(self):
            return torch.from_numpy(np.stack([self.vector, -self.vector]).astype("f4"))

        def classes(self):
            return [int(label) for label in self.labels]

    net = torch.nn.Sequential(
        torch.nn.Linear(8, 12), torch.nn.Tanh(), torch.nn.Linear(12, 3, bias=False)
    )
    with torch.no_grad():
        net[0].weight.copy_(torch.from_numpy(g["kernel"].T.copy()))
        net[0].bias.copy_(torch.from_numpy(g["bias"]))
        net[2].weight.copy_(torch.from_numpy(g["out"].T.copy()))

    def concept(number, examples):
        return Concept(number, str(number), [torch.from_numpy(examples)])

    found = np.zeros((2, 3))
    for of, name in enumerate(("high", "noise")):
        sets = method(g)._sets(name, np.arange(15), np.arange(50))
        for run, (own, others, _) in enumerate(sets):
            with tempfile.TemporaryDirectory() as folder:
                theirs = Theirs(net, ["1"], classifier=Ridge(), save_path=folder)
                pair = [
                    concept(10 * run, g[name][own]),
                    concept(10 * run + 1, g["random"][others]),
                ]
                for index in range(3):
                    its = torch.from_numpy(g["inputs"][g["labels"] == index])
                    result = theirs.interpret(its, [pair], target=index)
                    (by_layer,) = result.values()
                    found[of, index] += float(by_layer["1"]["sign_count"][0]) / RUNS
    return found


if __name__ == "__main__":
    g = given()
    np.savez_compressed(TABLE, **g, **{"captum/score": scores(g)})
