"""`run_check`: the documented example on this device."""

import mindspore
import numpy as np

import ms_mml
from ms_mml import library
from ms_mml.functional import multi_margin_loss

# The example of the documented page: all scores are 1, so every hinge is 1 and every slope 1 / C / N.
LOSS = np.float32(2 / 3)
GRADIENT = np.where(np.eye(3, dtype=bool)[[1, 2, 1]], np.float32(-2 / 9), np.float32(1 / 9))


def run_check():
    """
    Run the documented example and its gradient on this device in graph and PyNative mode, and print the result.

    Raises:
        RuntimeError: If the loss or its gradient differs from the documented value.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not yet tested on a device

    Examples:
        >>> import ms_mml
        >>> ms_mml.run_check()  # doctest: +ELLIPSIS
        ms_mml version: ...
        MindSpore version: ...
        Kernels: ...
        The documented example and its gradient are correct in graph mode and in PyNative mode on platform [CPU].
    """
    target = mindspore.get_current_device().device_target
    print("ms_mml version:", ms_mml.__version__)
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
