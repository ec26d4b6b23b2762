"""Runs the kernel library over the cases in a process of its own and prints one hash of every bit that came out.

usage: fingerprint.py LIBRARY [plain|low|high]

`low` and `high` put each array against a page that may not be touched, below it or above: a byte read or written
outside an array ends the process. The tests run this for each number of threads and instruction set, and under the
sanitizers.
"""

import ctypes
import hashlib
import mmap
import sys

import numpy as np
from cases import DTYPES, POWERS, Inputs, cases, large_cases
from kernel_library import EntryPoints

PROT_NONE = 0
_mappings = []


def between_guards(array, high):
    """A copy of an array that begins or ends where an untouchable page does."""
    page = mmap.PAGESIZE
    size = -(-max(array.nbytes, 1) // page) * page
    mapping = mmap.mmap(-1, size + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    for guard in (start, start + page + size):
        if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(guard), page, PROT_NONE) != 0:
            raise OSError(ctypes.get_errno(), "mprotect failed")
    _mappings.append(mapping)
    offset = page + (size - array.nbytes if high else 0)
    copy = np.frombuffer(mapping, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    return copy


PLACES = {
    "plain": np.array,
    "low": lambda array: between_guards(array, high=False),
    "high": lambda array: between_guards(array, high=True),
}


def special_cases():
    """Rows of NaN, infinities, subnormal and largest numbers, whose bits must not depend on the machine either."""
    rng = np.random.default_rng(1)
    for dtype in DTYPES.values():
        info = np.finfo(dtype)
        values = [np.inf, -np.inf, 0.0, -0.0, info.smallest_subnormal, info.tiny, info.max, -info.max, 1.0]
        scores = rng.choice(np.array(values, dtype), (64, 37))
        scores[::7, 5] = np.nan
        for p in POWERS:
            yield Inputs(scores, rng.integers(0, 37, 64), None, p, 1, "none"), np.ones(64, dtype)


def main(path, place):
    library = EntryPoints(path, PLACES[place])
    if library.instruction_set() is None:  # the one asked for is not to be had here
        print(None, None)
        return
    digest = hashlib.sha256()
    pairs = [(case.inputs(), case.dout()) for case in cases() + large_cases()]
    for inputs, dout in [*pairs, *special_cases()]:
        results = [library.loss(inputs), library.gradient(inputs, dout), library.weight_gradient(inputs, dout)]
        for result in results:
            digest.update(np.where(np.isnan(result), np.nan, result).astype(result.dtype).tobytes())
        _mappings.clear()
    print(library.instruction_set(), digest.hexdigest())


if __name__ == "__main__":
    main(sys.argv[1], *(sys.argv[2:] or ["plain"]))
