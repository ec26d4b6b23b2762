"""What the documentation says is true: its code is built and proven, its links lead somewhere, and both languages say
the same."""

import ast
import json
import re
import sys

import pytest

from conformance.contract import CLAUSES
from conformance.operator.builds import CHECKOUT, build, run

pytestmark = pytest.mark.source

TRACKED = run("git", "-C", str(CHECKOUT), "ls-files").stdout.splitlines()
KERNELS = CHECKOUT / "custom_ops" / "README.md"
PAGES = [path for path in map(CHECKOUT.joinpath, TRACKED) if path.suffix == ".md"]
ENGLISH, CHINESE = ((CHECKOUT / name).read_text() for name in ("README.md", "README_CN.md"))
SUITE = (sys.executable, "-m", "pytest", str(CHECKOUT / "conformance"), "-q", "-p", "no:cacheprovider")
LIBRARY = 'installed("lib/orca/libms_mml_orca.so")'


@pytest.fixture
def orca(tmp_path):
    """A folder with a subject: the device that custom_ops/README.md imagines, from the code in it."""
    blocks = dict(re.findall(r"```(cpp|cmake|python)\n(.*?)```", KERNELS.read_text(), re.DOTALL))
    source = tmp_path / "custom_ops"
    (source / "orca").mkdir(parents=True)
    for path in (CHECKOUT / "custom_ops").iterdir():
        if path.name != "CMakeLists.txt":
            (source / path.name).symlink_to(path)
    text = (CHECKOUT / "custom_ops" / "CMakeLists.txt").read_text()
    (source / "CMakeLists.txt").write_text(text + "include(orca/orca.cmake)\n")
    (source / "orca" / "kernels.cc").write_text(blocks["cpp"])
    (source / "orca" / "orca.cmake").write_text(blocks["cmake"])
    build(tmp_path / "build", source, target="ms_mml_orca")
    assert LIBRARY in blocks["python"]
    library = str(tmp_path / "build" / "libms_mml_orca.so")
    (tmp_path / "orca.py").write_text(blocks["python"].replace(LIBRARY, repr(library)))
    return tmp_path


def test_the_device_of_the_kernels_readme(orca):
    """It conforms in the whole quick tier."""
    child = run(*SUITE, "--subject", "orca:Orca", "--report", "report.json", cwd=orca)
    assert child.returncode == 0, child.stdout + child.stderr
    (leg,) = json.loads((orca / "report.json").read_text())["legs"]
    assert leg["complete"]
    assert leg["verdicts"].keys() == {"conforms", "not available"}
    assert leg["verdicts"]["conforms"] > 700


def test_a_function_of_ones_own(tmp_path):
    """As conformance/README.md has it."""
    (code,) = re.findall("```python\n(.*?)```", (CHECKOUT / "conformance" / "README.md").read_text(), re.DOTALL)
    (tmp_path / "mine.py").write_text(code)
    (tmp_path / "my_package.py").write_text("from ms_mml import composite as multi_margin_loss")
    cases = [f"--case={operation}-f32-p2-mean-w+-m1-9x33" for operation in ("loss", "gradient", "weight-gradient")]
    child = run(*SUITE, "--subject", "mine:Mine", *cases, cwd=tmp_path)
    assert child.returncode == 0, child.stdout + child.stderr
    assert "mine:Mine-CPU-graph: 3 conforms\nmine:Mine-CPU-pynative: 3 conforms\n" in child.stdout


def test_there_are_pages():
    assert CHECKOUT / "custom_ops" / "ascend" / "README.md" in PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


WHAT_IS_THE_SAME = {
    "headings": lambda text: [len(marks) for marks in re.findall("^(#+) ", text, re.MULTILINE)],
    "commands": lambda text: re.findall(r"^    ((?:\./|pip )[^#\n]*?)\s*(?:#.*)?$", text, re.MULTILINE),
    "code": lambda text: [ast.dump(ast.parse(code)) for code in re.findall("```python\n(.*?)```", text, re.DOTALL)],
    "figures": lambda text: [sorted(re.findall(r"[0-9.]*[0-9]", line)) for line in re.findall(r"^\|.*", text, re.M)],
    "links": lambda text: sorted(re.findall(r"\]\(([^)]*)\)", text.split("## ", 1)[1])),
    "names": lambda text: sorted(set(re.findall(r"[a-z_]+/?[a-z_]+\.(?:py|json|sh|h|cc|cu|cuh)\b", text))),
}


@pytest.mark.parametrize("what", WHAT_IS_THE_SAME)
def test_both_languages_have_the_same(what):
    english, chinese = map(WHAT_IS_THE_SAME[what], (ENGLISH, CHINESE))
    assert len(english) > 1
    assert chinese == english


def test_tables_are_translated():
    asked = {clause.text for clause in CLAUSES.values() if f": {clause.text} |" in ENGLISH}
    assert len(asked) > 10
    phrases = json.loads((CHECKOUT / "conformance" / "phrases_CN.json").read_text())
    assert not asked - phrases.keys()
    assert all(phrases[text] in CHINESE for text in asked)
