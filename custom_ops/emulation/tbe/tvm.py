"""Tensors without values: a shape, a dtype, and what they are computed from."""

import contextlib

FLOATS = ("float16", "float32")


class Tensor:
    """`compute` makes its array of those of `sources`; a placeholder has neither."""

    def __init__(self, shape, dtype, compute=None, sources=(), reduced=False):
        self.shape, self.dtype, self.compute, self.sources = tuple(shape), dtype, compute, sources
        self.reduced = reduced  # comes of a reduce


def placeholder(shape, dtype="float32", name="placeholder"):
    if dtype == "float64":
        raise RuntimeError(f"placeholder {name}: the vector unit has no float64")
    return Tensor(shape, dtype)


class target:  # noqa: N801 - as CANN's
    scheduling = False

    @classmethod
    @contextlib.contextmanager
    def cce(cls):
        cls.scheduling = True
        try:
            yield
        finally:
            cls.scheduling = False
