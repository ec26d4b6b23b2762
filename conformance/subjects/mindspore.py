"""The base class of subjects that are functions of MindSpore tensors, and MindSpore's own operator."""

import importlib.metadata
import os

from conformance.cases.base import SIGNATURE
from conformance.leg import DEVICE_TARGETS, MODES
from conformance.subjects.base import NotAvailable, Subject


class MindSporeFunction(Subject):
    """A function with the signature of `mindspore.ops.multi_margin_loss`, for both modes.

    In graph mode it is called from a compiled Cell, in PyNative mode directly.
    """

    targets = tuple(DEVICE_TARGETS)
    modes = MODES

    def __init__(self, target, mode):
        os.environ.setdefault("GLOG_v", "4")
        try:
            import mindspore
        except ImportError as error:
            raise NotAvailable(f"{error}; install it: pip install mindspore") from error
        try:
            mindspore.set_context(device_target=target)
            mindspore.ops.zeros((1,)).asnumpy()
        except Exception as error:
            reason = next(line for line in str(error).splitlines() if line.strip())
            raise NotAvailable(
                f"MindSpore {mindspore.__version__} cannot use device target {target}: {reason}"
            ) from error
        mindspore.set_context(mode=getattr(mindspore, f"{mode.upper()}_MODE"))
        # The public mindspore.runtime.synchronize does nothing on CPU. The executor's own module has moved between
        # versions, with a warning.
        from mindspore.nn.cell import _pynative_executor

        from conformance.subjects import networks

        self._executor = _pynative_executor
        self.mindspore, self.mode, self.target, self.networks = mindspore, mode, target, networks
        self.function = self.find()
        self._cells, self._last = {}, None

    def find(self):
        """The function under test."""
        raise NotImplementedError

    def environment(self):
        versions = {name: importlib.metadata.version(name) for name in ("mindspore", "numpy")}
        return {**versions, "device": self.mindspore.get_context("device_target")}

    def to_device(self, array):
        return self.mindspore.Tensor(array)

    def to_host(self, result):
        return result.asnumpy()

    def synchronize(self):
        self._executor.sync()

    def recover(self):
        """Discard the last Cell: once a compiled Cell has raised an error, every later call raises too."""
        self._cells.pop(self._last, None)

    def _cell(self, gradient, weighted, by_position, options):
        """The Cell for these options. It is shared by all shapes, so that MindSpore compiles each shape once."""
        typed = sorted((name, type(value).__name__, repr(value)) for name, value in options.items())
        key = self._last = (gradient, weighted, by_position, *typed)
        if key not in self._cells:
            if by_position:
                cell = self.networks.PositionalNetwork(self.function, **options)
            else:
                cell = self.networks.Network(self.function, options, weighted)
            self._cells[key] = self.networks.Gradient(cell) if gradient else cell
        return self._cells[key]

    def _call_cell(self, gradient, arguments, options, *dout):
        by_position = len(arguments) == len(SIGNATURE)
        options = {**dict(zip(SIGNATURE, arguments)), **options}
        if not {"input", "target"} <= set(options):  # a Cell's own parameters would hide what is missing
            return self.function(**options)
        weight = options.pop("weight", None)
        tensors = [options.pop("input"), options.pop("target"), *([] if weight is None else [weight])]
        return self._cell(gradient, weight is not None, by_position, options)(*tensors, *dout)

    def loss(self, *arguments, **options):
        if self.mode == "pynative":
            return self.function(*arguments, **options)
        return self._call_cell(False, arguments, options)

    def gradient(self, dout, *arguments, **options):
        gradients = self._call_cell(True, arguments, options, dout)
        return gradients[0], gradients[2] if len(gradients) > 2 else None


class BuiltIn(MindSporeFunction):
    def find(self):
        return self.mindspore.ops.multi_margin_loss
