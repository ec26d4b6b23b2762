"""`patch` and `unpatch`: replace MindSpore's own function and layer, for code that uses only MindSpore's names."""

import sys
import threading
import types

from mindspore import nn, ops

from ms_mml.functional import multi_margin_loss
from ms_mml.layer import MultiMarginLoss

BOUND = (ops.multi_margin_loss, nn.MultiMarginLoss)  # after a reload, perhaps the replacements of an earlier import
BUILT_IN = tuple(getattr(bound, "_replaces", bound) for bound in BOUND)
OURS = (multi_margin_loss, MultiMarginLoss)
for _ours, _built_in in zip(OURS, BUILT_IN):
    _ours._replaces = _built_in


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
        A context manager. On exit it restores the state before this call: MindSpore's versions, or the replacements. If
        blocks overlap, in one thread or in several, the replacements stay until the last of them ends, which restores
        the state before the first.

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
    block = _Block()
    with _lock:
        _standing.add(block)
        _install(OURS)
    return block


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
    with _lock:
        _standing.clear()
        _install(BUILT_IN)


_lock = threading.RLock()
_standing = set()  # the calls of `patch` that are in force until `unpatch`; a call that becomes a block leaves the set
_outside = set()  # `_standing` when the first of the open blocks began, which the end of the last one restores
_open = 0  # the number of open blocks
_places = set()  # (module, attribute) for every name that was bound to one of the objects
_searched = {}  # module -> the number of its attributes when they were last searched


class _Block:
    """The context manager of `patch`. It may be entered several times, also while it is open.

    An exit without an entry ends the call of `patch`, as in `addCleanup(patch().__exit__, None, None, None)`.
    """

    def __init__(self):
        self.entered = 0

    def __enter__(self):
        global _open
        with _lock:
            self.entered += 1
            _standing.discard(self)
            if _open == 0:
                _outside.clear()
                _outside.update(_standing)
            _outside.discard(self)
            _open += 1
            _install(OURS)
        return self

    def __exit__(self, *_):
        global _open
        with _lock:
            if self.entered:
                self.entered -= 1
                _open -= 1
                if _open == 0:
                    _standing.clear()
                    _standing.update(_outside)
            else:
                _standing.discard(self)
                _outside.discard(self)
            _install(OURS if _open or _standing else BUILT_IN)


def _install(objects):
    """Bind every name in MindSpore's modules that is bound to any of these objects to its counterpart in `objects`."""
    _search_modules()
    replacement = dict(zip(map(id, BOUND + BUILT_IN + OURS), objects * 3))
    for module, attribute in _places:
        value = vars(module).get(attribute)
        if id(value) in replacement:
            setattr(module, attribute, replacement[id(value)])


def _search_modules():
    """Add the places in modules that are new, or have new attributes, since the last search.

    It reads each module's dictionary, because a module's `__getattr__` may import further modules.
    """
    objects = {id(value) for value in BOUND + BUILT_IN + OURS}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "mindspore" and isinstance(module, types.ModuleType):
            attributes = vars(module)
            if _searched.get(module) != len(attributes):
                _searched[module] = len(attributes)
                _places.update((module, name) for name, value in list(attributes.items()) if id(value) in objects)
