"""Calls a kernel library in a separate process, through the driver program in driver.c.

The driver may be built for another processor (aarch64 under qemu) or with sanitizers, so this process never loads the
library.
"""

import pathlib
import struct
import subprocess

import numpy as np

from ms_mml.ctypes_interface import CtypesLibrary

DRIVER = pathlib.Path(__file__).with_name("driver.c")


def encoded(symbol, arrays):
    """A call in the driver's input format."""
    parts = [_text(symbol), _integers(len(arrays))]
    for array in arrays:
        parts += [_text(str(array.dtype)), _integers(array.ndim, *array.shape), array.tobytes()]
    return b"".join(parts)


def _integers(*values):
    return struct.pack(f"={len(values)}q", *values)


def _text(text):
    return _integers(len(text)) + text.encode()


class DrivenLibrary(CtypesLibrary):
    """A kernel library that a driver process has opened.

    `command` starts the driver with the library as its argument.
    """

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.name = self._read_text()

    def instruction_set(self):
        return self.name

    def prepare(self, symbol, *arrays):
        """Return the call as a function without arguments; it writes the output to the last array."""

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
