"""Tensors without values: a shape, a dtype, and the operation that computes them."""

import contextlib

FLOATS = ("float16", "float32")


class Tensor:
    """`compute` returns the array, given the arrays of `sources`. A placeholder has neither."""

    def __init__(self, shape, dtype, compute=None, sources=(), reduced=False):
        self.shape, self.dtype, self.compute, self.sources = tuple(shape), dtype, compute, sources
        self.reduced = reduced  # the result of a reduce


def placeholder(shape, dtype="float32", name="placeholder"):
    if dtype == "float64":
        raise RuntimeError(f"placeholder {name}: the vector unit has no float64")
    return Tensor(shape, dtype)


class target:  # noqa: N801 - CANN's name
    scheduling = False

    @classmethod
    @contextlib.contextmanager
    def cce(cls):
        cls.scheduling = True
        try:
            yield
        finally:
            cls.scheduling = False
