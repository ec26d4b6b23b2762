"""Simulates a machine with an Ascend for ms_mml: the device target, the installed op package, and its operators.

The operators call the emulated Ascend C kernels, as Python functions on MindSpore's CPU.
"""

import json
import types

import numpy as np
from mindspore import ops

from ms_mml import library

CHIP = "ascend910b"
DEVICE = types.SimpleNamespace(device_target="Ascend")  # the result of mindspore.get_current_device


def install(folder, chip=CHIP, operators=library.OPERATORS):
    """Write the file by which MindSpore finds an op package's operators."""
    config = folder / "op_impl" / "ai_core" / "tbe" / "config" / chip
    config.mkdir(parents=True)
    config.joinpath(f"aic-{chip}-ops-info.json").write_text(json.dumps({name: {} for name in operators}))
    return folder


def operator_factory(kernels, called=None):
    """Return a replacement for ms_mml.ascend.operator that makes operators of emulated kernels.

    Each operator appends its name to `called` when it runs.
    """

    def call(name, output, *inputs):
        kernels.prepare(name, *map(np.ascontiguousarray, inputs), output)()
        if called is not None:
            called.append(name)
        return output

    def operator(name, out_shape, out_dtype, bprop):
        def rows(input, target, margin):  # no *arguments: MindSpore counts the parameters
            return call(name, np.empty(target.shape, np.float32), input, target, margin)

        def slopes(factor, input, target, margin):
            return call(name, np.empty_like(input), factor, input, target, margin)

        return ops.Custom(rows if "Rows" in name else slopes, out_shape, out_dtype, "pyfunc", bprop)

    return operator
