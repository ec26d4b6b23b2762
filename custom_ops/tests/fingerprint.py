"""Runs the kernel library over the suite's cases, and over shapes large enough for threads to share, in a process of
its own, and prints one hash of all that came out.

usage: fingerprint.py [LIBRARY]

Every array lies against a page that may not be touched, first above it and then below. The tests run this for each
number of threads and instruction set, and under the sanitizers.
"""

import hashlib
import itertools
import pathlib
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).parents[2]))

from conformance.cases import all_cases
from conformance.cases.inputs import Inputs
from conformance.cases.values import POWERS, ValueCase
from conformance.guard import Memory
from conformance.worker import answer_case
from ms_mml.subjects.library import Library

SHARED = ((40_000, 10), (4000, 100), (400, 1000), (70, 20_000), (3, 200_000))


def shared_calls(subject):
    """The results of every operator on the shapes that threads share."""
    rng = np.random.default_rng(0)
    for (rows, classes), dtype, p in itertools.product(SHARED, ("f2", "f4", "f8"), POWERS):
        scores, weight = rng.standard_normal((rows, classes)).astype(dtype), rng.random(classes).astype(dtype)
        arguments = Inputs(scores, rng.integers(0, classes, rows), weight, p, 1, "mean").arguments()
        yield subject.loss(**arguments)
        yield from subject.gradient(np.ones((), dtype), **arguments)


def main(path=None):
    subject = Library("CPU", "", path)
    subject.memory = Memory()
    if subject.kernels.instruction_set() is None:  # the one asked for is not to be had here
        print(None, None)
        return
    digest = hashlib.sha256()
    for case in all_cases("quick"):
        if isinstance(case, ValueCase) and not case.needs & set(subject.lacks):
            for answer in answer_case(subject, case):
                array = np.zeros(0) if answer.error else answer.array
                digest.update(np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes())
                digest.update(repr((answer.error, answer.message, answer.wrote, answer.same)).encode())
    for result in shared_calls(subject):
        digest.update(np.asarray(result).tobytes())
    print(subject.kernels.instruction_set(), digest.hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
