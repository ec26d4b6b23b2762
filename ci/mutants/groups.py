"""The groups of mutants: their sources, how a mutant is built, and the cases that judge it."""

import ast
import os
import pathlib
from dataclasses import dataclass

from ci.mutants import generate, subjects
from ci.mutants.build import CPU, CUDA, SANITIZED, NotBuiltError, SameObjectCodeError, build, driver
from ci.mutants.generate import CHECKOUT
from conformance.cases import all_cases

NUMPY = "conformance/subjects/numpy.py"
SUITE = ("conformance/**/*.py", "conformance/**/*.json", "conformance/cases/arrays/*.txt")
HEADERS, CPU_SOURCES, CUDA_SOURCES = "custom_ops/*.h", "custom_ops/cpu/*", "custom_ops/gpu/*.*[hu]"
DRIVEN = (
    "custom_ops/*.cc", "ms_mml/ctypes_interface.py", "ms_mml/library.py", "ms_mml/subjects/library.py",
    "ci/mutants/build.py", *SUITE,
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """The cases of a tier that smaller tiers lack, put to a build with the given flags."""

    tier: str
    flags: tuple = ()

    def cases(self):
        return [case for case in all_cases(self.tier) if case.tier == self.tier]


@dataclass(frozen=True)
class Group:
    """Attributes:
    files: glob patterns of the sources that are mutated.
    per_line: the largest number of mutants of each line.
    most: the largest number of mutants; None for all.
    sample: the number of mutants that continuous integration runs.
    make: writes a mutant to a folder, or the original if it is None: make(mutant, folder, flags).
    subject: what the suite calls.
    seconds: the time after which a case counts as hung.
    depends: glob patterns of the other files that decide the outcome.
    """

    files: tuple
    per_line: int
    most: object
    sample: int
    make: object
    subject: str
    stages: tuple
    seconds: int
    depends: tuple = SUITE

    def mutants(self):
        files = sorted(str(path.relative_to(CHECKOUT)) for pattern in self.files for path in CHECKOUT.glob(pattern))
        return generate.mutants(files, self.per_line)[: self.most]

    def fingerprint(self):
        return generate.fingerprint((*self.files, *self.depends))


def make_python(mutant, folder, flags):
    original = pathlib.Path(CHECKOUT, NUMPY).read_text()
    text = original if mutant is None else mutant.text()
    try:
        compile(text, NUMPY, "exec")
    except SyntaxError as error:
        raise NotBuiltError(str(error)) from error
    if mutant is not None and ast.dump(ast.parse(text)) == ast.dump(ast.parse(original)):
        raise SameObjectCodeError
    folder.mkdir(parents=True)
    (folder / "mutant.py").write_text(text)


def make_cpu(mutant, folder, flags):
    build(CPU, mutant, folder, folder / "mutant.so", flags)
    os.environ[subjects.LIBRARY] = str(folder / "mutant.so")


def make_cuda(mutant, folder, flags):
    place = folder / subjects.MutantCuda.name
    build(CUDA, mutant, folder, place / subjects.MutantCuda.library, flags)
    os.link(driver(flags), place / "driver")
    (place / subjects.MutantCuda.build).write_text("{}")
    os.environ[subjects.BUILDS] = str(folder)


GROUPS = {
    "numpy": Group((NUMPY,), 6, None, 30, make_python, "mutant:NumPy", (Stage("quick"), Stage("full")), 20),
    "cpu": Group(
        (HEADERS, CPU_SOURCES), 1, 180, 8, make_cpu, "ci.mutants.subjects:MutantLibrary",
        (Stage("quick"), Stage("full")), 10, DRIVEN,
    ),
    "cuda": Group(  # most mutants are killed without sanitizers, which multiply the time of the compiler
        (CUDA_SOURCES,), 1, 29, 4, make_cuda, "ci.mutants.subjects:MutantCuda",
        (Stage("quick"), Stage("quick", SANITIZED), Stage("full", SANITIZED)), 30,
        (HEADERS, CPU_SOURCES, "custom_ops/emulation/**/*.*", *DRIVEN),
    ),
}  # fmt: skip
