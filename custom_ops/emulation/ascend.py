"""An Ascend as MindSpore and CANN would show it, where there is none.

The device target says so, an op package lies where CANN's would, and its operators are the emulated kernels, which
MindSpore's CPU calls as functions of Python.
"""

import json
import types

import numpy as np
from mindspore import ops

from ms_mml import library

CHIP = "ascend910b"
DEVICE = types.SimpleNamespace(device_target="Ascend")  # for mindspore.get_current_device


def install(folder, chip=CHIP, operators=library.OPERATORS):
    """Leave in a folder what tells MindSpore of an op package's operators."""
    config = folder / "op_impl" / "ai_core" / "tbe" / "config" / chip
    config.mkdir(parents=True)
    config.joinpath(f"aic-{chip}-ops-info.json").write_text(json.dumps({name: {} for name in operators}))
    return folder


def operators(kernels, called=None):
    """What makes operators of emulated kernels, in the place of ms_mml.ascend.operator; their names are added to
    `called` when they run."""

    def call(name, output, *inputs):
        kernels.prepare(name, *map(np.ascontiguousarray, inputs), output)()
        if called is not None:
            called.append(name)
        return output

    def operator(name, out_shape, out_dtype, bprop):
        def rows(input, target, margin):  # MindSpore counts the parameters
            return call(name, np.empty(target.shape, np.float32), input, target, margin)

        def slopes(factor, input, target, margin):
            return call(name, np.empty_like(input), factor, input, target, margin)

        return ops.Custom(rows if "Rows" in name else slopes, out_shape, out_dtype, "pyfunc", bprop)

    return operator
