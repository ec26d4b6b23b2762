"""Options and fixtures of the suite."""

import mindspore as ms
import pytest
from kernel_library import EntryPoints
from subjects import MODES

from ms_mml import library


def pytest_addoption(parser):
    parser.addoption("--device-target", default="CPU", choices=library.TARGETS, help="where the operator runs")


@pytest.fixture(scope="session", autouse=True)
def _device(request, tmp_path_factory):
    """MindSpore leaves files in the working directory, so it gets one of its own."""
    ms.set_context(device_target=request.config.getoption("--device-target"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("mindspore"))
        yield


@pytest.fixture(params=MODES)
def mode(request):
    ms.set_context(mode=MODES[request.param])
    return request.param


@pytest.fixture(scope="session")
def kernels(request):
    """The path of the kernel library: a suite that ran without it would prove nothing of it."""
    found = library.find(request.config.getoption("--device-target"))
    assert found.path is not None, found.reason
    return found.path


@pytest.fixture(scope="session")
def cpu_library():
    return EntryPoints(library.find("CPU").path)
