"""What is installed here, what would run on each device target, and whether it works."""

import importlib.metadata
import os
import platform
import sys

import mindspore
import numpy as np

from ms_mml import ascend, library
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.functional import multi_margin_loss

# The example of the documented page: all scores are 1, so every hinge is 1 and every slope 1 / C / N.
LOSS = np.float32(2 / 3)
GRADIENT = np.where(np.eye(3, dtype=bool)[[1, 2, 1]], np.float32(-2 / 9), np.float32(1 / 9))


def info():
    """The lines of `python -m ms_mml info`."""
    lines = [f"ms_mml {importlib.metadata.version('ms-mml')}"]
    lines += [f"python {platform.python_version()} {sys.executable}"]
    lines += [f"{name} {importlib.metadata.version(name)}" for name in ("mindspore", "numpy")]
    lines += [f"device target {mindspore.get_current_device().device_target}"]
    lines += [f"{library.ENVIRONMENT} {choice}" for choice in (os.environ.get(library.ENVIRONMENT),) if choice]
    for target in library.TARGETS:
        found = library.find(target)
        lines.append(f"{target} kernels: {found.path or 'missing'}")
        if found.path is None:
            lines.append(f"    why: {found.reason}; runs as MindSpore operators (composite)")
            lines.append(f"    build it with: {found.build}")
        else:
            lines += [f"    {name}: {_text(value)}" for name, value in found.build_info.items()]
            lines += [f"    instruction set in use: {_instruction_set(found.path)}"] if target == "CPU" else []
            lines += [f"    as MindSpore operators (composite): {ascend.WITHOUT_KERNEL}"] if target == "Ascend" else []
    return lines


def _text(value):
    return ", ".join(value) if isinstance(value, list) else value


def _instruction_set(path):
    name = CtypesLibrary(path).instruction_set()
    return name or "none: MS_MML_INSTRUCTION_SET asks for one that this processor lacks"


def run_check():
    """
    Run the documented example and its gradient on this device in graph and PyNative mode, and print what was found.

    Raises:
        RuntimeError: If a result is not as documented.

    Examples:
        >>> import ms_mml
        >>> ms_mml.run_check()  # doctest: +ELLIPSIS
        ms_mml version: ...
        MindSpore version: ...
        Kernels: ...
        The documented example and its gradient are correct in graph mode and in PyNative mode on platform [CPU].
    """
    target = mindspore.get_current_device().device_target
    print("ms_mml version:", importlib.metadata.version("ms-mml"))
    print("MindSpore version:", mindspore.__version__)
    kernels = library.choose()
    print("Kernels:", kernels.path if kernels else "none for this platform; MindSpore operators")

    def documented(inputs, labels, weight):
        return multi_margin_loss(inputs, labels, weight=weight)

    def example(inputs, labels, weight):
        return mindspore.value_and_grad(documented)(inputs, labels, weight)

    arguments = (
        mindspore.Tensor(np.ones((3, 3)), mindspore.float32),
        mindspore.Tensor(np.array([1, 2, 1]), mindspore.int64),
        mindspore.Tensor(np.ones(3), mindspore.float32),
    )
    for mode, function in (("graph", mindspore.jit(example)), ("PyNative", example)):
        loss, gradient = (result.asnumpy() for result in function(*arguments))
        if loss != LOSS or not np.array_equal(gradient, GRADIENT):
            raise RuntimeError(
                f"For 'run_check', the loss must be {LOSS} and its gradient {GRADIENT.tolist()}, "
                f"but got {loss} and {gradient.tolist()} in {mode} mode."
            )
    print(
        "The documented example and its gradient are correct in graph mode and in PyNative mode "
        f"on platform [{target}]."
    )
