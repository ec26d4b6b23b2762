"""Fixtures for the kernel tests."""

import pytest

from conformance.guard import Memory
from ms_mml.subjects.library import Library


@pytest.fixture
def cpu_library():
    subject = Library("CPU", "")
    subject.memory = Memory()
    return subject
