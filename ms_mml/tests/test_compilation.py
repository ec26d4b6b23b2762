"""What MindSpore's compilers other than graph mode's do with the operator: export, and the capture of bytecode."""

import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

import ms_mml
from conformance.subjects.networks import Network

RNG = np.random.default_rng(0)

pytestmark = pytest.mark.usefixtures("kernels")


def arguments(rows, classes):
    scores, weight = RNG.standard_normal((rows, classes)), RNG.standard_normal(classes)
    target = RNG.integers(0, classes, rows)
    return ms.Tensor(scores, ms.float32), ms.Tensor(target), ms.Tensor(weight, ms.float32)


def network(reduction):
    return Network(ms_mml.multi_margin_loss, {"p": 2, "margin": 1, "reduction": reduction}, weighted=True)


def exported(file, shapes, reduction):
    """Export the network, and load the file."""
    if shapes == "dynamic":
        dtypes = ((2, ms.float32), (1, ms.int64), (1, ms.float32))
        inputs = [ms.Tensor(shape=[None] * rank, dtype=dtype) for rank, dtype in dtypes]
    else:
        inputs = arguments(6, 5)
    ms.export(network(reduction), *inputs, file_name=str(file), file_format="MINDIR")
    return file.read_bytes(), nn.GraphCell(ms.load(str(file)))


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("shapes", ["static", "dynamic"])
def test_exported_network(mode, tmp_path, kernels, shapes, reduction):
    """It gives the same losses and gradients, of another shape too. Its file does not depend on this installation."""
    content, _ = exported(tmp_path / "network.mindir", shapes, reduction)
    assert kernels.encode() not in content
    for size in ((6, 5),) if shapes == "static" else ((6, 5), (3, 4)):
        inputs = arguments(*size)
        # MindSpore runs a loaded network with one shape, and only graph mode differentiates it.
        loaded = nn.GraphCell(ms.load(str(tmp_path / "network.mindir")))
        expected = network(reduction)(*inputs)
        np.testing.assert_allclose(loaded(*inputs).asnumpy(), expected.asnumpy(), rtol=1e-6)
        if mode == "graph":
            loaded = nn.GraphCell(ms.load(str(tmp_path / "network.mindir")))
            for got, right in zip(ms.grad(loaded, (0, 2))(*inputs), ms.grad(network(reduction), (0, 2))(*inputs)):
                np.testing.assert_allclose(got.asnumpy(), right.asnumpy(), rtol=1e-5, atol=1e-7)
                assert np.abs(got.asnumpy()).max() > 0


def test_a_network_runs_the_kernels_after_its_export(mode, tmp_path):
    """Only the exported graph is made of MindSpore's operators."""
    net, inputs = network("mean"), arguments(6, 5)
    ms.export(net, *inputs, file_name=str(tmp_path / "network"), file_format="MINDIR")
    bad_target = ms.Tensor(np.full(6, 9))
    with pytest.raises(RuntimeError, match=r"target\[0\] is 9"):  # the fallback would return NaN
        net(inputs[0], bad_target, inputs[2]).asnumpy()


def test_onnx_is_refused(mode, tmp_path):
    """A file with an operator that no runtime has would be useless."""
    with pytest.raises(RuntimeError, match=r"For 'multi_margin_loss', ONNX has no such operator.*without the loss"):
        ms.export(network("mean"), *arguments(6, 5), file_name=str(tmp_path / "network"), file_format="ONNX")
    assert not list(tmp_path.iterdir())


LAYER = ms_mml.MultiMarginLoss()
CAPTURED = {
    "function": lambda input, target: ms_mml.multi_margin_loss(input, target),
    "composite": lambda input, target: ms_mml.composite(input, target),
    "layer": lambda input, target: LAYER(input, target),
    "gradient": lambda input, target: ms.grad(ms_mml.multi_margin_loss)(input, target),
}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="MindSpore captures no bytecode of Python 3.12 or later")
@pytest.mark.parametrize("function", CAPTURED.values(), ids=CAPTURED)
def test_bytecode_capture_of_the_full_graph(mode, function):
    """With `fullgraph`, MindSpore raises if it cannot capture a call."""
    input, target, _ = arguments(6, 5)
    captured = ms.jit(function, capture_mode="bytecode", fullgraph=True)(input, target)
    np.testing.assert_allclose(captured.asnumpy(), function(input, target).asnumpy(), rtol=1e-6)
