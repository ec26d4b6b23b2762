"""The example device of custom_ops/README.md: its code builds, and it conforms."""

import json
import re

import pytest

from custom_ops.tests.builds import KERNELS, build, run_suite

LIBRARY = 'library.find("Orca").path'


@pytest.fixture
def orca(tmp_path):
    """A folder with the example's subject, which uses a build of the example's kernels."""
    blocks = dict(re.findall(r"```(cpp|cmake|python)\n(.*?)```", (KERNELS / "README.md").read_text(), re.DOTALL))
    source = tmp_path / "custom_ops"
    (source / "orca").mkdir(parents=True)
    for path in KERNELS.iterdir():
        if path.name != "CMakeLists.txt":
            (source / path.name).symlink_to(path)
    text = (KERNELS / "CMakeLists.txt").read_text()
    (source / "CMakeLists.txt").write_text(text + "include(orca/orca.cmake)\n")
    (source / "orca" / "kernels.cc").write_text(blocks["cpp"])
    (source / "orca" / "orca.cmake").write_text(blocks["cmake"])
    build(tmp_path / "build", source, target="ms_mml_orca")
    # The checkout's ms_mml/library.py does not list Orca.
    assert LIBRARY in blocks["python"]
    built = repr(str(tmp_path / "build" / "libms_mml_orca.so"))
    (tmp_path / "orca.py").write_text(blocks["python"].replace(LIBRARY, built))
    return tmp_path


def test_the_example_device_conforms(orca):
    """It conforms in the whole quick tier."""
    child = run_suite("-q", "--subject", "orca:Orca", "--report", "report.json", cwd=orca)
    assert child.returncode == 0, child.stdout + child.stderr
    (leg,) = json.loads((orca / "report.json").read_text())["legs"]
    assert leg["complete"]
    assert leg["verdicts"].keys() == {"conforms", "not available"}
    assert leg["verdicts"]["conforms"] > 700
