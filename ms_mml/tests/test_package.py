"""The package: lazy imports, the choice of kernels, `info` and `check`, and the examples of the documents."""

import doctest
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys

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

MISSING = "from ms_mml import library; library.LIBRARIES['CPU'] = ('lib/nowhere.so', 'make it')\n"
NO_MINDSPORE = """
import sys
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
PathFinder.find_spec = lambda name, *arguments: None if name == "mindspore" else find_spec(name, *arguments)
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


def test_white_list_of_mindspore(tmp_path):
    child = run(EXAMPLE, tmp_path, MS_CUSTOM_AOT_WHITE_LIST=str(tmp_path))
    assert child.returncode == 1
    assert "the legal path for the file is" in child.stderr
    found = pathlib.Path(library.find("CPU").path)
    assert run(EXAMPLE, tmp_path, MS_CUSTOM_AOT_WHITE_LIST=str(found.parent)).returncode == 0


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
