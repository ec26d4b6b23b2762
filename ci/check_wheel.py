"""Check a wheel: its contents, that its build is reproducible, and that it works once installed.

usage: python -m ci.check_wheel WHEEL LIBRARY... --platform TAG [--same ONE OTHER] [--install]

The wheel must contain exactly these libraries (cpu, gpu), and its platform tag must begin with TAG. --same compares two
wheels before auditwheel's repair, one built from the checkout and one from the sdist: their files must be identical.
--install installs the wheel and MindSpore in a new environment without a compiler, runs a copy of the suite there, and
uninstalls the wheel. It writes report.json to the current folder. In the quick tier the suite runs its golden cases
only, because ./ci/run cpu runs the others on a library of the same sources.
"""

import argparse
import configparser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile

from elftools.elf.elffile import ELFFile

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
MEGABYTES = {"cpu": 1, "gpu": 20}  # the size limit of each library
ENTRY_POINTS = {"composite", "library", "ms_mml"}  # the subjects that the wheel declares
SYSTEM = {
    *("libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "libstdc++.so.6"),
    *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"),
}


def check(holds, problem):
    if not holds:
        sys.exit(f"ci/check_wheel.py: {problem}")


def check_contents(wheel, libraries):
    """The wheel holds our package with these libraries and nothing else: no tests, no path of the build machine."""
    limit = 1 << 20  # for all files but the libraries
    local_paths = [str(path).encode() for path in (CHECKOUT, pathlib.Path.home(), tempfile.gettempdir())]
    for entry in wheel.infolist():
        root, name = entry.filename.split("/")[0], entry.filename
        check(root == "ms_mml" or root.endswith(".dist-info"), f"{name} is outside the package")
        check(not name.startswith("ms_mml/tests/"), f"{name} is a test")
        data = wheel.read(entry)
        for path in local_paths:
            check(path + b"/" not in data, f"{name} contains a path of the build machine: {path.decode()}")
        if name.endswith(".so"):
            limit += MEGABYTES[name.split("/")[-2]] << 20
            check_library(wheel, name)
    found = [entry.filename.split("/")[-2] for entry in wheel.infolist() if entry.filename.endswith(".so")]
    check(sorted(found) == sorted(libraries), f"expected the libraries {libraries}, found {found}")
    check_subjects(wheel)
    size = sum(entry.compress_size for entry in wheel.infolist())
    check(size < limit, f"its size is {size} bytes; the limit is {limit}")
    return size


def check_subjects(wheel):
    """The wheel declares its subjects for the suite, and contains their modules."""
    (file,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    declared = configparser.ConfigParser()
    declared.read_string(wheel.read(file).decode())
    subjects = dict(declared["conformance.subjects"])
    check(subjects.keys() == ENTRY_POINTS, f"expected the subjects {sorted(ENTRY_POINTS)}, found {sorted(subjects)}")
    for name, value in subjects.items():
        module = value.partition(":")[0].replace(".", "/") + ".py"
        check(module in wheel.namelist(), f"the subject {name} needs {module}, which is missing")


def check_library(wheel, name):
    """The library exports only our symbols and depends only on system libraries. libgomp is not allowed, because
    MindSpore brings its own."""
    with wheel.open(name) as file:
        library = ELFFile(file)
        symbols = library.get_section_by_name(".dynsym").iter_symbols()
        exported = [s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["bind"] != "STB_LOCAL"]
        needed = {tag.needed for tag in library.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")}
    others = [symbol for symbol in exported if not symbol.startswith("MultiMarginLoss")]
    check(exported and not others, f"{name} exports {', '.join(others) or 'nothing'}")
    check(needed <= SYSTEM, f"{name} depends on {', '.join(needed - SYSTEM)}")
    if "/gpu/" in name:
        check_gpu_generations(wheel, name)


def check_gpu_generations(wheel, name):
    """The library has machine code for the A100 and the H100, and PTX for the oldest of them only."""
    cuobjdump = pathlib.Path(sysconfig.get_path("purelib"), "nvidia", "cu13", "bin", "cuobjdump")
    with tempfile.TemporaryDirectory() as folder:
        file = wheel.extract(name, folder)

        def generations(option):
            listed = subprocess.run([cuobjdump, option, file], capture_output=True, text=True, check=True).stdout
            return {int(number) for number in re.findall(r"\.sm_(\d+)\.", listed)}

        elf, ptx = generations("--list-elf"), generations("--list-ptx")
    check(elf >= {80, 90}, f"{name} has machine code for {sorted(elf)}, expected 80 and 90 among them")
    check(ptx == {80}, f"{name} has PTX for {sorted(ptx)}, expected 80")


def content(wheel, name):
    """The content that must be identical in another build. The commit, which is unknown in an sdist, and the hashes in
    RECORD may differ."""
    if name.endswith("/RECORD"):
        return None
    if name.endswith("/build.json"):
        return {**json.loads(wheel.read(name)), "commit": None}
    return wheel.read(name)


def check_same(wheel, other):
    """Both wheels have the same files with the same content."""
    first, second = ({name: content(archive, name) for name in archive.namelist()} for archive in (wheel, other))
    differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    check(not differing, f"checkout and sdist build different files: {', '.join(differing)}")


def check_installed(wheel, folder):
    """The wheel works without a compiler and without the checkout, and uninstalls completely."""
    venv.create(folder / "venv", symlinks=True, with_pip=True)
    programs = folder / "venv" / "bin"  # the whole PATH: no compiler
    environment = {**os.environ, "PATH": str(programs), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)

    def python(*arguments):
        child = subprocess.run([programs / "python", *arguments], cwd=folder, env=environment, check=False)
        check(child.returncode == 0, f"failed: python {' '.join(map(str, arguments))}")

    version = os.environ.get("MINDSPORE")
    framework = [f"mindspore=={version}"] if version else []
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    python(*pip, "install", "--only-binary=:all:", wheel.resolve(), *framework)
    python("-m", "ms_mml", "info")
    python("-m", "ms_mml", "check")

    python(*pip, "install", "packaging", "pytest", "pytest-xdist")
    shutil.copytree(CHECKOUT / "conformance", folder / "conformance")
    tier = os.environ.get("MS_MML_TIER", "full")
    report = pathlib.Path("report.json").resolve()
    suite = ("-m", "pytest", "conformance", "--subject=ms_mml", "--subject=library", f"--tier={tier}")
    processes = min(8, 3 * os.cpu_count())  # in graph mode, MindSpore waits 3 s after each error of a kernel
    cases = ["-k", "golden"] if tier == "quick" else []
    python(*suite, f"--numprocesses={processes}", f"--report={report}", *cases)

    python(*pip, "uninstall", "--yes", "ms-mml")
    remaining = [str(path) for path in (folder / "venv").rglob("ms_mml*")]
    check(not remaining, f"uninstalling leaves {', '.join(remaining)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("libraries", nargs="+", choices=MEGABYTES)
    parser.add_argument("--platform", required=True)
    parser.add_argument("--same", nargs=2)
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        size = check_contents(wheel, options.libraries)
    tag = options.wheel.stem.split("-")[-1]
    check(tag.startswith(options.platform), f"expected a wheel for {options.platform}, found {tag}")
    if options.same:
        with zipfile.ZipFile(options.same[0]) as one, zipfile.ZipFile(options.same[1]) as other:
            check_same(one, other)
    if options.install:
        with tempfile.TemporaryDirectory() as folder:
            check_installed(options.wheel, pathlib.Path(folder))
    print(f"ci/check_wheel.py: {options.wheel.name}, {size} bytes: all checks passed")


if __name__ == "__main__":
    main()
