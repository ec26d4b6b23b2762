"""The package around the operator: choosing kernels, saying what was found, examples, and no trace of the checkout."""

import doctest
import importlib.metadata
import pathlib
import re
import shutil
import subprocess
import sys

import mindspore as ms
import pytest

import ms_mml
from ms_mml import fallback, functional, info, layer, library, patching

README = pathlib.Path(__file__).parents[2] / "README.md"
EXAMPLE = """
import mindspore as ms, numpy as np, ms_mml
x, y = ms.Tensor(np.ones((3, 3)), ms.float32), ms.Tensor([1, 2, 1], ms.int64)
print(ms_mml.multi_margin_loss(x, y))
print(ms_mml.multi_margin_loss(x, y, reduction="sum"))
"""

MISSING = "from ms_mml import library; library.LIBRARIES['CPU'] = ('lib/nowhere.so', 'make it')\n"


def run(code, tmp_path, **environment):
    """Run code in a process and folder of its own; MindSpore logs warnings and errors."""
    command = [sys.executable, "-c", code]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GLOG_v": "2", **environment}
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_example_from_any_folder(tmp_path):
    child = run(EXAMPLE, tmp_path)
    assert child.stdout.split() == ["0.6666667", "2.0"], child.stderr
    assert "multi_margin_loss" not in child.stderr


def test_from_a_checkout(tmp_path):
    """Python started in one takes the modules there, and the installed kernels, as there are none beside these."""
    shutil.copytree(README.parent / "ms_mml", tmp_path / "ms_mml", ignore=shutil.ignore_patterns("lib"))
    plain = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in type(f).__module__]\n"
    code = plain + "import ms_mml; print(ms_mml.__file__)\n" + EXAMPLE
    child = run(code, tmp_path, MS_MML_KERNEL="aot")
    assert child.stdout.split() == [str(tmp_path / "ms_mml" / "__init__.py"), "0.6666667", "2.0"], child.stderr


def test_composite_by_name(tmp_path):
    child = run(EXAMPLE, tmp_path, MS_MML_KERNEL="composite")
    assert child.stdout.split() == ["0.6666667", "2.0"], child.stderr
    assert "multi_margin_loss" not in child.stderr


@pytest.mark.parametrize(("choice", "error"), [
    ("aot", "RuntimeError: For 'multi_margin_loss', MS_MML_KERNEL is 'aot' but there is no kernel library"),
    ("fastest", "ValueError: For 'multi_margin_loss', MS_MML_KERNEL must be one of aot, composite, but got 'fastest'."),
])  # fmt: skip
def test_a_choice_that_cannot_be_honoured(tmp_path, choice, error):
    child = run(MISSING + EXAMPLE, tmp_path, MS_MML_KERNEL=choice)
    assert child.returncode == 1
    assert error in child.stderr


@pytest.mark.parametrize("extra", ["bench", "demo"])
def test_an_extra_that_is_missing(tmp_path, extra):
    (tmp_path / "tqdm.py").write_text("raise ModuleNotFoundError('gone', name='tqdm')")
    child = run(f"import sys; sys.argv[1:] = ['{extra}']\nfrom ms_mml.__main__ import main; main()", tmp_path)
    assert child.returncode == 1
    assert child.stderr.splitlines()[-1] == (
        f"python -m ms_mml {extra}: package tqdm is missing; install the extra: pip install 'ms-mml[{extra}]'"
    )


def test_a_missing_library_is_said_once(tmp_path):
    child = run(MISSING + EXAMPLE, tmp_path)
    assert child.stdout.split() == ["0.6666667", "2.0"], child.stderr
    warnings = re.findall("For 'multi_margin_loss', there is no kernel library .*", child.stderr)
    assert len(warnings) == 1
    assert "lib/nowhere.so is not in the package; build it with: make it" in warnings[0]


@pytest.mark.parametrize("damage", ["not a library", None], ids=["damaged", "colon"])
def test_a_library_that_cannot_be_used_is_explained(tmp_path, damage):
    """Damaged, or where MindSpore cannot go: `info` says why, and the composite runs."""
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


def test_two_processes_at_once(tmp_path):
    children = [subprocess.Popen([sys.executable, "-c", EXAMPLE], cwd=tmp_path, stdout=subprocess.PIPE) for _ in "ab"]
    assert [child.communicate()[0].split() for child in children] == [[b"0.6666667", b"2.0"]] * 2


def test_importing_probes_nothing(tmp_path):
    """Neither a library nor a device: an import works anywhere."""
    child = run("import ms_mml; print(open('/proc/self/maps').read().count('libms_mml'))", tmp_path)
    assert child.stdout.split() == ["0"], child.stderr


def test_white_list_of_mindspore(tmp_path):
    child = run(EXAMPLE, tmp_path, MS_CUSTOM_AOT_WHITE_LIST=str(tmp_path))
    assert child.returncode == 1
    assert "the legal path for the file is" in child.stderr
    found = pathlib.Path(library.find("CPU").path)
    assert run(EXAMPLE, tmp_path, MS_CUSTOM_AOT_WHITE_LIST=str(found.parent)).returncode == 0


def test_info_tells_what_was_built_and_what_is_missing():
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
    assert ms.get_context("mode") == {"graph": ms.GRAPH_MODE, "pynative": ms.PYNATIVE_MODE}[mode]


@pytest.mark.parametrize("module", [functional, layer, fallback, patching, info], ids=lambda m: m.__name__)
def test_docstring_examples(module, mode):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("code", re.findall("```python\n(.*?)```", README.read_text(), re.DOTALL), ids=["use", "patch"])
def test_readme_example(tmp_path, code):
    child = run(code, tmp_path)
    assert child.returncode == 0, child.stderr
