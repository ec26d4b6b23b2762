"""The GPU library for NumPy arrays. Each call copies its arrays to the GPU, between guard bytes, and back."""

import os
import random

import numpy as np

from conformance.subjects.base import NotAvailable
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.gpu_memory import find_gpu

# The guard bytes on either side of an array. Under compute-sanitizer there are none: it watches the memory there.
PATTERN, GUARD_BYTES = 0xA5, int(os.environ.get("MS_MML_BESIDE") or "512")


class GuardedGpuLibrary(CtypesLibrary):
    def __init__(self, path):
        try:
            self.gpu = find_gpu()
        except RuntimeError as error:
            raise NotAvailable(str(error)) from error
        self.random = random.Random(0)
        super().__init__(path)

    def prepare(self, function, *arrays):
        """Return the call as a function of no arguments. Some copies start one element off a 16-byte boundary."""
        prepare = super().prepare

        def call():
            copies = [_GuardedCopy(self.gpu, array, self.random.choice((0, array.itemsize))) for array in arrays]
            prepare(function, *copies)()
            for array, copy in zip(arrays, copies):
                copy.copy_back(array)

        return call


class _GuardedCopy:
    """A copy of an array in GPU memory, between guard bytes that must not change."""

    def __init__(self, gpu, array, shift):
        self.gpu, self.inside = gpu, slice(GUARD_BYTES + shift, GUARD_BYTES + shift + array.nbytes)
        image = np.full(self.inside.stop + GUARD_BYTES, PATTERN, np.uint8)
        image[self.inside] = np.frombuffer(array.tobytes(), np.uint8)
        self.buffer = gpu.to_device(image)
        address = self.buffer.__cuda_array_interface__["data"][0] + self.inside.start
        self.__cuda_array_interface__ = {
            "data": (address, False),
            "shape": array.shape,
            "typestr": array.dtype.str,
            "version": 3,
        }

    def copy_back(self, array):
        image = self.gpu.to_host(self.buffer)
        if (image[: self.inside.start] != PATTERN).any() or (image[self.inside.stop :] != PATTERN).any():
            raise RuntimeError("the kernel wrote outside an array")
        array[...] = image[self.inside].view(array.dtype).reshape(array.shape)
