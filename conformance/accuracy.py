"""Prints the worst error seen of the kernel library on this machine, in ulp, against exact values.

usage: python conformance/accuracy.py [DRAWS]

Rows of C = 1 to 100,000 classes: normal scores, scores of one sign, and rows whose hinges nearly cancel. A loss is
judged in ulp of its exact value (a sum with weights of both signs: of the sum of magnitudes), a gradient in ulp of its
row's largest element.
"""

import itertools
import sys

import numpy as np
from cases import DTYPES, POWERS, Inputs, near_cancellation
from kernel_library import EntryPoints
from oracle import Exact, error_in_ulp

from ms_mml import library

CLASSES = (1, 2, 3, 10, 17, 100, 1000, 10_000, 100_000)


def draw(dtype, p, classes, rng):
    """Inputs of four rows each, for reduction 'none', and one of sixteen with weights of both signs for 'mean'."""
    target = rng.integers(0, classes, 4)
    normal = rng.standard_normal((4, classes)).astype(dtype)
    yield Inputs(normal, target, None, p, 1, "none")
    yield Inputs(np.abs(normal) * dtype(2.0**-8), target, None, p, 3, "none")
    yield near_cancellation(dtype, p, classes, rng)
    if classes <= 10_000:
        weight = rng.choice([-1, 1], classes) * rng.uniform(0.5, 2, classes)
        rows = rng.standard_normal((16, classes)).astype(dtype)
        yield Inputs(rows, rng.integers(0, classes, 16), weight.astype(dtype), p, 1, "mean")


def errors(kernels, inputs):
    """The errors of every loss and of every gradient element."""
    exact, dtype = Exact(inputs), inputs.dtype
    value, magnitude = exact.loss(), exact.magnitude()
    if inputs.reduction != "none":
        value, magnitude = [value], [magnitude]
    losses = kernels.loss(inputs).reshape(-1)
    yield from (("loss", error_in_ulp(*each[:2], dtype, each[2])) for each in zip(losses, value, magnitude))
    if inputs.input.size > 50_000:
        return
    dout = np.array(np.ones(len(inputs.target)) if inputs.reduction == "none" else 1, dtype)
    for got, expected in zip(kernels.gradient(inputs, dout), exact.gradient(dout)):
        largest = max(map(abs, expected))
        yield from (("gradient", error_in_ulp(g, e, dtype, largest)) for g, e in zip(got, expected))


def main(draws):
    kernels = EntryPoints(library.find("CPU").path)
    for (name, dtype), p in itertools.product(DTYPES.items(), POWERS):
        rng, worst = np.random.default_rng(p), {"loss": 0, "gradient": 0}
        for classes, _ in itertools.product(CLASSES, range(draws)):
            for inputs in draw(dtype, p, classes, rng):
                for what, error in errors(kernels, inputs):
                    worst[what] = max(worst[what], error)
        print(f"{name} p={p}: loss {worst['loss']:.4f} ulp, gradient {worst['gradient']:.4f} ulp", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
