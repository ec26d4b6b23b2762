"""The subject that README.md shows works as printed there."""

import pathlib
import re

import pytest

README = pathlib.Path(__file__).parents[1] / "README.md"


def test_function_of_mindspore_tensors(tmp_path, run_suite):
    pytest.importorskip("mindspore", reason="the README's subject is a function of MindSpore tensors")
    (code,) = re.findall("```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "mine.py").write_text(code)
    (tmp_path / "my_package.py").write_text("from mindspore.ops import multi_margin_loss")
    cases = ["--case=loss-f32-p2-mean-w+-m1-9x33", "--case=golden-gradient-f32-p2-none-weighted-m2"]
    child = run_suite(tmp_path, "--subject", "mine:Mine", *cases)
    assert child.returncode == 0, child.stdout + child.stderr
    assert "mine:Mine-CPU-graph: 2 conforms\nmine:Mine-CPU-pynative: 2 conforms\n" in child.stdout
