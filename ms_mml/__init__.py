"""A correct, deterministic drop-in for MindSpore's multi-margin loss.

Importing this package imports neither MindSpore nor NumPy: the first use of a name below does.
"""

import importlib

_DEFINED_IN = {
    "MultiMarginLoss": "layer",
    "composite": "fallback",
    "multi_margin_loss": "functional",
    "patch": "patching",
    "run_check": "info",
    "unpatch": "patching",
}
__all__ = [*_DEFINED_IN]


def __getattr__(name):
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("ms-mml")
    if name not in _DEFINED_IN:
        raise AttributeError(f"module 'ms_mml' has no attribute '{name}'")
    try:
        module = importlib.import_module(f"ms_mml.{_DEFINED_IN[name]}")
    except ModuleNotFoundError as error:
        if error.name != "mindspore":
            raise
        raise ModuleNotFoundError(
            f"ms_mml.{name} needs MindSpore, which is not installed. Install it: pip install 'mindspore>=2.7,<2.11'",
            name="mindspore",
        ) from error
    globals()[name] = value = getattr(module, name)
    return value


def __dir__():
    return sorted({*globals(), *__all__, "__version__"})
