"""Guarded memory: arrays that end or begin at an inaccessible page, and results that are filled with poison.

An access to the guard page kills the process, and isolation turns that into a verdict. On the array's other side, the
rest of its page holds a pattern, and `check` finds out whether it was overwritten.
"""

import ctypes
import mmap

import numpy as np

_PROT_NONE = 0
_PATTERN = 0xA5
_POISONS = (123, -77)


class Memory:
    """Allocates arrays between two guard pages. They end at a guard page in one round and begin at one in the next."""

    def __init__(self):
        self._round = -1
        self._given = []

    def turn(self):
        """Begin the next round: forget all arrays, and change the side of the guard page and the poison."""
        self._given.clear()
        self._round += 1

    def place(self, array):
        """A copy of an input between guard pages."""
        copy = self._allocate(array.shape, array.dtype, "memory next to an input")
        copy[...] = array
        return copy

    def result(self, shape, dtype):
        """An array for a result, filled with poison. An element left unwritten differs from one round to the next."""
        array = self._allocate(shape, np.dtype(dtype), "memory next to its result")
        array[...] = _POISONS[self._round % 2]
        return array

    def check(self):
        """The name of memory next to an array that was overwritten, or ''."""
        for margin, name in self._given:
            if (margin != _PATTERN).any():
                return name
        return ""

    def _allocate(self, shape, dtype, name):
        page = mmap.PAGESIZE
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        room = -(-max(size, 1) // page) * page
        mapping = mmap.mmap(-1, room + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
        for guard in (start, start + page + room):
            if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(guard), page, _PROT_NONE) != 0:
                raise OSError(ctypes.get_errno(), "mprotect failed")
        inside = np.frombuffer(mapping, np.uint8, room, page)
        inside[:] = _PATTERN
        high = self._round % 2 == 0
        offset = room - size if high else 0
        self._given.append((inside[:offset] if high else inside[size:], name))
        return inside[offset : offset + size].view(dtype).reshape(shape)
