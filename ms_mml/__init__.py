"""The multi-margin loss for MindSpore, as its page documents it."""

from importlib.metadata import version

from ms_mml.composite import composite
from ms_mml.drop_in import patch, unpatch
from ms_mml.functional import multi_margin_loss
from ms_mml.info import run_check
from ms_mml.layer import MultiMarginLoss

__all__ = ["MultiMarginLoss", "composite", "multi_margin_loss", "patch", "run_check", "unpatch"]
__version__ = version("ms-mml")
