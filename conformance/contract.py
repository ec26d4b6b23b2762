"""The contract: one clause for every sentence of MindSpore's page, and for every point that the page leaves open.

The text of a clause with the source 'page' is quoted from the page of MindSpore 2.10.0, which is generated from the
function's docstring; one with the source 'decided' is a rule of this suite. CONTRACT.md shows what the page leaves open
and where the pages of other versions say something else. A clause that is not judged appears in reports but cannot fail
a run.

To add a clause, add a row to `_DECIDED`, and name its id in the `focus` of the cases that test it (see `cases/`).
"""

from dataclasses import dataclass

VERSION = "2.10.0"
PAGE = f"https://www.mindspore.cn/docs/en/r{VERSION}/api_python/ops/mindspore.ops.multi_margin_loss.html"


@dataclass(frozen=True)
class Clause:
    id: str
    text: str
    source: str  # 'page' or 'decided'
    judged: bool = True


_PAGE = {
    "signature": "mindspore.ops.multi_margin_loss(input, target, p=1, margin=1, weight=None, reduction='mean')",
    "purpose": "Hinge loss for optimizing a multi-class classification. Optimizes a multi-class classification hinge "
    "loss (margin-based loss) between input and output.",
    "formula": "For each mini-batch sample, the loss in terms of the 1D input x and scalar output y is: "
    "loss(x, y) = sum_i max(0, margin - x[y] + x[i])^p / x.size(0)",
    "other-classes": "where i in {0, ..., x.size(0)-1} and i != y.",
    "input-shape": "input (Tensor) - Input, with shape (N, C). It is x in the above formula.",
    "input-float16": "Data type only support float32, float16 or float64. [float16]",
    "input-float32": "Data type only support float32, float16 or float64. [float32]",
    "input-float64": "Data type only support float32, float16 or float64. [float64]",
    "target-shape": "target (Tensor) - Ground truth labels, with shape (N,).",
    "target-int64": "Data type only support int64.",
    "target-range": "The value of target should be non-negative, less than C. It is y in the above formula.",
    "p": "p (int, optional) - The norm degree for pairwise distance. Should be 1 or 2.",
    "p-default": "p: Default: 1.",
    "margin": "margin (int, optional) - A parameter to change pairwise distance.",
    "margin-default": "margin: Default: 1.",
    "weight": "weight (Tensor, optional) - The rescaling weight to each class with shape (C,).",
    "weight-dtype": "weight: Data type only support float16, float32 or float64.",
    "weight-default": "weight: Default: None.",
    "reduction": "reduction (str, optional) - Apply specific reduction method to the output: 'none', 'mean', 'sum'.",
    "reduction-default": "reduction: Default: 'mean'.",
    "reduction-none": "'none': no reduction will be applied.",
    "reduction-mean": "'mean': compute and return the weighted mean of elements in the output.",
    "reduction-sum": "'sum': the output elements will be summed.",
    "returns-rows": "outputs - Tensor. If reduction is 'none', returns a Tensor with the same shape as target.",
    "returns-scalar": "Otherwise, it is a scalar.",
    "raises-p-or-target-type": "TypeError - If dtype of p or target is not int.",
    "raises-margin-type": "TypeError - If dtype of margin is not int.",
    "raises-reduction-type": "TypeError - If dtype of reduction is not str.",
    "raises-input-dtype": "TypeError - If dtype of input is not float16, float32 or float64.",
    "raises-weight-dtype": "TypeError - If dtypes of weight and input are not the same.",
    "raises-p": "ValueError - If p is not 1 or 2.",
    "raises-reduction": "ValueError - If reduction is not one of {'none','sum','mean'}.",
    "raises-target-shape": "ValueError - If shape[0] of input is not equal to shape[0] of target.",
    "raises-weight-shape": "ValueError - If shape[1] of input is not equal to shape[0] of weight.",
    "raises-rank": "ValueError - If rank of weight is not 1 or rank of target is not 1 or input is not 2.",
    "example": "ops.multi_margin_loss of ones (3, 3), target [1, 2, 1] and weight [1, 1, 1] prints 0.6666667",
}

_DECIDED = {
    "output-dtype": "The result has the dtype of input.",
    "weight-outside-power": "The weight multiplies outside the power: weight[y] * max(0, margin - x[y] + x[i])**p.",
    "divisor": "A row is divided by C, not by C - 1; 'mean' divides by N, as the page says up to r2.1, and not by the "
    "sum of weights.",
    "zero-hinge": "A hinge of exactly 0 is inactive: it contributes 0 and its gradient is 0.",
    "nan": "NaN scores and weights follow the formula: NaN reaches the loss of its row.",
    "nan-gradient": "NaN scores follow the formula in the gradient too: a NaN hinge has a NaN slope.",
    "infinity": "Infinite scores follow the formula.",
    "rounded-once": "The result is rounded to its dtype once, at the end: it is infinite only if it exceeds the range "
    "of the dtype, and rows are not rounded before they are summed.",
    "accuracy": "float16 and float32 results are within 1 ulp of the exact value at any C, and float64 results within "
    "the error of naive arithmetic. For the gradient of a wrong class, the ulp is that of the largest such gradient "
    "in its row; for a sum with weights of both signs, it is that of the sum of magnitudes.",
    "no-rows": "N = 0: 'none' has shape (0,), 'sum' is 0, 'mean' is NaN; the gradient with respect to input is empty, "
    "and that with respect to weight is 0.",
    "no-class": "C = 0 raises ValueError.",
    "one-class": "C = 1: the loss and its gradient are 0.",
    "target-out-of-range": "A target outside [0, C) raises an error that names its row and value; on a device that "
    "cannot raise errors, the loss of that row is NaN and its gradient is 0.",
    "bool": "A bool is not an int and raises TypeError.",
    "numpy-number": "An np.int32, an np.uint32 or a NumPy float is not an int and raises TypeError. (Graph mode "
    "converts the other NumPy ints to int before the operator sees them.)",
    "tensor-type": "An argument that must be a Tensor but is not raises TypeError.",
    "error-names-argument": "The message of an error names the wrong argument.",
    "margin-precision": "margin is exact in the dtype of the computation; it is not rounded to float32.",
    "non-contiguous": "A non-contiguous input works.",
    "gradient": "The gradient with respect to input is that of the formula, times the upstream gradient.",
    "weight-gradient": "The gradient with respect to weight is that of the formula, times the upstream gradient.",
    "same-twice": "A result depends on the arguments alone: repeating a call gives the same bits, whatever calls are "
    "made in between, and those calls give the documented results too.",
    "result-kept": "Later calls do not change the result of an earlier one.",
    "inputs-kept": "Inputs are not modified.",
    "inside-buffers": "No memory outside the arrays is read or written; tested if memory is guarded.",
    "laws": "Identities of the formula hold: shifting a row, permuting classes, sum = N * mean, scaling the weight, "
    "gradient rows summing to 0, splitting a batch.",
    "large-sizes": "Sizes are 64-bit: N * C beyond 2**31 works.",
}

CLAUSES = {
    **{id: Clause(id, text, "page") for id, text in _PAGE.items()},
    "platforms": Clause("platforms", "Supported Platforms: Ascend GPU CPU", "page", judged=False),
    **{id: Clause(id, text, "decided") for id, text in _DECIDED.items()},
}

# The groups of clauses in reports. Every clause belongs to one topic.
TOPICS = {
    "Call": ("signature", "p-default", "margin-default", "weight-default", "reduction-default", "platforms"),
    "Formula": (
        *("purpose", "formula", "other-classes", "p", "margin", "weight", "example"),
        *("weight-outside-power", "divisor", "zero-hinge", "one-class", "no-rows", "laws"),
    ),
    "Inputs and result": (
        *("input-shape", "input-float16", "input-float32", "input-float64", "target-shape", "target-int64"),
        *("target-range", "weight-dtype", "reduction", "reduction-none", "reduction-mean", "reduction-sum"),
        *("returns-rows", "returns-scalar", "output-dtype"),
    ),
    "Gradients": ("gradient", "weight-gradient", "nan-gradient"),
    "Precision and special values": ("accuracy", "rounded-once", "margin-precision", "nan", "infinity"),
    "Memory and repeated calls": (
        "non-contiguous",
        "inside-buffers",
        "inputs-kept",
        "same-twice",
        "result-kept",
        "large-sizes",
    ),
    "Errors": (
        *("raises-p-or-target-type", "raises-margin-type", "raises-reduction-type", "raises-input-dtype"),
        *("raises-weight-dtype", "raises-p", "raises-reduction", "raises-target-shape", "raises-weight-shape"),
        *(
            "raises-rank",
            "no-class",
            "target-out-of-range",
            "bool",
            "numpy-number",
            "tensor-type",
            "error-names-argument",
        ),
    ),
}


def uncovered(cases):
    """Two lists that must be empty: clauses without a case, and cases without a clause or with an unknown one."""
    tested = {clause for case in cases for clause in case.clauses}
    stray = [case.id for case in cases if not case.clauses or not set(case.clauses) <= set(CLAUSES)]
    return sorted(set(CLAUSES) - tested), stray
