"""Counts the instructions that the CPU library executes for fixed inputs, under valgrind's callgrind. The counts
measure speed, and are the same on every machine and in every run.

usage: python -m custom_ops.tests.instructions [--write]

It runs in the checkout and counts the installed library. With --write the counts replace those in instructions.json for
this compiler; test_instructions.py compares against them. Counts of different compilers cannot be compared.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

from custom_ops.emulation.driver import DRIVER, encoded
from ms_mml import library
from ms_mml.ctypes_interface import symbol

COUNTS = pathlib.Path(__file__).with_suffix(".json")
INSTRUCTION_SETS = ("avx2", "baseline")  # valgrind does not support AVX-512
CLASSES = {
    "float16": (10, 100, 20_000),
    "float32": (2, 3, 5, 10, 16, 20, 32, 47, 64, 100, 128, 1000, 20_000),
    "float64": (10, 100, 20_000),
}
SCORES = 30_000  # in at least three rows
OPERATIONS = {"loss": symbol("", 1, "mean"), "gradient": symbol("Grad", 2, "mean")}
CASES = [
    (instruction_set, operation, dtype, classes)
    for instruction_set in INSTRUCTION_SETS
    for operation in OPERATIONS
    for dtype in CLASSES
    for classes in CLASSES[dtype]
]


def compiler():
    info = library.find("CPU").build_info
    return f"{info['compiler']}, {info['processor']}"


def build_driver(folder):
    """Compile the driver; return its path."""
    driver = pathlib.Path(folder, "driver")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", str(DRIVER), "-ldl", "-o", str(driver)], check=True)
    return driver


def count(driver, instruction_set, operation, dtype, classes):
    """Count the instructions of one call on one thread."""
    shape = (max(3, SCORES // classes), classes)
    rng = np.random.default_rng(0)
    scores, target = rng.standard_normal(shape).astype(dtype), rng.integers(0, shape[1], shape[0])
    margin, scalar = np.array(1.0).view(np.int64), np.ones((), dtype)
    arrays = [scores, target, margin, scalar]
    if operation == "gradient":
        arrays = [scalar, scores, target, margin, np.zeros_like(scores)]
    function = OPERATIONS[operation]
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--toggle-collect={function}"]
    child = subprocess.run(
        [*valgrind, str(driver), library.find("CPU").path],
        input=encoded(function, arrays),
        env={**os.environ, "MS_MML_INSTRUCTION_SET": instruction_set, "MS_MML_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    return int(re.search(rb"Collected\s*:\s*(\d+)", child.stderr).group(1))


def name(case):
    return " ".join(map(str, case))


def main():
    counts = json.loads(COUNTS.read_text()) if COUNTS.is_file() else {}
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        driver = build_driver(folder)
        found = dict(zip(map(name, CASES), pool.map(lambda case: count(driver, *case), CASES)))
    before = counts.get(compiler(), {})
    for case, instructions in found.items():
        change = f" ({instructions / before[case] - 1:+.1%})" if case in before else ""
        print(f"{case:35} {instructions:10}{change}")
    if "--write" in sys.argv:
        COUNTS.write_text(json.dumps({**counts, compiler(): found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
