"""The use of MindSpore's compilers: bytecode capture, arguments that are not constants, and what is being compiled."""

import sys
from typing import NamedTuple

from mindspore import Tensor, nn
from mindspore._c_expression import update_pijit_default_config
from mindspore.ops import constexpr

# ms.jit(capture_mode="bytecode") compiles the functions of MindSpore, of the caller's package and of the packages
# listed here. MindSpore has no public function for it.
update_pijit_default_config(allowed_inline_modules=[__name__.partition(".")[0]])


class Variable(NamedTuple):
    """An argument whose value is unknown during compilation."""

    type: str


def compile_time(function, compiling=None):
    """`constexpr`, but in graph mode an argument that is not a constant is a `Variable`, where `constexpr` passes None.

    `compiling`, if given, is called in place of `function` in graph mode.
    """
    compute = compiling or function

    class Operator(constexpr(function, check=False, get_instance=False)):
        def __infer__(self, *arguments):
            return {"dtype": None, "shape": None, "value": compute(*[_known(**argument) for argument in arguments])}

    return Operator()


def _known(value, dtype, **_):
    if not _has_variable(value, dtype):
        return value
    return Variable(type(value).__name__ if isinstance(value, (tuple, list, dict)) else str(dtype))


def _has_variable(value, dtype):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)) and isinstance(dtype, (tuple, list)):
        return any(map(_has_variable, value, dtype))
    # A variable Tensor comes as zeros of its shape.
    return isinstance(value, Tensor) or (value is None and dtype is not None)


def export_format():
    """The format, 'mindir', 'onnx' or 'air', if the network that is being compiled will be exported; otherwise None.

    MindSpore passes it to its compiler only, in the name of the phase.
    """
    for variables in _compilers():
        phase = str(variables.get("phase"))
        if phase.startswith("export."):
            return phase.split(".")[1]
    return None


def mixes_precision():
    """Whether the network that is being compiled, or a part of it, has mixed precision of the level 'auto'."""
    for variables in _compilers():
        network = variables.get("self")
        cells = [cell for _, cell in network.cells_and_names()] if isinstance(network, nn.Cell) else []
        if any(getattr(part, "amp_strategy", None) is not None for part in (*cells, getattr(network, "fn", None))):
            return True
    return False


def _compilers():
    """The local variables of MindSpore's functions that are compiling a network, the innermost first."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "compile" and frame.f_globals.get("__name__", "").startswith("mindspore."):
            yield frame.f_locals
        frame = frame.f_back
