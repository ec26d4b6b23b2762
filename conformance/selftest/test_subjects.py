"""Subject names: those that a project or an installed package declares, the default, and errors for unknown ones."""

import os
import pathlib
import shutil

import pytest

from conformance.subjects import OWN, default, known, resolve
from conformance.subjects.base import NotAvailable

SUITE = pathlib.Path(__file__).parents[1]
CASE = ("--case", "loss-f32-p1-mean-wnone-m1-9x33")
PROJECT = """
[project]
name = "vendor"

[project.entry-points."conformance.subjects"]
by-entry-point = "my_kernel:MySubject"

[tool.conformance]
default-subject = "by-table"

[tool.conformance.subjects]
by-table = "my_kernel:MySubject"
"""


@pytest.fixture
def project(tmp_path):
    """The folder of a project that declares the example subject in its pyproject.toml, and that holds the suite."""
    shutil.copytree(SUITE, tmp_path / "conformance", ignore=shutil.ignore_patterns("__pycache__", "selftest"))
    shutil.copy(SUITE / "example" / "my_kernel.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


@pytest.mark.parametrize("options", [(), ("--subject", "by-table"), ("--subject", "by-entry-point")], ids=str)
def test_subject_of_a_project(project, run_suite, options):
    child = run_suite(project, *options, *CASE, suite=project / "conformance")
    assert child.returncode == 0, child.stdout + child.stderr
    assert f"{options[1] if options else 'by-table'}-CPU: 1 conforms" in child.stdout


def test_subject_of_the_project_that_contains_the_suite(project, run_suite):
    """The run starts in another folder."""
    folder = project / "elsewhere"
    folder.mkdir()
    shutil.move(project / "my_kernel.py", project / "conformance" / "my_kernel.py")
    toml = PROJECT.replace("my_kernel:", "conformance.my_kernel:")
    (project / "pyproject.toml").write_text(toml)
    child = run_suite(folder, *CASE, suite=project / "conformance")
    assert child.returncode == 0, child.stdout + child.stderr
    assert "by-table-CPU: 1 conforms" in child.stdout


def test_subject_of_an_installed_package(project, run_suite):
    """The package's metadata is in a *.dist-info folder on the path, as pip installs it."""
    (project / "pyproject.toml").unlink()
    site = project / "site"
    metadata = site / "vendor-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: vendor\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[conformance.subjects]\nvendor = vendor_kernel:MySubject\n")
    shutil.move(project / "my_kernel.py", site / "vendor_kernel.py")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    suite = project / "conformance"
    child = run_suite(project, "--subject", "vendor", *CASE, suite=suite, environment=environment)
    assert child.returncode == 0, child.stdout + child.stderr
    assert "vendor-CPU: 1 conforms" in child.stdout


def test_run_without_a_subject_lists_the_names(project, run_suite):
    toml = PROJECT.replace('default-subject = "by-table"', "")
    (project / "pyproject.toml").write_text(toml)
    child = run_suite(project, suite=project / "conformance")
    assert child.returncode == 4
    assert "name a subject: --subject NAME, where NAME is module:Class or one of " in child.stderr
    assert all(name in child.stderr for name in (*OWN, "by-table", "by-entry-point"))


def test_unknown_name_lists_the_names(project):
    with pytest.raises(NotAvailable, match=r"neither module:Class nor one of .*by-entry-point, by-table, .*numpy"):
        resolve("numpyy", project)


def test_resolved_names(project):
    assert resolve("numpy", project) == "conformance.subjects.numpy:NumPy"
    assert resolve("by-table", project) == "my_kernel:MySubject"
    assert resolve("any_module:AnyClass", project) == "any_module:AnyClass"
    assert default(project) == "by-table"
    assert set(OWN) < set(known(project))
