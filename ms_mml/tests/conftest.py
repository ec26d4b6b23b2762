"""Fixtures for the tests of the operator and the package."""

import os

import mindspore as ms
import pytest
from hypothesis import HealthCheck, settings

from ms_mml import library
from ms_mml.modes import MODES

# Hypothesis draws the same examples in every run. With --hypothesis-profile=search it draws new and more examples.
settings.register_profile(
    "same",
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("quick", settings.get_profile("same"), max_examples=50)
settings.register_profile("search", settings.get_profile("same"), max_examples=2500, derandomize=False)
settings.load_profile("quick" if os.environ.get("MS_MML_TIER") == "quick" else "same")


@pytest.fixture(scope="session", autouse=True)
def _device(tmp_path_factory):
    """Run in a temporary folder, because MindSpore leaves files in the working directory."""
    ms.set_context(device_target="CPU")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("mindspore"))
        yield


@pytest.fixture(params=MODES)
def mode(request):
    ms.set_context(mode=MODES[request.param])
    return request.param


@pytest.fixture(scope="session")
def kernels():
    """The path of the kernel library. It must exist: without it, a test would exercise the fallback."""
    found = library.find("CPU")
    assert found.path is not None, found.reason
    return found.path
