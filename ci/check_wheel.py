"""Proves a wheel: what is in it, that it can be built again, and what becomes of it where it is installed.

usage: python ci/check_wheel.py WHEEL LIBRARY... --platform TAG [--same ONE OTHER] [--install]

It must have these libraries, cpu or gpu, and run on a platform whose tag begins so. --same compares two builds, of the
checkout and of the sdist, before they were repaired: they must hold the same bytes. --install installs it beside
MindSpore where there is neither compiler nor checkout, puts it to the suite from a temporary folder, and uninstalls it.
That leaves report.json in the current folder.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile

from elftools.elf.elffile import ELFFile

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
MEGABYTES = {"cpu": 1, "gpu": 20}  # that a library may add to a wheel
SYSTEM = {
    *("libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "libstdc++.so.6"),
    *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"),
}


def check(holds, what):
    if not holds:
        sys.exit(f"ci/check_wheel.py: {what}")


def check_contents(wheel, libraries):
    """Our package with these libraries and nothing else, of no great size, and no trace of where it was built."""
    limit = 1 << 20  # of what is no library
    places = [str(place).encode() for place in (CHECKOUT, pathlib.Path.home(), tempfile.gettempdir())]
    for entry in wheel.infolist():
        root, name = entry.filename.split("/")[0], entry.filename
        check(root == "ms_mml" or root.endswith(".dist-info"), f"{name} is outside the package")
        data = wheel.read(entry)
        for place in places:
            check(place + b"/" not in data, f"{name} says where it was built: {place.decode()}")
        if name.endswith(".so"):
            limit += MEGABYTES[name.split("/")[-2]] << 20
            check_library(wheel, name)
    found = [entry.filename.split("/")[-2] for entry in wheel.infolist() if entry.filename.endswith(".so")]
    check(sorted(found) == sorted(libraries), f"it has the libraries {found}, not {libraries}")
    size = sum(entry.compress_size for entry in wheel.infolist())
    check(size < limit, f"it has {size} bytes, which is more than {limit}")
    return size


def check_library(wheel, name):
    """It shows what is ours alone, and needs what every Linux has: no libgomp, of which MindSpore has its own."""
    with wheel.open(name) as file:
        library = ELFFile(file)
        symbols = library.get_section_by_name(".dynsym").iter_symbols()
        exported = [s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["bind"] != "STB_LOCAL"]
        needed = {tag.needed for tag in library.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")}
    others = [symbol for symbol in exported if not symbol.startswith("MultiMarginLoss")]
    check(exported and not others, f"{name} exports {', '.join(others) or 'nothing'}")
    check(needed <= SYSTEM, f"{name} needs {', '.join(needed - SYSTEM)}")


def content(wheel, name):
    """What must be the same in another build: all but the commit, which an sdist does not know, and its hash."""
    if name.endswith("/RECORD"):
        return None
    if name.endswith("/build.json"):
        return {**json.loads(wheel.read(name)), "commit": None}
    return wheel.read(name)


def check_same(wheel, other):
    """The same files with the same bytes."""
    mine, its = ({name: content(archive, name) for name in archive.namelist()} for archive in (wheel, other))
    differing = sorted(name for name in mine.keys() | its.keys() if mine.get(name) != its.get(name))
    check(not differing, f"the sdist gives another {', '.join(differing)}")


def check_installed(wheel, folder):
    """It works where there is neither compiler nor checkout, and leaves nothing behind."""
    venv.create(folder / "venv", symlinks=True, with_pip=True)
    programs = folder / "venv" / "bin"  # all that there is: no compiler
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
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    shutil.copytree(CHECKOUT / "conformance", folder / "conformance")
    suite = ("-m", "pytest", "conformance", "--numprocesses=auto", "--subject=ms_mml", "--subject=library")
    python(
        *suite, f"--tier={os.environ.get('MS_MML_TIER', 'full')}", f"--report={pathlib.Path('report.json').resolve()}"
    )

    python(*pip, "uninstall", "--yes", "ms-mml")
    left = [str(path) for path in (folder / "venv").rglob("ms_mml*")]
    check(not left, f"uninstalling leaves {', '.join(left)}")


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
    check(tag.startswith(options.platform), f"it is for {tag}, not {options.platform}")
    if options.same:
        with zipfile.ZipFile(options.same[0]) as one, zipfile.ZipFile(options.same[1]) as other:
            check_same(one, other)
    if options.install:
        with tempfile.TemporaryDirectory() as folder:
            check_installed(options.wheel, pathlib.Path(folder))
    print(f"ci/check_wheel.py: {options.wheel.name}, {size} bytes, is as it should be")


if __name__ == "__main__":
    main()
