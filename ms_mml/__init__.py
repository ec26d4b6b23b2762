"""A correct, deterministic drop-in for MindSpore's multi-margin loss.

Importing this package imports neither MindSpore nor NumPy. The first use of a name in `__all__` imports both.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ms_mml.fallback import composite
    from ms_mml.functional import multi_margin_loss
    from ms_mml.layer import MultiMarginLoss
    from ms_mml.patching import patch, unpatch
    from ms_mml.self_check import run_check

__version__ = "0.1.0"  # the only place; pyproject.toml reads it from here
__all__ = ["MultiMarginLoss", "composite", "multi_margin_loss", "patch", "run_check", "unpatch"]

MINDSPORE = "mindspore>=2.7,<2.11"  # the requirement in pyproject.toml
_MODULES = {
    "MultiMarginLoss": "layer",
    "composite": "fallback",
    "multi_margin_loss": "functional",
    "patch": "patching",
    "run_check": "self_check",
    "unpatch": "patching",
}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module 'ms_mml' has no attribute '{name}'")
    try:
        module = importlib.import_module(f"ms_mml.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name != "mindspore":
            raise
        raise ModuleNotFoundError(
            f"ms_mml.{name} needs MindSpore, which is not installed. Install it: pip install '{MINDSPORE}'",
            name="mindspore",
        ) from error
    globals()[name] = value = getattr(module, name)
    return value


def __dir__():
    return sorted({*globals(), *__all__})
