"""Records PyTorch's float64 results for the cases of one small shape, as `golden/pytorch-float64.json`.

usage: python -m conformance.selftest.record_pytorch    (in the folder that contains the suite; PyTorch is required)

The selftest compares the oracle with these values, so it does not need PyTorch.
"""

import json
import pathlib

from conformance.cases import all_cases
from conformance.subjects.torch import Torch
from conformance.worker import answer_case

FILE = pathlib.Path(__file__).parents[1] / "golden" / "pytorch-float64.json"


def is_recorded(case):
    """Whether a case is recorded: float64 losses and gradients with respect to input. PyTorch has none for weight."""
    return case.id.startswith(("loss-f64", "gradient-f64")) and "-m1-5x4" in case.id


def main():
    import torch

    subject = Torch("CPU", "")
    subject.guarded = False
    recorded = [case for case in all_cases("full") if is_recorded(case)]
    results = {case.id: answer_case(subject, case)[0].array.tolist() for case in recorded}
    lines = ",\n".join(f"  {json.dumps(id)}: {json.dumps(values)}" for id, values in results.items())
    FILE.write_text(f'{{\n "version": "{torch.__version__}",\n "results": {{\n{lines}\n }}\n}}\n')


if __name__ == "__main__":
    main()
