"""Arrays in GPU memory, and GPU timing, through the installed array library: PyTorch or CuPy."""

import numpy as np


class TorchGpu:
    def __init__(self):
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError("PyTorch sees no GPU")
        self.torch = torch

    def describe(self):
        about = self.torch.cuda.get_device_properties(0)
        return {
            "device": f"{about.name}, sm_{about.major}{about.minor}, {about.multi_processor_count} multiprocessors",
            "torch": self.torch.__version__,
        }

    def to_device(self, array):
        return self.torch.from_numpy(np.array(array)).cuda()

    def to_host(self, array):
        return array.cpu().numpy()

    def copy(self, target, source):
        target.copy_(source)

    def read(self, source):
        """Read every byte: the memory-bandwidth baseline of the loss."""
        return source.view(self.torch.int32).amax()

    def operator(self, operation, p, upstream, input, target, weight):
        """Return a call of PyTorch's operator as a function of no arguments."""
        if operation == "forward":
            return lambda: self.torch.nn.functional.multi_margin_loss(input, target, p, 1.0, weight)
        backward = self.torch.ops.aten.multi_margin_loss_backward
        return lambda: backward(upstream, input, target, p, 1.0, weight)

    def record_event(self):
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds_between(self, first, last):
        last.synchronize()
        return first.elapsed_time(last) / 1e3


class CupyGpu:
    def __init__(self):
        import cupy

        try:
            cupy.cuda.runtime.getDevice()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise RuntimeError(f"CuPy sees no GPU: {error}") from error
        self.cupy = cupy

    def describe(self):
        about = self.cupy.cuda.runtime.getDeviceProperties(0)
        return {
            "device": f"{about['name'].decode()}, sm_{about['major']}{about['minor']}, "
            f"{about['multiProcessorCount']} multiprocessors",
            "cupy": self.cupy.__version__,
        }

    def to_device(self, array):
        return self.cupy.asarray(array)

    def to_host(self, array):
        return self.cupy.asnumpy(array)

    def copy(self, target, source):
        target[...] = source

    def read(self, source):
        """Read every byte: the memory-bandwidth baseline of the loss."""
        return source.view(self.cupy.int32).max()

    def record_event(self):
        event = self.cupy.cuda.Event()
        event.record()
        return event

    def seconds_between(self, first, last):
        last.synchronize()
        return self.cupy.cuda.get_elapsed_time(first, last) / 1e3


def find_gpu():
    """Return the GPU of the first array library that sees one, or raise RuntimeError with the reasons."""
    reasons = []
    for array_library in (TorchGpu, CupyGpu):
        try:
            return array_library()
        except (ImportError, OSError, RuntimeError) as error:
            reasons.append(str(error))
    raise RuntimeError(f"no GPU is available: {'; '.join(reasons)}")
