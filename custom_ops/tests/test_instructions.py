"""The kernels take no more instructions than they did: a check of speed without a clock."""

import json
import shutil

import pytest

from custom_ops.tests import instructions

COUNTS = json.loads(instructions.COUNTS.read_text())
TOLERANCE = 0.05


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    return instructions.build_driver(tmp_path_factory.mktemp("driver"))


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="instructions are not counted: there is no valgrind")
@pytest.mark.skipif(
    instructions.compiler() not in COUNTS, reason=f"no counts are committed for {instructions.compiler()}"
)
@pytest.mark.parametrize("case", instructions.CASES, ids=instructions.name)
def test_instructions(driver, case):
    """Within 5% either way: fewer are good news, to be written down by `instructions.py --write`."""
    committed = COUNTS[instructions.compiler()][instructions.name(case)]
    assert instructions.count(driver, *case) == pytest.approx(committed, rel=TOLERANCE)
