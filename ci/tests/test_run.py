"""`ci/run` lists every target that it has, and the matrix names no other."""

import json
import re

from custom_ops.tests.builds import CHECKOUT, run

SCRIPT = CHECKOUT / "ci" / "run"
TARGETS = set(re.findall(r"^target_(\w+)\(\) {", SCRIPT.read_text(), re.MULTILINE))


def test_usage_lists_the_targets():
    child = run(str(SCRIPT))
    assert child.returncode == 2
    assert child.stdout.startswith("usage: ./ci/run TARGET")
    table = child.stdout.split("what it does\n")[1].split("\n\n")[0]
    assert set(re.findall(r"^  (\w+)", table, re.MULTILINE)) == TARGETS
    assert len(TARGETS) > 10


def test_unknown_target_prints_usage():
    child = run(str(SCRIPT), "abacus")
    assert child.returncode == 2
    assert child.stdout == run(str(SCRIPT)).stdout


def test_the_matrix_names_targets():
    rows = json.loads((CHECKOUT / "ci" / "matrix.json").read_text()).values()
    assert {target for row in rows for target in row["targets"]} <= TARGETS
