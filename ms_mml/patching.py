"""The operator in the place of MindSpore's own, for code that is written against MindSpore alone."""

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
    Put :func:`ms_mml.multi_margin_loss` and :class:`ms_mml.MultiMarginLoss` in the place of
    `mindspore.ops.multi_margin_loss` and `mindspore.nn.MultiMarginLoss`, wherever MindSpore binds them. To do so again
    changes nothing.

    Code that looks them up in MindSpore from then on finds ours. What is taken before stays MindSpore's: names bound
    by ``from mindspore.ops import multi_margin_loss`` , layers built, subclasses, and networks that graph mode has
    compiled. So call it before the imports of the code that it is meant for. MindSpore 2.7 cannot build its own layer
    meanwhile, of a name taken before, as that layer looks itself up. `mindspore.ops.MultiMarginLoss`, the operator
    beneath, stays too.

    What ours asks of its arguments, it asks in their place too: a bool is no margin, nor is infinity, and a weight that
    no call could use is refused when the layer is built. Where `mindspore.amp` makes the scores float16 at its level
    ``'auto'`` , their loss is float16, rounded once; of MindSpore's own operator `amp` knows that it is to be float32.

    Returns:
        A context manager which, when it is left, restores what this call found: MindSpore's own, or ours.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not run on a device yet

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
    Put MindSpore's own function and layer back, the very objects, wherever MindSpore binds ours. Without a
    :func:`ms_mml.patch` before, it changes nothing.

    Names taken, layers built and networks compiled in between stay ours.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not run on a device yet

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
    """Bind `new` to every name that is bound to `old` in a module of MindSpore.

    The names are looked for anew each time: a module that was imported in between has them from others. They are looked
    for in what a module has, as its `__getattr__` would import more.
    """
    replacement = {id(before): after for before, after in zip(old, new)}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "mindspore" and isinstance(module, types.ModuleType):
            for attribute, value in list(vars(module).items()):
                if id(value) in replacement:
                    setattr(module, attribute, replacement[id(value)])
