"""Runs the suite, from any directory: `python -m conformance OPTION...` is `pytest PATH/TO/conformance OPTION...`."""

import pathlib
import sys

import pytest

VALUED = ("--subject", "--ledger", "--report", "--case")


def joined(arguments):
    """`--subject NAME` as `--subject=NAME`, because pytest takes a separate NAME for a path if there is one."""
    found = []
    for argument in arguments:
        if found and found[-1] in VALUED:
            found[-1] += f"={argument}"
        else:
            found.append(argument)
    return found


if __name__ == "__main__":
    suite = str(pathlib.Path(__file__).parent)
    sys.exit(pytest.main(["-p", "no:cacheprovider", suite, *joined(sys.argv[1:])]))
