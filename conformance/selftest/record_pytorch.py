"""Writes `pytorch-float64.json`: what PyTorch computes in float64 for the cases of one small shape.

usage: python -m conformance.selftest.record_pytorch    (from the checkout, where PyTorch is installed)

The selftest holds the oracle against these numbers, so that it needs no PyTorch itself.
"""

import json
import pathlib

from conformance.cases import all_cases
from conformance.isolation import perform
from conformance.subjects.torch import Torch

FILE = pathlib.Path(__file__).parents[1] / "golden" / "pytorch-float64.json"


def compared(case):
    """Float64 losses and gradients with respect to input; PyTorch has none for the weight."""
    return case.id.startswith(("loss-f64", "gradient-f64")) and "-m1-5x4" in case.id


def main():
    import torch

    subject = Torch("CPU", "")
    subject.guarded = False
    results = {case.id: perform(subject, case)[0].array.tolist() for case in all_cases("full") if compared(case)}
    lines = ",\n".join(f"  {json.dumps(id)}: {json.dumps(values)}" for id, values in results.items())
    FILE.write_text(f'{{\n "version": "{torch.__version__}",\n "results": {{\n{lines}\n }}\n}}\n')


if __name__ == "__main__":
    main()
