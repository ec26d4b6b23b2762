"""The device that README.md adds as an example builds from the code in it, and conforms."""

import json
import re
import sys

import pytest

from custom_ops.tests.builds import CHECKOUT, build, run

KERNELS = CHECKOUT / "custom_ops" / "README.md"
SUITE = (sys.executable, "-m", "pytest", str(CHECKOUT / "conformance"), "-q", "-p", "no:cacheprovider")
LIBRARY = 'library.find("Orca").path'


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
