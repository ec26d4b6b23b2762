"""The TBE kernels run with a stub of CANN's DSL (custom_ops/emulation/tbe), which refuses what CANN refuses."""

import pathlib
import sys

import numpy as np

from custom_ops.emulation.subjects.row_kernels import SINGLE, RowKernels

EMULATION = pathlib.Path(__file__).parents[1]  # holds `tbe`, the stub of CANN's package


class TbeEmulated(RowKernels):
    lacks = {**RowKernels.lacks, "huge": "CANN documents shapes of up to 2**31 elements"}  # noqa: RUF012

    def __init__(self, target, mode):
        if str(EMULATION) not in sys.path:
            sys.path.insert(0, str(EMULATION))
        from tbe import emulated

        from custom_ops.ascend.tbe import multi_margin_loss

        self.emulated, self.kernels = emulated, multi_margin_loss

    def environment(self):
        return {**super().environment(), "device": self.emulated.DEVICE}

    def row_sums(self, p, input, target, margin):
        return self.run(f"rows_p{p}", target.shape, SINGLE, *_gathered(input, target, margin))

    def slopes(self, p, factor, input, target, margin):
        gathered = _gathered(input, target, margin)
        kernel = "slope_sums_p1" if p == 1 else "rows_p1"  # for p = 2 a slope is twice the hinge
        own = -factor * SINGLE(p) * self.run(kernel, target.shape, SINGLE, *gathered)
        return self.run(f"slopes_p{p}", input.shape, input.dtype, *gathered, factor[:, None], own[:, None])

    def run(self, name, shape, dtype, *arrays):
        """Build the kernel for these shapes, as CANN does, and run it.

        CANN takes no empty tensors, so an empty batch runs with one row of zeros.
        """
        rows = shape[0]
        if rows == 0:
            shape, arrays = (1, *shape[1:]), [np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays]
        name = f"multi_margin_loss_{name}"
        described = [_described(array.shape, array.dtype) for array in arrays]
        getattr(self.kernels, name)(*described, _described(shape, np.dtype(dtype)), kernel_name=name)
        return self.emulated.launch(name, *arrays)[:rows]


def _described(shape, dtype):
    """A tensor in the form in which CANN describes it to a kernel."""
    return {"shape": shape, "ori_shape": shape, "format": "ND", "ori_format": "ND", "dtype": str(dtype)}


def _gathered(input, target, margin):
    """The first four inputs of every kernel; on Ascend, MindSpore's operators compute them."""
    in_range = target >= 0
    wrong = in_range[:, None] & (np.arange(input.shape[1]) != target[:, None])
    picked = input[np.arange(len(target)), np.where(in_range, target, 0)].astype(SINGLE)[:, None]
    high = margin[0] - picked  # two_sum of hinge.h
    seen = high - margin[0]
    low = ((margin[0] - (high - seen)) - (picked + seen)) + margin[1]
    low = np.where(low - low == 0, low, SINGLE(0))
    return input, high, low, wrong.astype(SINGLE)
