"""Builds a kernel library with a mutant in it, as cheaply as possible.

Only the translation units that the mutant changes are compiled, from their preprocessed text. If none of the objects
differs from the original's, the mutant is equivalent. The CPU kernels are compiled for one instruction set: the first
whose preprocessed text contains the mutant; the other kernel tables are aliases of that one.
"""

import functools
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
from dataclasses import dataclass

from ci.mutants.generate import CHECKOUT

OBJECTS = CHECKOUT / "build" / "mutants" / "objects"  # of the unmutated sources
KERNELS = CHECKOUT / "custom_ops"
SECONDS = 180  # for one call of the compiler
COMMON = ("-std=c++17", "-fPIC", "-O1", "-ffp-contract=off", "-w")
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover", "-fno-omit-frame-pointer")
X86 = platform.machine() in ("x86_64", "AMD64")
AVX2 = ("-mavx2", "-mf16c")
AVX512 = (*AVX2, "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mprefer-vector-width=512")
TABLES = ("kernels_avx2", "kernels_avx512") if X86 else ()


def _runs(flags):
    """Whether this processor has the instructions that the flags allow."""
    has = pathlib.Path("/proc/cpuinfo").read_text().split() if X86 else ()
    return all(flag[2:] in has for flag in flags if flag.startswith("-mavx"))


class NotBuiltError(Exception):
    """The mutant does not compile or link."""


class SameObjectCodeError(Exception):
    """The mutant compiles to the code of the original."""


@dataclass(frozen=True)
class Unit:
    """A translation unit, and alternative flags: a mutant is compiled with the first alternative that it changes."""

    source: str
    alternatives: tuple = ((),)


@dataclass(frozen=True)
class Library:
    """A kernel library; {source} in a flag is the folder custom_ops, or a copy with a mutant."""

    units: tuple
    flags: tuple
    link: tuple = ()


# hidden: as in the real build; the aliases need it, too
CPU = Library(
    (
        Unit("entry_points.cc"),
        Unit("c_api.cc"),
        Unit("cpu/instruction_set.cc"),
        Unit("cpu/threads.cc"),
        Unit("cpu/kernels.cc", tuple(filter(_runs, ((), AVX2, AVX512))) if X86 else ((),)),
    ),
    (
        "-fvisibility=hidden",
        "-pthread",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-DMS_MML_KERNELS=kernels_baseline",
    ),
    tuple(f"-Wl,--defsym=_ZN6ms_mml{len(name)}{name}E=_ZN6ms_mml16kernels_baselineE" for name in TABLES),
)
CUDA = Library(
    tuple(
        map(Unit, ("entry_points.cc", "c_api.cc", "emulation/cuda/simt.cc", "emulation/cuda/half.cc", "gpu/kernels.cu"))
    ),
    ("-I{source}/emulation/cuda", "-I{source}"),
)


def build(library, mutant, folder, to, flags=()):
    """Build a library with a mutant, or without one if it is None; `folder` is for the copy of the sources.

    Raises NotBuiltError or SameObjectCodeError.
    """
    source, objects, changed = KERNELS, [], False
    if mutant is not None:
        source = folder / "custom_ops"
        shutil.copytree(
            KERNELS, source, ignore=shutil.ignore_patterns("ascend*", "fuzz", "tests", "*.py", "__pycache__")
        )
        (source.parent / mutant.file).write_text(mutant.text())
    for unit in library.units:
        for alternative in unit.alternatives:
            options = (*COMMON, *library.flags, *flags, *alternative)
            if mutant is not None and mutant.file in _files(unit.source, options):
                text = _preprocessed(source, unit.source, options)
                if text != _original(unit.source, options):
                    break
        else:
            options = (*COMMON, *library.flags, *flags, *unit.alternatives[0])
            objects.append(_original_object(unit.source, options))
            continue
        objects.append(_compile(text, options, folder / unit.source.replace("/", "-")))
        changed = changed or objects[-1].read_bytes() != _original_object(unit.source, options).read_bytes()
    if mutant is not None and not changed:
        raise SameObjectCodeError
    to.parent.mkdir(parents=True, exist_ok=True)
    _compiler("-shared", "-pthread", *flags, *library.link, *map(str, objects), "-o", str(to))


def driver(flags=()):
    """The driver of an emulated library, built with the same sanitizers."""
    source = KERNELS / "emulation" / "driver.c"
    file = OBJECTS / f"driver-{hashlib.sha256(repr((source.read_text(), flags)).encode()).hexdigest()}"
    if not file.exists():
        new = file.with_suffix(f".{os.getpid()}")
        new.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([os.environ.get("CC", "cc"), *flags, str(source), "-o", str(new), "-ldl"], check=True)
        new.replace(file)
    return file


def _preprocessed(source, unit, options):
    options = [option.format(source=source) for option in options]
    return _compiler(*options, "-E", "-P", "-x", "c++", str(source / unit))


@functools.cache
def _files(unit, options):
    """The files of the checkout that a translation unit includes, and its own."""
    options = [option.format(source=KERNELS) for option in options]
    names = _compiler(*options, "-MM", "-x", "c++", str(KERNELS / unit)).replace("\\\n", " ").split()[1:]
    return {os.path.relpath(os.path.realpath(name), CHECKOUT) for name in names}


@functools.cache
def _original(unit, options):
    return _preprocessed(KERNELS, unit, options)


def _original_object(unit, options):
    text = _original(unit, options)
    file = OBJECTS / f"{hashlib.sha256(repr((text, options)).encode()).hexdigest()}.o"
    if not file.exists():
        folder = OBJECTS / str(os.getpid())
        _compile(text, options, folder).replace(file)
        shutil.rmtree(folder)
    return file


def _compile(text, options, folder):
    """Compile preprocessed text to an object in a folder. The file's name is always the same, as objects contain it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "unit.ii").write_text(text)
    options = [option for option in options if not option.startswith(("-I", "-D"))]
    _compiler(*options, "-x", "c++-cpp-output", "-c", "unit.ii", "-o", "unit.o", cwd=folder)
    return folder / "unit.o"


def _compiler(*arguments, cwd=None):
    command = [os.environ.get("CXX", "c++"), *arguments]
    try:
        child = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotBuiltError(f"the compiler takes more than {SECONDS} s") from error
    if child.returncode != 0:
        raise NotBuiltError(child.stderr)
    return child.stdout
