"""The fuzz target finds what it is there to find: its committed corpus alone kills every mutant of the kernels."""

import os
import re
import shutil

import pytest

from custom_ops.tests.builds import CHECKOUT, build, run

FUZZ = CHECKOUT / "custom_ops" / "fuzz"

# What is wrong: the file it is in, the expression there, what takes its place, and what the fuzz target then says.
MUTANTS = {
    "any shape of target": (
        "call.h",
        "!std::equal(shape, shape + rank, *shapes_)",
        'std::strcmp(name, "target") != 0 && !std::equal(shape, shape + rank, *shapes_)',
        "a bad list is refused|use-after-poison",
    ),
    "any number of arguments": ("call.h", "count < least || count > most", "false", "AddressSanitizer"),
    "any N": ("call.h", "shape[0] < 0", "false", "a bad list is refused|a message begins with|use-after-poison"),
    "no operator in a message": (
        "call.h",
        "\"For 'multi_margin_loss', \" + what",
        "what",
        "a message begins with the operator's name|the first bad one is named",
    ),
    "another shape inferred": (
        "entry_points.cc",
        "reduction == Reduction::kNone",
        "reduction != Reduction::kSum",
        "InferShape gives the shape of the output",
    ),
    "a target of C": (
        "cpu/schedule.h",
        "largest < static_cast<uint64_t>(call_.classes)",
        "largest <= static_cast<uint64_t>(call_.classes)",
        "heap-buffer-overflow|the first bad one is named",
    ),
    "any bad target named": ("cpu/schedule.h", "row < first", "true", "the first bad one is named"),
    "segments of more classes than there are numbers": (
        "cpu/schedule.h",
        "(call.classes - 1) / kSegment + 1",
        "(call.classes + kSegment - 1) / kSegment",
        "signed integer overflow",
    ),
    "scores read beyond the last row": (
        "cpu/walk.h",
        "row * classes + reach > op.rows * classes",
        "false",
        "heap-buffer-overflow",
    ),
    "slopes not written": ("cpu/walk.h", "(count - whole) * sizeof(T)", "0", "all of the output is written"),
    "the target's slope as positive": (
        "operators.h",
        "0.0 - scale(row, target) * sum",
        "scale(row, target) * sum",
        "signs are those of the formula",
    ),
    "an instruction set with a result of its own": (
        "cpu/kernels.cc",
        "sums[c].value()",
        "sums[c].value() * (kRegister == 16 ? 2 : 1)",
        "instruction sets give the same bits",
    ),
}
NAMES = list(MUTANTS)


def switch(name):
    return f"MUTANT_{NAMES.index(name)}"


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory):
    """One build with all mutants, each behind an environment variable."""
    folder = tmp_path_factory.mktemp("fuzz")
    target = 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }'
    flags = ["-fsanitize=fuzzer,address,undefined", "-x", "c++", "-o", str(folder / "probe"), "-"]
    if shutil.which("clang++") is None or run("clang++", *flags, input=target).returncode != 0:
        pytest.skip("the fuzz target needs clang++ with libFuzzer and its sanitizers")
    source = folder / "custom_ops"
    shutil.copytree(CHECKOUT / "custom_ops", source)
    for name, (file, right, wrong, _) in MUTANTS.items():
        text = (source / file).read_text()
        assert right in text
        either = f'(std::getenv("{switch(name)}") != nullptr ? ({wrong}) : ({right}))'
        (source / file).write_text("#include <cstdlib>\n" + text.replace(right, either))
    build(folder / "build", FUZZ, f"-DMS_MML_SOURCE={source}", "-DCMAKE_CXX_COMPILER=clang++")
    return folder / "build" / "fuzz"


def run_corpus(fuzz, **environment):
    command = [str(fuzz), "-runs=0", f"-artifact_prefix={fuzz.parent}/", str(FUZZ / "corpus")]
    return run(*command, env={**os.environ, "ASAN_OPTIONS": "symbolize=0", **environment})


def test_nothing_is_found_without_a_mutant(fuzz):
    child = run_corpus(fuzz)
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("name", MUTANTS)
def test_the_corpus_kills(fuzz, name):
    child = run_corpus(fuzz, **{switch(name): "1"})
    assert child.returncode != 0
    assert re.search(MUTANTS[name][-1], child.stderr), child.stderr
