"""What is installed here, what would run on each device target, and whether it works."""

import ctypes
import importlib.metadata
import platform
import sys

import mindspore
import numpy as np

from ms_mml import library
from ms_mml.functional import multi_margin_loss

EXPECTED = np.float32(2 / 3)  # the example of the documented page


def info():
    """The lines of `python -m ms_mml info`."""
    lines = [f"ms_mml {importlib.metadata.version('ms-mml')}"]
    lines += [f"python {platform.python_version()} {sys.executable}"]
    lines += [f"{name} {importlib.metadata.version(name)}" for name in ("mindspore", "numpy")]
    lines += [f"device target {mindspore.get_context('device_target')}"]
    for target in library.TARGETS:
        found = library.find(target)
        lines.append(f"{target} kernels: {found.path or 'missing'}")
        if found.path is None:
            lines.append(f"    why: {found.reason}; runs as MindSpore operators (composite)")
            lines.append(f"    built by: {found.build}")
        else:
            lines += [f"    {name}: {_text(value)}" for name, value in found.facts.items()]
            lines.append(f"    instruction set in use: {_instruction_set(found.path)}")
    return lines


def _text(value):
    return ", ".join(value) if isinstance(value, list) else value


def _instruction_set(path):
    name = ctypes.CDLL(path).MultiMarginLossInstructionSet
    name.restype = ctypes.c_char_p
    found = name()
    return found.decode() if found else "none: MS_MML_INSTRUCTION_SET asks for one that this processor lacks"


def run_check():
    """
    Run the documented example on this device in graph and PyNative mode, and print what was found.

    Raises:
        RuntimeError: If a result is not the documented one.

    Examples:
        >>> import ms_mml
        >>> ms_mml.run_check()  # doctest: +ELLIPSIS
        ms_mml version: ...
        MindSpore version: ...
        Kernels: ...
        The loss of the documented example is correct in graph mode and in PyNative mode on platform [CPU].
    """
    target = mindspore.get_context("device_target")
    print("ms_mml version:", importlib.metadata.version("ms-mml"))
    print("MindSpore version:", mindspore.__version__)
    print("Kernels:", library.choose() or "none for this platform; MindSpore operators")

    def example(inputs, labels, weight):
        return multi_margin_loss(inputs, labels, weight=weight)

    arguments = (
        mindspore.Tensor(np.ones((3, 3)), mindspore.float32),
        mindspore.Tensor(np.array([1, 2, 1]), mindspore.int64),
        mindspore.Tensor(np.ones(3), mindspore.float32),
    )
    for mode, function in (("graph", mindspore.jit(example)), ("PyNative", example)):
        output = function(*arguments).asnumpy()
        if output != EXPECTED:
            raise RuntimeError(f"For 'run_check', the loss must be {EXPECTED}, but got {output} in {mode} mode.")
    print(f"The loss of the documented example is correct in graph mode and in PyNative mode on platform [{target}].")
