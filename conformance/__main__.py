"""Runs the suite, from any directory: `python -m conformance OPTION...` is `pytest PATH/TO/conformance OPTION...`."""

import pathlib
import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["-p", "no:cacheprovider", str(pathlib.Path(__file__).parent), *sys.argv[1:]]))
