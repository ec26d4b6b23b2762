"""Memory layouts of the arrays that a subject receives.

Each layout places an array inside a larger one and takes the part back out of it, on the subject's device. Its
gaps are NaN, or targets out of range, so that an implementation that ignores strides gives wrong results.
"""

import numpy as np


def _gaps(array, shape):
    filling = np.nan if array.dtype.kind == "f" else 2**62 if array.dtype == np.int64 else 1
    return np.full(shape, filling, array.dtype)


def _offset(array):
    whole = _gaps(array, array.size + 3)
    whole[3:] = array.reshape(-1)
    return whole, lambda tensor: tensor[3:].reshape(array.shape)


def _strided(array):
    last = 2 * array.shape[-1]
    whole = _gaps(array, (*array.shape[:-1], last + 3))  # the rows' pitch is not the stride times C
    whole[..., :last:2] = array
    return whole, lambda tensor: tensor[..., :last:2]


def _pitch(array):
    whole = _gaps(array, (len(array), array.shape[1] + 5))
    whole[:, :-5] = array
    return whole, lambda tensor: tensor[:, :-5]


def _transposed(array):
    whole = _gaps(array, (array.shape[1], len(array) + 3))  # the columns' pitch is not N
    whole[:, :-3] = array.T
    return whole, lambda tensor: tensor[:, :-3].T


def _column(array):
    whole = _gaps(array, (len(array), 3))
    whole[:, 1] = array
    return whole, lambda tensor: tensor[:, 1]


def _expanded(array):
    """One element that stands for all, with stride 0."""

    def take(tensor):
        return (np if isinstance(tensor, np.ndarray) else type(tensor)).broadcast_to(tensor, array.shape)

    return np.ascontiguousarray(array[:1]), take


LAYOUTS = {
    "offset": _offset,  # contiguous, but not where an allocation begins
    "strided": _strided,  # every second element of the last axis, and rows with a gap between them
    "pitch": _pitch,  # rows with a gap between them
    "transposed": _transposed,  # a part of a wider matrix
    "column": _column,  # a column of a matrix
    "expanded": _expanded,
}


def laid_out(array, layout):
    """The array to allocate, and the function that takes the argument out of its tensor."""
    return LAYOUTS[layout](array) if layout else (array, lambda tensor: tensor)
