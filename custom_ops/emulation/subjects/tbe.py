"""The TBE kernels for Ascend on a stand-in for the DSL (custom_ops/emulation/tbe), which refuses what CANN refuses."""

import importlib
import pathlib
import sys

import numpy as np

from custom_ops.emulation.subjects.row_kernels import SINGLE, Rows

EMULATION = pathlib.Path(__file__).parents[1]


class TbeEmulated(Rows):
    module = "custom_ops.ascend.tbe.multi_margin_loss"  # of the kernels
    lacks = {**Rows.lacks, "huge": "CANN documents shapes of up to 2**31 elements"}  # noqa: RUF012

    def __init__(self, target, mode):
        if str(EMULATION) not in sys.path:
            sys.path.insert(0, str(EMULATION))  # where `tbe`, the stub of CANN's package, is
        from tbe import emulated

        self.emulated = emulated
        self.kernels = importlib.import_module(self.module)

    def environment(self):
        return {**super().environment(), "device": self.emulated.DEVICE}

    def row_sums(self, p, input, target, margin):
        return self.run(f"rows_p{p}", target.shape, SINGLE, *_gathered(input, target, margin))

    def slopes(self, p, factor, input, target, margin):
        gathered = _gathered(input, target, margin)
        kernel = "slope_sums_p1" if p == 1 else "rows_p1"  # a slope is twice the hinge where p is 2
        own = -factor * SINGLE(p) * self.run(kernel, target.shape, SINGLE, *gathered)
        return self.run(f"slopes_p{p}", input.shape, input.dtype, *gathered, factor[:, None], own[:, None])

    def run(self, name, shape, dtype, *arrays):
        """Builds the kernel for these shapes, as CANN does, and runs it. CANN takes no empty tensors: a row of zeros
        stands for no rows."""
        rows = shape[0]
        if rows == 0:
            shape, arrays = (1, *shape[1:]), [np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays]
        name = f"multi_margin_loss_{name}"
        described = [_described(array.shape, array.dtype) for array in arrays]
        getattr(self.kernels, name)(*described, _described(shape, np.dtype(dtype)), kernel_name=name)
        return self.emulated.launch(name, *arrays)[:rows]


def _described(shape, dtype):
    """A tensor, as CANN tells a kernel of it."""
    return {"shape": shape, "ori_shape": shape, "format": "ND", "ori_format": "ND", "dtype": str(dtype)}


def _gathered(input, target, margin):
    """The kernels' first four inputs: what takes indices, MindSpore's operators do before."""
    in_range = target >= 0
    wrong = in_range[:, None] & (np.arange(input.shape[1]) != target[:, None])
    picked = input[np.arange(len(target)), np.where(in_range, target, 0)].astype(SINGLE)[:, None]
    high = margin[0] - picked  # two_sum of hinge.h
    seen = high - margin[0]
    low = ((margin[0] - (high - seen)) - (picked + seen)) + margin[1]
    low = np.where(low - low == 0, low, SINGLE(0))
    return input, high, low, wrong.astype(SINGLE)
