"""The import rules in pyproject.toml: a forbidden import or an import cycle fails `lint-imports`."""

import os
import shutil
import sys
import sysconfig

import pytest

from custom_ops.tests.builds import CHECKOUT, run

PACKAGES = ("ci", "conformance", "custom_ops", "ms_mml")
CODE_ONLY = shutil.ignore_patterns("*.json", "*.so", "corpus", "results", "__pycache__")

pytestmark = pytest.mark.skipif(shutil.which("lint-imports") is None, reason="import-linter needs Python 3.10")


@pytest.fixture
def checkout(tmp_path):
    """A copy of the Python code and of the rules."""
    for package in PACKAGES:
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=CODE_ONLY)
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(checkout):
    """Run lint-imports on the copy. -S disables the editable install, which would find ms_mml in the original."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(checkout), sysconfig.get_path("purelib")))}
    return run(
        sys.executable, "-S", shutil.which("lint-imports"), "--no-logo", "--no-cache", cwd=checkout, env=environment
    )


def test_the_checkout_follows_the_rules(checkout):
    child = lint(checkout)
    assert child.returncode == 0, child.stdout
    assert " 0 broken." in child.stdout


def add_import(checkout, importer, imported):
    file = (checkout / importer.replace(".", "/")).with_suffix(".py")
    file.write_text(f"{file.read_text()}\nimport {imported}\n")


@pytest.mark.parametrize(("importer", "imported"), [
    ("conformance.oracle", "ms_mml.library"),
    ("conformance.oracle", "custom_ops.tests.builds"),
    ("conformance.oracle", "ci.matrix"),
    ("ms_mml.functional", "conformance.oracle"),
    ("ms_mml.functional", "custom_ops.tests.builds"),
    ("ms_mml.functional", "ci.matrix"),
    ("ms_mml.functional", "ms_mml.subjects.library"),
    ("ms_mml.functional", "ms_mml.tests.conftest"),
    ("ms_mml.subjects.library", "custom_ops.tests.builds"),
    ("ms_mml.tests.conftest", "ci.matrix"),
    ("custom_ops.tests.builds", "ci.matrix"),
    ("custom_ops.ascend.akg.operators", "ci.matrix"),
])  # fmt: skip
def test_a_forbidden_import_fails(importer, imported, checkout):
    add_import(checkout, importer, imported)
    child = lint(checkout)
    assert child.returncode == 1, child.stdout
    assert f"{importer} -> {imported} " in child.stdout


def test_an_import_cycle_fails(checkout):
    add_import(checkout, "conformance.verdict", "conformance.cases")
    child = lint(checkout)
    assert child.returncode == 1, child.stdout
    assert "No import cycles BROKEN" in child.stdout
    assert ".verdict -> .cases " in child.stdout
