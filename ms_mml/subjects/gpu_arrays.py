"""The entry points of the GPU's library, for NumPy's arrays: they are copied to the GPU for a call, and back."""

import os
import random

import numpy as np

from conformance.subjects.base import NotAvailable
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.gpu_memory import gpu

# What lies on either side of an array, and how many bytes of it; none where something else watches the memory beyond.
PATTERN, BESIDE = 0xA5, int(os.environ.get("MS_MML_BESIDE", "512"))


class OnGpu(CtypesLibrary):
    def __init__(self, path):
        try:
            self.gpu = gpu()
        except RuntimeError as error:
            raise NotAvailable(str(error)) from error
        self.random = random.Random(0)
        super().__init__(path)

    def prepare(self, symbol, *arrays):
        """The call as a function of no arguments. Arrays may start anywhere: at a boundary of 16 bytes or beside it."""
        prepare = super().prepare

        def call():
            placed = [_Placed(self.gpu, array, self.random.choice((0, array.itemsize))) for array in arrays]
            prepare(symbol, *placed)()
            for array, copy in zip(arrays, placed):
                copy.fetch(array)

        return call


class _Placed:
    """A copy of an array in the GPU's memory, among bytes that nobody may write."""

    def __init__(self, gpu, array, shift):
        self.gpu, self.here = gpu, slice(BESIDE + shift, BESIDE + shift + array.nbytes)
        image = np.full(self.here.stop + BESIDE, PATTERN, np.uint8)
        image[self.here] = np.frombuffer(array.tobytes(), np.uint8)
        self.buffer = gpu.to_device(image)
        address = self.buffer.__cuda_array_interface__["data"][0] + self.here.start
        self.__cuda_array_interface__ = {
            "data": (address, False),
            "shape": array.shape,
            "typestr": array.dtype.str,
            "version": 3,
        }

    def fetch(self, array):
        image = self.gpu.to_host(self.buffer)
        if (image[: self.here.start] != PATTERN).any() or (image[self.here.stop :] != PATTERN).any():
            raise RuntimeError("memory beside an array was written")
        array[...] = image[self.here].view(array.dtype).reshape(array.shape)
