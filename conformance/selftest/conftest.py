"""The fixture with which the tests run the suite as a user does."""

import pathlib
import subprocess
import sys

import pytest

SUITE = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="session")
def run_suite():
    """A function that runs `pytest conformance` with some options in a folder."""

    def run_suite(folder, *options, suite=SUITE, environment=None):
        command = [sys.executable, "-m", "pytest", str(suite), "-q", "-p", "no:cacheprovider", *options]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)

    return run_suite
