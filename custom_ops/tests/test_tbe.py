"""Tests of the TBE kernels that the suite's `tbe-emulated` does not cover.

They show that mutants are caught, that the stub refuses what CANN refuses and never passes for Ascend, and that the
files for CANN agree with the kernels.
"""

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import types
import zlib
from dataclasses import replace

import numpy as np
import pytest

from conformance.cases.values import ValueCase
from conformance.isolation import legs
from conformance.leg import Leg
from conformance.subjects.base import NotAvailable
from conformance.verdict import Verdict
from conformance.worker import answer_case
from custom_ops.ascend.tbe import registration
from custom_ops.emulation.subjects.tbe import EMULATION, TbeEmulated
from custom_ops.tests.builds import CHECKOUT, run

LOSS = ValueCase("loss", "f16", 1, "none", "wnone", 1, (9, 33))
GRADIENT = ValueCase("gradient", "f16", 1, "none", "wnone", 1, (9, 33))
LEG = Leg("tbe-emulated", "CPU", "", TbeEmulated.claims, TbeEmulated.lacks, TbeEmulated.limits, False)
FOLDER = CHECKOUT / "custom_ops" / "ascend" / "tbe"
SOURCE = FOLDER / "multi_margin_loss.py"
SELECT = 'dsl.vcmpsel(wrong, 0.0, "gt", hinges, 0.0)'


@pytest.fixture
def mutant(tmp_path, monkeypatch):
    """Return a function that makes a subject of an edited copy of the kernels."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(right, wrong):
        text = SOURCE.read_text()
        assert text.count(right) == 1
        name = f"mutant_{zlib.crc32((right + wrong).encode())}"  # Python imports a name only once
        (tmp_path / f"{name}.py").write_text(text.replace(right, wrong))
        subject = TbeEmulated("CPU", "")
        subject.kernels = importlib.import_module(name)
        return subject

    return make


@pytest.fixture
def tbe():
    """The modules of the stub, under short names."""
    TbeEmulated("CPU", "")  # puts the stub on sys.path
    names = {"dsl": "tbe.dsl", "tvm": "tbe.tvm", "emulated": "tbe.emulated", "checks": "tbe.common.utils.para_check"}
    return types.SimpleNamespace(**{name: importlib.import_module(module) for name, module in names.items()})


def outcome(subject, case):
    return case.outcome(answer_case(subject, case), LEG)


@pytest.mark.parametrize(
    ("right", "wrong", "case"),
    [
        (SELECT, "hinges", LOSS),
        (SELECT, "dsl.vmul(wrong, hinges)", replace(LOSS, values="inf", column="target")),
        (
            'dsl.vcmpsel(z, 0.0, "lt", 0.0, z)',
            'dsl.vcmpsel(z, 0.0, "gt", z, 0.0)',
            replace(LOSS, p=2, values="nan", column="inner"),
        ),
        ("dsl.vmuls(hinge, 2.0)", "hinge", replace(GRADIENT, p=2)),
        ('dsl.vcmpsel(hinge, 0.0, "gt", 1.0, hinge)', "hinge", GRADIENT),
        ("dsl.broadcast(own, shape)", "0.0", GRADIENT),
    ],
    ids=["no mask", "mask as a factor", "NaN dropped", "factor 2 missing", "hinge as slope", "no slope at the target"],
)
def test_mutant_diverges(mutant, right, wrong, case):
    assert outcome(TbeEmulated("CPU", ""), case).verdict is Verdict.CONFORMS
    found = outcome(mutant(right, wrong), case)
    assert found.verdict is Verdict.DIVERGES
    assert found.broken


def test_low_part_of_the_gap(mutant):
    """The score cancels the high part of the gap, so the hinge is the low part: 2**-30."""
    scores, target = np.array([[-1, -(2.0**-30)]], np.float32), np.array([1], np.int32)
    margin = np.array([1, 0], np.float32)
    assert TbeEmulated("CPU", "").row_sums(1, scores, target, margin) == [2.0**-30]
    without = mutant(", dsl.broadcast(low, shape))", ", dsl.vmuls(dsl.broadcast(low, shape), 0.0))")
    assert without.row_sums(1, scores, target, margin) == [0]


@pytest.mark.parametrize(
    ("right", "wrong", "text"),
    [
        (
            "dsl.reduce_sum(terms, axis=1)",
            "dsl.vmuls(dsl.reduce_sum(terms, axis=1), 1.0)",
            "vmuls: no vector operation may follow a reduce",
        ),
        (
            'dsl.cast_to(scores, "float32")',
            "scores",
            "vadd: all operands must be of one dtype, but got float32 and float16",
        ),
        (
            "dsl.broadcast(high, shape)",
            "high",
            "vadd: all operands must be of one shape, but got (9, 1) and (9, 33)",
        ),
    ],
    ids=["vector operation after a reduce", "mixed dtypes", "no broadcast"],
)
def test_mutant_is_refused(mutant, right, wrong, text):
    refused = outcome(mutant(right, wrong), LOSS)
    assert refused.verdict is Verdict.REFUSES
    assert refused.detail == f"RuntimeError: {text}"


def scheduled(tbe, result):
    with tbe.tvm.target.cce():
        return tbe.dsl.auto_schedule(result)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t, x, i: t.tvm.placeholder((2, 3), "float64", "x"), "placeholder x: the vector unit has no float64"),
        (lambda t, x, i: t.dsl.cast_to(x, "float64"), "cast_to: the vector unit does not convert float32 to float64"),
        (
            lambda t, x, i: t.checks.check_dtype("float64", ("float16",), "x"),
            "[x] must be one of float16, but got float64",
        ),
        (lambda t, x, i: t.dsl.vcmpsel(i, 0, "gt", i, 0), "vcmpsel: takes float16, float32, but got int32"),
        (lambda t, x, i: t.dsl.reduce_sum(i, axis=1), "reduce_sum: takes float16, float32, but got int32"),
        (lambda t, x, i: t.dsl.broadcast(x, (3, 3)), "broadcast: (2, 3) does not fit (3, 3)"),
        (lambda t, x, i: t.dsl.auto_schedule(x), "auto_schedule: must be called under tvm.target.cce()"),
        (lambda t, x, i: t.dsl.build(x, {}), "takes the schedule that auto_schedule returns, but got Tensor"),
        (
            lambda t, x, i: t.dsl.build(scheduled(t, x), {"name": "f", "tensor_list": [x, i]}),
            "the last tensor of tensor_list must be the one that was scheduled",
        ),
        (
            lambda t, x, i: t.dsl.build(scheduled(t, x), {"name": "f", "tensor_list": [i, x]}),
            "f reads a placeholder that is not in tensor_list",
        ),
    ],
)
def test_stub_refuses(tbe, call, text):
    x, integers = tbe.tvm.placeholder((2, 3), "float32"), tbe.tvm.placeholder((2, 3), "int32")
    with pytest.raises(RuntimeError, match=re.escape(text)):
        call(tbe, x, integers)


def test_stub_refuses_empty_tensors(tbe):
    empty = tbe.tvm.placeholder((0, 3), "float32")
    with pytest.raises(RuntimeError, match=re.escape("vcmpsel: every dimension must be positive")):
        tbe.dsl.vcmpsel(empty, 0, "gt", empty, 0)


def test_stub_rounds_each_step(tbe):
    """2048 + 1 is 2048 in float16; in float32 it would be 2049."""
    x = tbe.tvm.placeholder((1, 1), "float16")
    result = tbe.dsl.vadd(tbe.dsl.vadd(x, x), tbe.dsl.vmuls(x, 0.5**10))
    tbe.dsl.build(scheduled(tbe, result), {"name": "rounds", "tensor_list": [x, result]})
    assert tbe.emulated.launch("rounds", np.full((1, 1), 1024, np.float16)) == [[2048]]


def test_subject_does_not_run_on_ascend(tmp_path):
    subject = "custom_ops.emulation.subjects.tbe:TbeEmulated"
    with pytest.raises(NotAvailable, match="it runs on CPU"):
        legs(subject, "Ascend", (), tmp_path)
    (leg,) = legs(subject, "CPU", (), tmp_path)
    assert leg.environment["device"] == "none: the TBE DSL, in NumPy"


def test_stub_writes_no_files(tmp_path, monkeypatch):
    """CANN's build writes binaries to ./kernel_meta. The stub writes none, so its build cannot pass for CANN's."""
    monkeypatch.chdir(tmp_path)
    outcome(TbeEmulated("CPU", ""), LOSS)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def deployed(tmp_path):
    command = [sys.executable, "-m", "custom_ops.ascend.tbe.deploy", str(tmp_path)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    package = tmp_path / "vendors" / "ms_mml_tbe"
    assert child.stdout == f"export ASCEND_CUSTOM_OPP_PATH={package}:$ASCEND_CUSTOM_OPP_PATH\n"
    return package / "op_impl" / "ai_core" / "tbe"


def test_deployed_files(deployed):
    chips = ("ascend310b", "ascend310p", "ascend910", "ascend910b", "ascend910_93")
    files = {path.relative_to(deployed) for path in deployed.rglob("*") if path.is_file()}
    expected = {pathlib.Path("config", chip, f"aic-{chip}-ops-info.json") for chip in chips}
    assert files == expected | {pathlib.Path("ms_mml_tbe_impl", "multi_margin_loss.py")}
    assert (deployed / "ms_mml_tbe_impl" / "multi_margin_loss.py").read_bytes() == SOURCE.read_bytes()
    assert len({(deployed / path).read_bytes() for path in expected}) == 1


def test_deployed_information(deployed):
    information = json.loads((deployed / "config" / "ascend910b" / "aic-ascend910b-ops-info.json").read_text())
    kernels = TbeEmulated("CPU", "").kernels
    assert len(information) == 5
    for operator in information.values():
        assert operator["opFile"] == {"value": "multi_margin_loss"}
        function = getattr(kernels, operator["opInterface"]["value"])
        inputs = [value["name"] for key, value in operator.items() if key.startswith("input")]
        names = function.__wrapped__.__code__.co_varnames[: function.__wrapped__.__code__.co_argcount]
        assert [*inputs, operator["output0"]["name"], "kernel_name"] == list(names)
        assert not [key for key in operator if key.startswith("attr")]
    common = {"paramType": "required", "format": "ND,ND", "shape": "all"}
    assert information["MultiMarginLossTbeSlopesP2"]["input0"] == {"name": "scores", "dtype": "float16,float", **common}
    assert information["MultiMarginLossTbeSlopesP2"]["input4"] == {"name": "factor", "dtype": "float,float", **common}
    assert information["MultiMarginLossTbeSlopesP2"]["output0"] == {
        "name": "slopes",
        "dtype": "float16,float",
        **common,
    }
    assert information["MultiMarginLossTbeRowsP1"]["output0"] == {"name": "sums", "dtype": "float,float", **common}


def test_registration():
    for operator in registration.OPERATORS:
        info = registration.reg_info(operator)
        assert (info["op_name"], info["target"], info["attr"]) == (operator, "Ascend", [])
    info = registration.reg_info("MultiMarginLossTbeRowsP2")
    assert [argument["name"] for argument in info["inputs"] + info["outputs"]] == [*registration.GAP, "sums"]
    half, single = ("float16", "DefaultFormat"), ("float32", "DefaultFormat")
    assert info["dtype_format"] == [(half, *[single] * 4), (single,) * 5]


def test_mindspore_runs_the_operator_only_on_ascend(tmp_path):
    """With the stub in place of CANN's package, MindSpore makes the operator and refuses to run it on CPU."""
    text = """
import mindspore as ms
from mindspore import ops
from custom_ops.ascend.tbe.multi_margin_loss import multi_margin_loss_rows_p1 as kernel
from custom_ops.ascend.tbe.registration import reg_info
ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
info = reg_info("MultiMarginLossTbeRowsP1")
rows = ops.Custom(kernel, lambda x, *_: x[:1], lambda x, *_: ms.float32, func_type="tbe", reg_info=info)
print("made", rows.get_attr_dict()["func_type"])

@ms.jit
def call(x, column):
    return rows(x, column, column, x)

print(call(ops.ones((2, 3)), ops.zeros((2, 1))))
"""
    script = tmp_path / "call.py"
    script.write_text(text)
    environment = {**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{EMULATION}"}
    child = run(sys.executable, str(script), cwd=tmp_path, env=environment)
    assert child.stdout.splitlines()[-1:] == ["made tbe"], child.stderr
    assert "Unsupported func type for Custom operator on CPU" in child.stderr
