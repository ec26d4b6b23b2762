"""The package: lazy imports, the choice of kernels, `info` and `check`, and the examples of the documents."""

import doctest
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import mindspore as ms
import pytest
from packaging.requirements import Requirement

import ms_mml
from ms_mml import fallback, functional, info, layer, library, patching, self_check
from ms_mml.modes import MODES

README = pathlib.Path(__file__).parents[2] / "README.md"
EXAMPLE = """
import mindspore as ms, numpy as np, ms_mml
x, y = ms.Tensor(np.ones((3, 3)), ms.float32), ms.Tensor([1, 2, 1], ms.int64)
print(ms_mml.multi_margin_loss(x, y))
print(ms_mml.multi_margin_loss(x, y, reduction="sum"))
"""

MAIN = "from ms_mml.__main__ import main; main()"
MISSING = "from ms_mml import library; library.LIBRARIES['CPU'] = ('lib/nowhere.so', 'make it')\n"
NO_MINDSPORE = """
import sys
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
PathFinder.find_spec = lambda name, *arguments: None if name == "mindspore" else find_spec(name, *arguments)
"""
# Imports ms_mml as in an environment in which it is not installed. The copy on the path has no metadata but its own.
NOT_INSTALLED = """
import importlib.metadata as metadata, sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
distributions = metadata.distributions
metadata.distributions = lambda **options: [
    found for found in distributions(**options) if "site-packages" not in str(found.locate_file(""))
]
"""
BOTH_MODES = """
import mindspore as ms, numpy as np, ms_mml
x, y = ms.Tensor(np.ones((3, 3)), ms.float32), ms.Tensor([1, 2, 1], ms.int64)
def loss(x, y):
    return ms_mml.multi_margin_loss(x, y)
for function in (loss, ms.jit(loss)):
    try:
        print(function(x, y))
    except ValueError as error:
        print(error)
"""
INSTALL = "which is not installed. Install it: pip install 'mindspore>=2.7,<2.11'"


def run(code, tmp_path, **environment):
    """Run code in its own process and folder. MindSpore logs warnings and errors."""
    script = tmp_path / "script.py"  # graph mode compiles from source
    script.write_text(code)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GLOG_v": "2", **environment}
    command = [sys.executable, str(script)]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


# ----------------------------------------------------------------------------------------------------------------------
# Imports
# ----------------------------------------------------------------------------------------------------------------------


def test_import_is_lazy(tmp_path):
    """The import loads neither MindSpore nor NumPy nor a kernel library. The first use in graph mode loads them."""
    child = run("""
import sys
import ms_mml
assert not {"mindspore", "numpy"} & sys.modules.keys()
assert "libms_mml" not in open("/proc/self/maps").read()
assert {*ms_mml.__all__, "__version__"} <= {*dir(ms_mml)}
assert not hasattr(ms_mml, "nothing")
assert "mindspore" not in sys.modules

import mindspore as ms

@ms.jit
def loss(x, y):
    return ms_mml.multi_margin_loss(x, y)

class Net(ms.nn.Cell):
    def construct(self, x, y):
        return ms_mml.composite(x, y)

assert not {"multi_margin_loss", "composite"} & vars(ms_mml).keys()
x, y = ms.ops.ones((3, 3), ms.float32), ms.Tensor([1, 2, 1], ms.int64)
ms.set_context(mode=ms.GRAPH_MODE)
print(loss(x, y), Net()(x, y))

import pickle, pydoc
for name in ("MultiMarginLoss", "multi_margin_loss"):
    assert pickle.loads(pickle.dumps(getattr(ms_mml, name))) is getattr(ms_mml, name)
assert "class MultiMarginLoss(" in pydoc.plain(pydoc.render_doc(ms_mml))
""", tmp_path)  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert child.stdout.split() == ["0.6666667", "0.6666667"]


def test_without_mindspore(tmp_path):
    """Library paths and the ctypes interface work; the public names raise an ImportError that says what to install."""
    child = run(NO_MINDSPORE + """
import pickle
import numpy as np
import ms_mml
from ms_mml import ctypes_interface, library
kernels = ctypes_interface.CtypesLibrary(library.find("CPU").path)
scores, target = np.ones((3, 3), np.float32), np.array([1, 2, 1])
print(kernels.run("", 1, "mean", 1, [scores, target], None, np.zeros((), np.float32)))
for name in ms_mml.__all__:
    try:
        getattr(ms_mml, name)
    except ImportError as error:
        print(error)
try:
    from ms_mml import patch
except ImportError as error:
    print(error)
""", tmp_path)  # fmt: skip
    assert child.returncode == 0, child.stderr
    names = [*ms_mml.__all__, "patch"]
    assert child.stdout.splitlines() == ["0.6666667", *[f"ms_mml.{name} needs MindSpore, {INSTALL}" for name in names]]


@pytest.mark.parametrize("command", ["info", "check"])
def test_commands_without_mindspore(tmp_path, command):
    child = run(NO_MINDSPORE + f"sys.argv[1:] = ['{command}']\nfrom ms_mml.__main__ import main; main()", tmp_path)
    if command == "check":
        assert child.returncode == 1
        assert child.stderr == f"python -m ms_mml check: ms_mml.run_check needs MindSpore, {INSTALL}\n"
    else:
        assert child.returncode == 0, child.stderr
        assert "mindspore: missing. Install it: pip install 'mindspore>=2.7,<2.11'\n" in child.stdout
        assert f"CPU kernels: {library.find('CPU').path}\n    version: {ms_mml.__version__}\n" in child.stdout
        assert "GPU kernels: missing\n    why: lib/gpu/libms_mml_gpu.so is not in the package" in child.stdout


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'ms_mml' has no attribute 'nothing'"):
        _ = ms_mml.nothing


def test_requirement_on_mindspore():
    requirements = importlib.metadata.requires("ms-mml")
    assert Requirement(ms_mml.MINDSPORE) in map(Requirement, requirements)


def test_modes():
    assert MODES == {"graph": ms.GRAPH_MODE, "pynative": ms.PYNATIVE_MODE}


# ----------------------------------------------------------------------------------------------------------------------
# The choice of kernels
# ----------------------------------------------------------------------------------------------------------------------


def copy_of_the_package(folder):
    """Copy the package and its libraries, as a wheel holds them, without metadata."""
    for root in ms_mml.__path__:
        shutil.copytree(
            root, folder / "ms_mml", dirs_exist_ok=True, ignore=shutil.ignore_patterns("tests", "__pycache__")
        )
    return folder / "ms_mml"


@pytest.mark.parametrize("build_json", [None, "", "{", "[1]", "\0"], ids=repr)
def test_a_library_works_without_its_build_information(build_json, tmp_path, monkeypatch):
    for root in ms_mml.__path__:
        shutil.copytree(pathlib.Path(root), tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    file = tmp_path / library.LIBRARIES["CPU"][0]
    file.with_name("build.json").unlink() if build_json is None else file.with_name("build.json").write_text(build_json)
    monkeypatch.setitem(library.LIBRARIES, "CPU", (str(file), "make it"))
    found = library.find.__wrapped__("CPU")
    assert (found.path, found.reason) == (str(file), "found")
    assert found.build_info == {"version": "unknown, because build.json is missing or damaged"}
    monkeypatch.setattr(library, "find", lambda target: found)
    assert "    version: unknown, because build.json is missing or damaged" in info.info()


def test_a_copy_without_metadata(tmp_path):
    """A vendored or frozen copy knows its version and finds its library."""
    package = copy_of_the_package(tmp_path)
    code = "import ms_mml; from ms_mml import info, library; print(library.find('CPU').path, *info.info(), sep='\\n')\n"
    child = run(NOT_INSTALLED + code + EXAMPLE + "ms_mml.run_check()", tmp_path, MS_MML_KERNEL="aot")
    assert child.returncode == 0, child.stderr
    lines = child.stdout.splitlines()
    assert lines[:2] == [str(package / "lib" / "cpu" / "libms_mml_cpu.so"), f"ms_mml {ms_mml.__version__}"]
    assert f"ms_mml version: {ms_mml.__version__}" in lines


def test_a_wheel_on_the_path_falls_back(tmp_path):
    """Python imports modules from a zip archive, but the system loads no library from one."""
    wheel, found = tmp_path / "ms_mml.whl", importlib.metadata.distribution("ms-mml")
    package = copy_of_the_package(tmp_path / "unpacked")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"ms_mml-{ms_mml.__version__}.dist-info/METADATA", found.read_text("METADATA"))
        for file in package.rglob("*"):
            archive.write(file, file.relative_to(package.parent))
    code = "from ms_mml import info; print(ms_mml.__file__, ms_mml.__version__, *info.info(), sep='\\n')"
    child = run(NOT_INSTALLED + BOTH_MODES + code, tmp_path, PYTHONPATH=str(wheel))
    assert child.returncode == 0, child.stderr
    lines = child.stdout.splitlines()
    assert lines[:4] == ["0.6666667", "0.6666667", str(wheel / "ms_mml" / "__init__.py"), ms_mml.__version__]
    reason = f"lib/cpu/libms_mml_cpu.so is not in {wheel / 'ms_mml'}, an archive, from which no library can be loaded"
    assert any(line.startswith(f"    why: {reason}") for line in lines)
    warnings = re.findall("For 'multi_margin_loss', there is no kernel library .*", child.stderr)
    assert len(warnings) == 1
    assert reason in warnings[0]


def test_uninstalling_leaves_no_folder():
    """pip removes a folder of ours only if it installed a file directly in it; in an editable install, too."""
    assert "ms_mml" in {str(file.parent) for file in importlib.metadata.files("ms-mml")}


def test_two_processes_in_one_folder(tmp_path):
    """In a folder without a checkout, at the same time; neither warns."""
    command = [sys.executable, "-c", EXAMPLE]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    options["env"] = {**os.environ, "GLOG_v": "2"}  # MindSpore then logs warnings
    children = [subprocess.Popen(command, **options) for _ in range(2)]
    for output, errors in [child.communicate() for child in children]:
        assert output.split() == ["0.6666667", "2.0"], errors
        assert "multi_margin_loss" not in errors


def test_from_a_checkout(tmp_path):
    """Python started in a checkout imports its modules and uses the installed kernels, since the checkout has none."""
    shutil.copytree(README.parent / "ms_mml", tmp_path / "ms_mml", ignore=shutil.ignore_patterns("lib"))
    plain = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in type(f).__module__]\n"
    child = run(plain + "import ms_mml; print(ms_mml.__file__)\n" + EXAMPLE, tmp_path, MS_MML_KERNEL="aot")
    assert child.stdout.split() == [str(tmp_path / "ms_mml" / "__init__.py"), "0.6666667", "2.0"], child.stderr


def test_composite_by_request(tmp_path):
    child = run(EXAMPLE, tmp_path, MS_MML_KERNEL="composite")
    assert child.stdout.split() == ["0.6666667", "2.0"], child.stderr
    assert "multi_margin_loss" not in child.stderr


@pytest.mark.parametrize(("choice", "error"), [
    ("aot", "RuntimeError: For 'multi_margin_loss', MS_MML_KERNEL is 'aot' but there is no kernel library"),
    ("fastest", "ValueError: For 'multi_margin_loss', MS_MML_KERNEL must be one of aot, composite, but got 'fastest'."),
    ("AOT", "ValueError: For 'multi_margin_loss', MS_MML_KERNEL must be one of aot, composite, but got 'AOT'."),
])  # fmt: skip
def test_invalid_or_unavailable_choice(tmp_path, choice, error):
    child = run(MISSING + EXAMPLE, tmp_path, MS_MML_KERNEL=choice)
    assert child.returncode == 1
    assert error in child.stderr


def test_missing_library_warns_once(tmp_path):
    child = run(MISSING + EXAMPLE, tmp_path)
    assert child.stdout.split() == ["0.6666667", "2.0"], child.stderr
    warnings = re.findall("For 'multi_margin_loss', there is no kernel library .*", child.stderr)
    assert len(warnings) == 1
    assert "lib/nowhere.so is not in the package; build it with: make it" in warnings[0]


@pytest.mark.parametrize("damage", ["not a library", None], ids=["damaged", "colon"])
def test_unusable_library(tmp_path, damage):
    """For a damaged library, or one on a path that MindSpore refuses, `info` gives the reason and the fallback runs."""
    folder = tmp_path / ("lib" if damage else "a:b")
    folder.mkdir()
    path = folder / "libms_mml_cpu.so"
    path.write_bytes(damage.encode() if damage else pathlib.Path(library.find("CPU").path).read_bytes())
    broken = f"from ms_mml import info, library; library.LIBRARIES['CPU'] = ({str(path)!r}, 'make it')\n"
    child = run(broken + "print(*info.info(), sep='\\n')" + EXAMPLE, tmp_path)
    assert child.returncode == 0, child.stderr
    assert "CPU kernels: missing" in child.stdout
    assert "build it with: make it" in child.stdout
    assert ("file too short" if damage else "takes no path with a colon") in child.stdout
    assert child.stdout.split()[-2:] == ["0.6666667", "2.0"]


INVALID = {
    "MS_MML_KERNEL": ["fastest", " aot"],
    "MS_MML_INSTRUCTION_SET": ["mmx", "AVX2"],
    "MS_MML_NUM_THREADS": ["abc", "0", "-1", "2.5", "4x", " 4", "+4", "99999999999"],
}
ALLOWED = {
    "MS_MML_KERNEL": "one of aot, composite",
    "MS_MML_INSTRUCTION_SET": r"one of (avx512, )?(avx2, )?baseline on this processor",
    "MS_MML_NUM_THREADS": "an integer from 1 to 2147483647",
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_environment_variables(tmp_path, name):
    """In both modes the first call raises, even if other kernels than those of the variable would run."""
    value = INVALID[name][0]
    expected = rf"For 'multi_margin_loss', {name} must be {ALLOWED[name]}, but got '{value}'\."
    for other in ({}, {"MS_MML_KERNEL": "composite"}) if name != "MS_MML_KERNEL" else ({},):
        child = run(BOTH_MODES, tmp_path, **{name: value, **other})
        lines = child.stdout.splitlines()
        assert len(lines) >= 2, child.stderr
        assert re.match(expected, lines[0])
        assert any(re.match(expected, line) for line in lines[1:])
    child = run(f"import sys; sys.argv[1:] = ['info']\n{MAIN}", tmp_path, **{name: value})
    assert child.returncode == 0, child.stderr
    assert re.search(f"^{name} {value}$", child.stdout, re.MULTILINE)
    assert re.search(f"    problem: {expected}$", child.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["check", "demo", "bench"])
def test_commands_with_an_invalid_environment_variable(tmp_path, command):
    child = run(f"import sys; sys.argv[1:] = ['{command}']\n{MAIN}", tmp_path, MS_MML_NUM_THREADS="4x")
    assert child.returncode == 1
    assert child.stderr == (
        f"python -m ms_mml {command}: For 'multi_margin_loss', MS_MML_NUM_THREADS must be an integer from 1 to "
        "2147483647, but got '4x'.\n"
    )


@pytest.mark.parametrize("name", INVALID)
def test_every_invalid_value(name, monkeypatch):
    """The package without MindSpore, and the library alone: each call of either raises until the variable is valid."""
    code = f"""
import os
import numpy as np
from ms_mml import ctypes_interface, library
kernels = ctypes_interface.CtypesLibrary(library.find("CPU").path)
arrays = [np.ones((3, 3), np.float32), np.array([1, 2, 1])]
def call():
    result = np.full((), 77, np.float32)
    try:
        return kernels.run("", 1, "mean", 1, arrays, None, result)
    except RuntimeError as error:
        assert np.isnan(result)
        return error
for value in {INVALID[name] + [os.fsdecode(bytes([255]))]!r}:
    os.environ["{name}"] = value
    for check in (library.check_environment, call):
        try:
            print(check())
        except ValueError as error:
            print(ascii(str(error)))
os.environ["{name}"] = ""
library.check_environment()
print(call())
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *errors, last = child.stdout.splitlines()
    assert last == "0.6666667"
    assert len(errors) == 2 * len(INVALID[name]) + 2
    pattern = f".For 'multi_margin_loss', {name} must be {ALLOWED[name]}, but got '.*'"
    if name == "MS_MML_KERNEL":
        assert errors[1::2] == ["0.6666667"] * len(errors[1::2])  # the library does not read it
        errors = errors[::2]
    assert all(re.search(pattern[1:], error) for error in errors), errors


def test_empty_environment_variables_are_unset(tmp_path):
    child = run(BOTH_MODES, tmp_path, **dict.fromkeys(INVALID, ""))
    assert child.stdout.split() == ["0.6666667", "0.6666667"], child.stderr
    assert "multi_margin_loss" not in child.stderr


@pytest.mark.parametrize("folder", ["elsewhere", ""])
def test_a_white_list_without_our_library(tmp_path, folder):
    """The error names MindSpore's variable. MindSpore takes an empty one for the working directory."""
    child = run(BOTH_MODES, tmp_path, MS_CUSTOM_AOT_WHITE_LIST=folder)
    found = library.find("CPU").path
    expected = (
        f"For 'multi_margin_loss', MS_CUSTOM_AOT_WHITE_LIST must be a folder that contains the kernel library {found}, "
        f"but got '{folder}'. Set it to {os.path.dirname(found)}, unset it, or set MS_MML_KERNEL=composite."
    )
    assert child.stdout.splitlines().count(expected) == 2, child.stdout


def test_check_without_usable_kernels(tmp_path):
    """The command prints the error, and no traceback."""
    environment = {**os.environ, "MS_CUSTOM_AOT_WHITE_LIST": "elsewhere"}
    command = [sys.executable, "-m", "ms_mml", "check"]
    child = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 1
    message = child.stderr.splitlines()[-1]
    assert message.startswith("python -m ms_mml check: For 'multi_margin_loss', MS_CUSTOM_AOT_WHITE_LIST must be")
    assert "Traceback" not in child.stderr


@pytest.mark.parametrize("choice", ["aot", "composite"])
def test_what_the_white_list_allows(tmp_path, choice):
    """Our library, if the list has its folder or one above it, and always MindSpore's own operators."""
    folder = str(tmp_path) if choice == "composite" else str(pathlib.Path(library.find("CPU").path).parents[1])
    child = run(BOTH_MODES, tmp_path, MS_CUSTOM_AOT_WHITE_LIST=folder, MS_MML_KERNEL=choice)
    assert child.stdout.split() == ["0.6666667", "0.6666667"], child.stderr


# ----------------------------------------------------------------------------------------------------------------------
# Commands and documents
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", ["bench", "demo"])
def test_missing_extra(tmp_path, extra):
    (tmp_path / "tqdm.py").write_text("raise ModuleNotFoundError('gone', name='tqdm')")
    child = run(f"import sys; sys.argv[1:] = ['{extra}']\nfrom ms_mml.__main__ import main; main()", tmp_path)
    assert child.returncode == 1
    assert child.stderr.splitlines()[-1] == (
        f"python -m ms_mml {extra}: package tqdm is missing; install the extra: pip install 'ms-mml[{extra}]'"
    )


def test_info():
    lines = "\n".join(info.info())
    found = library.find("CPU")
    assert found.path in lines
    assert set(found.build_info) == {"version", "commit", "compiler", "processor", "instruction_sets"}
    assert found.build_info["version"] == importlib.metadata.version("ms-mml") == ms_mml.__version__
    assert re.search("instruction set in use: (avx512|avx2|baseline)", lines)
    for target in ("GPU", "Ascend"):
        assert f"{target} kernels: missing" in lines


def test_run_check(mode, capsys):
    ms_mml.run_check()
    assert "are correct in graph mode and in PyNative mode on platform [CPU]" in capsys.readouterr().out
    assert ms.get_context("mode") == MODES[mode]


@pytest.mark.parametrize("module", [functional, layer, fallback, patching, self_check], ids=lambda m: m.__name__)
def test_docstring_examples(module, mode):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("code", re.findall("```python\n(.*?)```", README.read_text(), re.DOTALL), ids=["use", "patch"])
def test_readme_example(tmp_path, code):
    child = run(code, tmp_path)
    assert child.returncode == 0, child.stderr
