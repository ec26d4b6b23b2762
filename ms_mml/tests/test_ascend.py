"""Tests of `ms_mml` on a simulated Ascend.

The device target, CANN's folders and the operators of the op package are simulated
(custom_ops/emulation/simulated_ascend.py). The simulated operators record their calls.
"""

import shutil

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

import ms_mml
from conformance.cases.factors import POWERS
from conformance.subjects.networks import Network
from custom_ops.emulation.simulated_ascend import CHIP, DEVICE, install, operator_factory
from custom_ops.tests.builds import CHECKOUT, build_ascendc, open_ascendc, run
from ms_mml import ascend, functional, info, library
from ms_mml.tests.test_modes import Slope

RNG = np.random.default_rng(0)
SCORES, DIRECTION = RNG.standard_normal((2, 6, 5))
TARGET = ms.Tensor([0, 1, 2, 3, 4, 1], ms.int64)
WEIGHTS = np.array([1, 2, 0.25, 0.5, 3])
BUILD = "build it with: custom_ops/ascend/ascendc/build.sh"
CACHED = (library.find, library.choose, library.fall_back, functional._prepared, ascend.row_sums, ascend._slopes)


def clear_caches():
    """Make ms_mml look for its kernels again, as in a new process."""
    for function in CACHED:
        function.cache_clear()


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    return open_ascendc(build_ascendc(tmp_path_factory.mktemp("ascendc")))


@pytest.fixture
def called(kernels, monkeypatch, tmp_path):
    """The names of the operators that have run; the simulated machine has an Ascend and CANN but no op package."""
    names = []
    (tmp_path / "opp").mkdir()
    monkeypatch.setenv("ASCEND_OPP_PATH", str(tmp_path / "opp"))
    monkeypatch.setattr(ms, "get_current_device", lambda: DEVICE)
    monkeypatch.setattr(library, "_chip", lambda: CHIP)
    monkeypatch.setattr(ascend, "operator", operator_factory(kernels, names))
    clear_caches()
    yield names
    clear_caches()


@pytest.fixture
def package(called, monkeypatch, tmp_path):
    """Install the op package; return its folder."""
    monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", f"{tmp_path}/other:{install(tmp_path / 'ms_mml')}")
    return tmp_path / "ms_mml"


@pytest.fixture
def warnings(monkeypatch):
    messages = []
    monkeypatch.setattr(ms.log, "warning", messages.append)
    return messages


def arguments(dtype=ms.float32):
    return ms.Tensor(SCORES, dtype), TARGET, ms.Tensor(WEIGHTS, dtype)


def network(p=1, reduction="mean", weighted=True):
    return Network(ms_mml.multi_margin_loss, {"p": p, "margin": 1, "reduction": reduction}, weighted)


def results(dtype, p, reduction, weighted):
    """The loss and its gradients."""
    net = network(p, reduction, weighted)
    positions = (0, 2) if weighted else (0,)
    return [r.asnumpy() for r in (net(*arguments(dtype)), *ms.grad(net, positions)(*arguments(dtype)))]


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("dtype", [pytest.param(ms.float16, marks=pytest.mark.level1), ms.float32])
def test_installed_op_package_runs(mode, dtype, p, weighted, package, called, warnings):
    """A rough check of the results; the suite checks them exactly (subject ascend-emulated)."""
    got = results(dtype, p, "mean", weighted)
    assert {*called} == {f"MultiMarginLossRowsP{p}", f"MultiMarginLossSlopesP{p}"}
    assert not warnings
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MS_MML_KERNEL", "composite")
        clear_caches()
        for result, expected in zip(got, results(ms.float64, p, "mean", weighted)):
            tolerance = np.abs(expected).max() * (2**-9 if dtype == ms.float16 else 2**-22)
            np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("p", POWERS)
def test_second_derivatives(mode, p, package, called):
    def second():
        slope = Slope(network(p), 0)
        return [g.asnumpy() for g in ms.grad(slope, (0, 2))(*arguments(), ms.Tensor(DIRECTION, ms.float32))]

    got = second()
    assert called or mode == "graph"  # graph mode removes a gradient whose value is unused
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MS_MML_KERNEL", "composite")
        clear_caches()
        for result, expected in zip(got, second()):
            np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_op_package_is_found_among_vendors(called, tmp_path):
    """Vendors are searched in the order of config.ini; the package must have all operators for this chip."""
    vendors = tmp_path / "opp" / "vendors"
    install(vendors / "other", operators=library.OPERATORS[:3])
    install(vendors / "old", chip="ascend310p")
    install(vendors / "ms_mml")
    install(vendors / "unlisted")
    (vendors / "config.ini").write_text("load_priority=other, old,ms_mml\n")
    assert library.find("Ascend").path == str(vendors / "ms_mml")
    ms_mml.multi_margin_loss(*arguments()[:2]).asnumpy()
    assert called == ["MultiMarginLossRowsP1"]


@pytest.mark.parametrize(("chip", "reason"), [
    (None, "no op package of CANN has its operators for ascend910b"),
    ("ascend310p", "no op package of CANN has its operators for ascend910b"),
    ("no CANN", "there is no CANN: ASCEND_OPP_PATH is not set"),
])  # fmt: skip
def test_without_the_op_package(mode, chip, reason, called, warnings, monkeypatch, tmp_path):
    """The fallback runs, with one warning that names the command that builds the package."""
    if chip == "no CANN":
        monkeypatch.delenv("ASCEND_OPP_PATH")
    elif chip:
        monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", str(install(tmp_path / "ms_mml", chip)))
    for p in POWERS:
        results(ms.float32, p, "mean", True)
    assert not called
    missing = f"no kernel library for device target Ascend ({reason}; {BUILD})"
    assert warnings == [f"For 'multi_margin_loss', there is {missing}. It runs as MindSpore operators instead."]
    monkeypatch.setenv("MS_MML_KERNEL", "aot")
    clear_caches()
    with pytest.raises(RuntimeError, match="MS_MML_KERNEL is 'aot' but there is no kernel library for device target A"):
        network()(*arguments())


def test_fallback_on_request(mode, package, called, warnings, monkeypatch):
    monkeypatch.setenv("MS_MML_KERNEL", "composite")
    results(ms.float32, 1, "mean", True)
    assert not called
    assert not warnings


def test_float64(mode, package, called, warnings, monkeypatch):
    for p in POWERS:
        results(ms.float64, p, "mean", True)
    assert not called
    assert len(warnings) == 1
    assert "there is no kernel on Ascend for float64" in warnings[0]
    monkeypatch.setenv("MS_MML_KERNEL", "aot")
    clear_caches()
    with pytest.raises(RuntimeError, match="MS_MML_KERNEL is 'aot' but there is no kernel on Ascend for float64"):
        network()(*arguments(ms.float64))


def test_dynamic_shapes(package, called, warnings):
    ms.set_context(mode=ms.GRAPH_MODE)
    net = network()
    net.set_inputs(ms.Tensor(shape=[None, 5], dtype=ms.float32), TARGET, ms.Tensor(WEIGHTS, ms.float32))
    dynamic = net(*arguments()).asnumpy()
    assert not called
    assert len(warnings) == 1
    assert "no kernel on Ascend for shapes unknown when the graph is compiled" in warnings[0]
    np.testing.assert_allclose(dynamic, network()(*arguments()).asnumpy(), rtol=1e-6)
    assert called


def test_more_classes_than_int32_can_count(called, warnings):
    assert ascend.takes(ms.float32, (1, 2**31 - 1))
    assert not warnings
    assert not ascend.takes(ms.float32, (1, 2**31))
    assert "no kernel on Ascend for 2147483648 classes, because its targets are int32" in warnings[0]


def test_empty_batch(mode, package, called, warnings):
    scores, target, weight = arguments()
    assert network(reduction="sum")(scores[:0], target[:0], weight) == 0
    assert not called
    assert not warnings


@pytest.mark.parametrize("bad", [5, -1, 2**32 + 1, -(2**63)])
def test_target_out_of_range(mode, bad, package, called):
    """The row's loss is NaN and its gradient 0, even if the target truncated to int32 would be a class."""
    scores, _, weight = arguments()
    target = ms.Tensor([0, bad, 2, 3, 4, 1], ms.int64)
    net = network(2, "none")
    np.testing.assert_array_equal(np.isnan(net(scores, target, weight).asnumpy()), np.arange(6) == 1)
    gradient = ms.grad(net)(scores, target, weight).asnumpy()
    np.testing.assert_array_equal(np.abs(gradient).max(axis=1) > 0, np.arange(6) != 1)
    assert called


class Half(nn.Cell):
    """A network in float16, with a margin that float16 cannot represent."""

    def __init__(self):
        super().__init__()
        self.loss = ms_mml.MultiMarginLoss(margin=0.1, reduction="sum")
        self.to_float(ms.float16)

    def construct(self, input, target):
        return self.loss(input, target)


def test_mixed_precision(mode, package, called):
    zeros = ms.ops.zeros((1, 2), ms.float32)
    assert Half()(zeros, TARGET[:1]).asnumpy() == np.float16(0.05)
    np.testing.assert_allclose(ms.grad(Half())(zeros, TARGET[:1]).asnumpy(), [[-0.5, 0.5]])
    assert {*called} == {"MultiMarginLossRowsP1", "MultiMarginLossSlopesP1"}


def test_info(package):
    lines = "\n".join(info.info())
    assert f"Ascend kernels: {package}\n    chips: {CHIP}\n    as MindSpore operators (composite): float64, " in lines


def test_info_without_the_op_package(called):
    lines = "\n".join(info.info())
    assert f"Ascend kernels: missing\n    why: no op package of CANN has its operators for {CHIP}; runs as" in lines
    assert BUILD in lines


@pytest.mark.skipif(shutil.which("npu-smi") is not None, reason="npu-smi is installed")
def test_ci_run_names_what_is_missing():
    child = run(str(CHECKOUT / "ci" / "run"), "ascend")
    assert child.returncode == 77
    assert "ci/run: NOT RUN: npu-smi finds no Ascend device" in child.stderr
