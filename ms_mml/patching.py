"""`patch` and `unpatch`: replace MindSpore's own function and layer, for code that uses only MindSpore's names."""

import contextlib
import sys
import types

from mindspore import nn, ops

from ms_mml.functional import multi_margin_loss
from ms_mml.layer import MultiMarginLoss

BUILT_IN = (ops.multi_margin_loss, nn.MultiMarginLoss)
OURS = (multi_margin_loss, MultiMarginLoss)


def patch():
    """
    Replace `mindspore.ops.multi_margin_loss` and `mindspore.nn.MultiMarginLoss` with
    :func:`ms_mml.multi_margin_loss` and :class:`ms_mml.MultiMarginLoss` in every module of MindSpore that has them. A
    second call changes nothing.

    Code that looks up these names in MindSpore afterwards gets the replacements. Names imported earlier, for example
    with ``from mindspore.ops import multi_margin_loss`` , still refer to MindSpore's versions, and so do existing
    layers, subclasses, and networks compiled in graph mode. So call `patch` before importing the code that should use
    the replacements. In MindSpore 2.7, a class ``MultiMarginLoss`` that was imported earlier cannot be instantiated
    while patched, because its constructor looks up its own name. `mindspore.ops.MultiMarginLoss` , the
    primitive, is not replaced.

    The replacements check their arguments as documented: a margin must not be a bool or infinite, and the layer's
    constructor refuses a weight that no call could use. At the level ``'auto'`` of `mindspore.amp` , scores may be cast
    to float16, and then the loss is float16, rounded once; MindSpore's own operator is on `amp` 's list of operators to
    run in float32.

    Returns:
        A context manager. On exit it restores the state before this call: MindSpore's versions, or the replacements.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not yet tested on a device

    Examples:
        >>> import mindspore as ms
        >>> import numpy as np
        >>> from mindspore import nn, ops
        >>> import ms_mml
        >>> x = ms.Tensor(np.ones(shape=[3, 3]), ms.float16)
        >>> target = ms.Tensor(np.array([1, 2, 1]), ms.int64)
        >>> with ms_mml.patch():
        ...     print(ops.multi_margin_loss(x, target, reduction='sum'), nn.MultiMarginLoss(p=2)(x, target))
        2.0 0.6665
        >>> ops.multi_margin_loss is ms_mml.multi_margin_loss
        False
    """
    restore = contextlib.ExitStack()
    restore.callback(patch if ops.multi_margin_loss is multi_margin_loss else unpatch)
    _replace(BUILT_IN, OURS)
    return restore


def unpatch():
    """
    Restore MindSpore's own function and layer, the same objects as before :func:`ms_mml.patch`, in every module of
    MindSpore. If MindSpore is not patched, this changes nothing.

    Names imported, layers built and networks compiled while MindSpore was patched still refer to the replacements.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not yet tested on a device

    Examples:
        >>> from mindspore import nn
        >>> import ms_mml
        >>> built_in = nn.MultiMarginLoss
        >>> _ = ms_mml.patch()
        >>> nn.MultiMarginLoss is ms_mml.MultiMarginLoss
        True
        >>> ms_mml.unpatch()
        >>> nn.MultiMarginLoss is built_in
        True
    """
    _replace(OURS, BUILT_IN)


def _replace(old, new):
    """Rebind every name in MindSpore's modules that is bound to one of `old` to its counterpart in `new`.

    Each call searches all modules, because modules imported since the last call copy the names from others. It searches
    each module's dictionary, because a module's `__getattr__` may import further modules.
    """
    replacement = {id(before): after for before, after in zip(old, new)}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "mindspore" and isinstance(module, types.ModuleType):
            for attribute, value in list(vars(module).items()):
                if id(value) in replacement:
                    setattr(module, attribute, replacement[id(value)])
