"""Kernel libraries in a process of another kind, through the driver beside this file."""

import pathlib
import struct
import subprocess

import numpy as np

from ms_mml.ctypes_interface import CtypesLibrary

DRIVER = pathlib.Path(__file__).with_name("driver.c")


def encoded(symbol, arrays):
    """A call as the driver reads it."""
    parts = [_text(symbol), _integers(len(arrays))]
    for array in arrays:
        parts += [_text(str(array.dtype)), _integers(array.ndim, *array.shape), array.tobytes()]
    return b"".join(parts)


def _integers(*values):
    return struct.pack(f"={len(values)}q", *values)


def _text(text):
    return _integers(len(text)) + text.encode()


class Driven(CtypesLibrary):
    """The entry points of a library that the driver has opened; `command` runs the driver, and names the library."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.name = self._read_text()

    def instruction_set(self):
        return self.name

    def prepare(self, symbol, *arrays):
        """The call as a function of no arguments; its output goes into the last array."""

        def call():
            self.process.stdin.write(encoded(symbol, arrays))
            self.process.stdin.flush()
            message = self._read_text()
            output = arrays[-1]
            output[...] = np.frombuffer(self._read(output.nbytes), output.dtype).reshape(output.shape)
            if message:
                raise RuntimeError(message)

        return call

    def _read_text(self):
        return self._read(struct.unpack("=q", self._read(8))[0]).decode()

    def _read(self, size):
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise EOFError(f"the driver ended with exit code {self.process.wait()}")
        return data
