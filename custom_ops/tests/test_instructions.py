"""The kernels execute as many instructions as before: a check of speed without a clock."""

import json
import shutil

import pytest

from custom_ops.tests import instructions

COUNTS = json.loads(instructions.COUNTS.read_text())
TOLERANCE = 0.05


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    return instructions.build_driver(tmp_path_factory.mktemp("driver"))


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.skipif(
    instructions.compiler() not in COUNTS, reason=f"no counts are committed for {instructions.compiler()}"
)
@pytest.mark.parametrize("case", [
    pytest.param(case, id=instructions.name(case), marks=[pytest.mark.level1] if case[0] == "baseline" else [])
    for case in instructions.CASES
])  # fmt: skip
def test_instructions(driver, case):
    """If a kernel became faster, record it: `python -m custom_ops.tests.instructions --write`."""
    committed = COUNTS[instructions.compiler()][instructions.name(case)]
    assert instructions.count(driver, *case) == pytest.approx(committed, rel=TOLERANCE)
