"""The fuzz target kills every mutant below with its committed corpus alone."""

import os
import re
import shutil

import pytest

from custom_ops.tests.builds import KERNELS, build, copy_with_mutants, run

FUZZ = KERNELS / "fuzz"

# Mutants of the kernels: the file, the expression to replace, its replacement, and what the fuzz target must report.
MUTANTS = {
    "the shape of target is not checked": (
        "call.h",
        "!std::equal(shape, shape + rank, *shapes_)",
        'std::strcmp(name, "target") != 0 && !std::equal(shape, shape + rank, *shapes_)',
        "an invalid list is refused|use-after-poison",
    ),
    "the number of arguments is not checked": ("call.h", "count < least || count > most", "false", "AddressSanitizer"),
    "a negative N is accepted": (
        "call.h",
        "shape[0] < 0",
        "false",
        "an invalid list is refused|a message begins with|use-after-poison|signed integer overflow",
    ),
    "messages without the operator's name": (
        "call.h",
        "\"For 'multi_margin_loss', \" + message",
        "message",
        "a message begins with the operator's name|names the first bad one",
    ),
    "a wrong shape is inferred": (
        "entry_points.cc",
        "reduction == Reduction::kNone",
        "reduction != Reduction::kSum",
        "InferShape gives the shape of the output",
    ),
    "a target of C is accepted": (
        "cpu/schedule.h",
        "largest < static_cast<uint64_t>(classes_)",
        "largest <= static_cast<uint64_t>(classes_)",
        "heap-buffer-overflow|names the first bad one",
    ),
    "the error names any bad target": ("cpu/schedule.h", "row < first", "true", "names the first bad one"),
    "the number of segments overflows": (
        "cpu/schedule.h",
        "(op.classes - 1) / kSegment + 1",
        "(op.classes + kSegment - 1) / kSegment",
        "signed integer overflow",
    ),
    "short rows are read beyond the last one": (
        "cpu/short_rows.h",
        "row * classes + reach > op.rows * classes",
        "false",
        "heap-buffer-overflow",
    ),
    "narrow rows are read beyond the last one": (
        "cpu/narrow_rows.h",
        "reaches_beyond(op, block, op.rows)",
        "false",
        "heap-buffer-overflow",
    ),
    "narrow rows are written beyond the last one": (
        "cpu/narrow_rows.h",
        "reaches_beyond(op, block, last)",
        "false",
        "heap-buffer-overflow",
    ),
    "the slopes of a tail are not written": (
        "cpu/long_rows.h",
        "(count - whole) * sizeof(T)",
        "0",
        "all of the output is written",
    ),
    "the target's slope has the wrong sign": (
        "operators.h",
        "0.0 - scale * sum",
        "scale * sum",
        "signs follow the formula",
    ),
    "instruction sets give different results": (
        "cpu/kernels.cc",
        "sums[c].value()",
        "sums[c].value() * (kRegister == 16 ? 2 : 1)",
        "instruction sets give the same bits",
    ),
}
SOURCES = {name: mutant[:3] for name, mutant in MUTANTS.items()}


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory):
    """The fuzz target, built with all mutants, and the environment variables that turn them on."""
    folder = tmp_path_factory.mktemp("fuzz")
    target = 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }'
    flags = ["-fsanitize=fuzzer,address,undefined", "-x", "c++", "-o", str(folder / "probe"), "-"]
    if shutil.which("clang++") is None or run("clang++", *flags, input=target).returncode != 0:
        pytest.skip("the fuzz target needs clang++ with libFuzzer and its sanitizers")
    switches = copy_with_mutants(folder / "custom_ops", SOURCES)
    source = f"-DMS_MML_SOURCE={folder / 'custom_ops'}"
    build(folder / "build", FUZZ, source, "-DCMAKE_CXX_COMPILER=clang++")
    return folder / "build" / "fuzz", switches


def run_corpus(fuzz, **environment):
    command = [str(fuzz), "-runs=0", f"-artifact_prefix={fuzz.parent}/", str(FUZZ / "corpus")]
    return run(*command, env={**os.environ, "ASAN_OPTIONS": "symbolize=0", **environment})


def test_the_corpus_finds_no_error_without_a_mutant(fuzz):
    child = run_corpus(fuzz[0])
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("name", MUTANTS)
def test_the_corpus_kills(fuzz, name):
    target, switches = fuzz
    child = run_corpus(target, **{switches[name]: "1"})
    assert child.returncode != 0
    assert re.search(MUTANTS[name][-1], child.stderr), child.stderr
