"""Subjects with one defect each, mostly for inputs of one shape, and a case with a time limit of two seconds."""

import ctypes
import mmap
import os
import signal
import threading
import time

import numpy as np

from conformance.cases.values import ValueCase
from conformance.subjects.base import NotAvailable
from conformance.subjects.numpy import NumPy


class ShortCase(ValueCase):
    seconds = 2


class Broken(NumPy):
    """It misbehaves for inputs of shape (5, 4) and is correct for all others."""

    def loss(self, input, target, **options):
        result = super().loss(input, target, **options)
        return self.misbehave(input, result) if input.shape == (5, 4) else result


class HasModes(NumPy):
    """It is correct; only its legs matter."""

    modes = ("graph", "pynative")


class Segfaults(Broken):
    def misbehave(self, input, result):
        os.kill(os.getpid(), signal.SIGSEGV)


class DiesLater(Broken):
    """It dies half a second after it has answered."""

    def misbehave(self, input, result):
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGSEGV)).start()
        return result


class Exits(Broken):
    def misbehave(self, input, result):
        os._exit(3)


class Hangs(Broken):
    def misbehave(self, input, result):
        time.sleep(60)


class WritesNextToItsResult(Broken):
    """It writes one byte on the side without a guard page."""

    def misbehave(self, input, result):
        placed = self.memory.result(result.shape, result.dtype)
        placed[...] = result
        begins_at_guard = placed.ctypes.data % mmap.PAGESIZE == 0
        ctypes.memset(placed.ctypes.data + (placed.nbytes if begins_at_guard else -1), 0, 1)
        return placed


class WritesBeyondItsResult(Broken):
    """It writes one byte past the end of its result: in the first round, into the guard page."""

    def misbehave(self, input, result):
        placed = self.memory.result(result.shape, result.dtype)
        placed[...] = result
        ctypes.memset(placed.ctypes.data + placed.nbytes, 0, 1)
        return placed


class ReadsBeyondItsInput(Broken):
    def misbehave(self, input, result):
        ctypes.string_at(input.ctypes.data + input.nbytes, 1)
        return result


class LeavesItsResultUnwritten(Broken):
    def misbehave(self, input, result):
        return self.memory.result(result.shape, result.dtype)


class LeavesOneElementUnwritten(Broken):
    """One of the two poisons is accepted as the right value; the other one reveals the defect."""

    def misbehave(self, input, result):
        placed = self.memory.result(result.shape, result.dtype)
        placed[1:] = result[1:]
        placed[0] = result[0] if placed[0] > 0 else placed[0]
        return placed


class ReturnsFloat64(Broken):
    def misbehave(self, input, result):
        return result.astype(np.float64)


class ReturnsGarbage(Broken):
    def misbehave(self, input, result):
        return np.full(result.shape, 1e300)


class ReturnsAnotherShape(Broken):
    def misbehave(self, input, result):
        return result[:, None]


class ReturnsNothing(Broken):
    def misbehave(self, input, result):
        return None

    def to_host(self, result):
        if result is None:
            raise TypeError("there is no result")
        return super().to_host(result)


class ReturnsAnObject(Broken):
    def misbehave(self, input, result):
        return [object()]


class WritesAndRefuses(Broken):
    def misbehave(self, input, result):
        input[...] = 0
        raise NotImplementedError("this shape is not supported")


class LosesItsDevice(Broken):
    lost = False

    def loss(self, input, target, **options):
        if self.lost:
            raise RuntimeError("the device is lost")
        return super().loss(input, target, **options)

    def misbehave(self, input, result):
        self.lost = True
        raise RuntimeError("assertion on the device")


class Refuses(Broken):
    def misbehave(self, input, result):
        raise NotImplementedError("this shape is not supported")


class PrintsAndRefuses(Refuses):
    def misbehave(self, input, result):
        print("from Python")
        ctypes.CDLL(None).printf(b"from C\n")
        return super().misbehave(input, result)


class RefusesAsDocumented(Refuses):
    limits = {"float32": "its README, 'Limits'"}  # noqa: RUF012


class IsMissing(NumPy):
    def __init__(self, target, mode):
        raise NotAvailable("its library is missing; install it: make library")


class DiesAtOnce(NumPy):
    def __init__(self, target, mode):
        os.kill(os.getpid(), signal.SIGABRT)
