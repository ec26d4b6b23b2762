"""Asks implementations what MindSpore's page leaves open, and renders their answers as CONTRACT.md.

usage: python -m conformance.selftest.page [SUBJECT...]    (in the folder that contains the suite)

The answers of the subjects are measured and kept in `golden/answers.json`, next to those measured earlier.
"""

import json
import os
import pathlib
import sys

import numpy as np

from conformance.cases.base import Call, Case
from conformance.contract import CLAUSES, PAGE, VERSION
from conformance.isolation import Isolated, legs
from conformance.verdict import Outcome

SUITE = pathlib.Path(__file__).parents[1]
ANSWERS, DOCUMENT = SUITE / "golden" / "answers.json", SUITE / "CONTRACT.md"
NAMES = {"mindspore": "MindSpore", "torch": "PyTorch", "paddlepaddle": "Paddle", "numpy": "NumPy"}


def loss(scores, target, weight=None, dtype=np.float32, **options):
    arguments = {"input": np.array(scores, dtype), "target": np.array(target, np.int64), **options}
    return Call("loss", arguments if weight is None else {**arguments, "weight": np.array(weight, dtype)})


def gradient(*arguments, of="input", **options):
    """With 'sum', so that the upstream gradient is one number."""
    call = loss(*arguments, reduction="sum", **options)
    dout = np.ones((), call.arguments["input"].dtype)
    return call._replace(operation="gradient", dout=dout, pick=("input", "weight").index(of))


# How the sentences of the page changed from version to version.
WORDING = (
    ("", "r2.1", "r2.3.0rc2", "2.10.0", "Chinese: r2.1", "Chinese: r2.2 to master"),
    (
        "'mean'",
        "the sum of the output will be divided by the number of elements in the output",
        "compute and return the weighted mean of elements in the output",
        "as r2.3.0rc2",
        "输出的值总和除以输出的元素个数 (as r2.1)",
        "计算输出元素的加权平均值 (as r2.3.0rc2)",
    ),
    (
        "'sum'",
        "the output will be summed",
        "the output elements will be summed",
        "as r2.3.0rc2",
        "as r2.1",
        "as r2.3.0rc2",
    ),
    (
        "Raises, dtype of input",
        "float16, float or float64",
        "as r2.1",
        "float16, float32 or float64",
        "as r2.1",
        "as r2.1; master: as 2.10.0",
    ),
    (
        "Raises, dtype of weight",
        "If dtype of weight and input is not the same.",
        "as r2.1",
        "If dtypes of weight and input are not the same.",
        "as r2.1",
        "as r2.1",
    ),
)
ZERO = [[0, 0]]
SOME = loss([[0, 6]], [0])  # 3.5; made before a call that could return what an earlier call has left
EMPTY = np.zeros((0, 2))

# Clause; the question, with the call; what the pages say; the calls, of which the last one is answered.
QUESTIONS = {
    "example": (
        "example",
        "The page's example: ones (3, 3), target [1, 2, 1], weights 1",
        "0.6666667",
        [loss(np.ones((3, 3)), [1, 2, 1], [1, 1, 1])],
    ),
    "mean": (
        "divisor",
        "Does 'mean' divide by N or by the sum of the weights? Rows 0.5 and 1.5, weights 1 and 3",
        'Contradiction. r2.1: "divided by the number of elements in the output", which is 1. 2.10.0: "weighted mean", '
        "which may also mean 0.5",
        [loss([[0, 0], [0, 0]], [0, 1], [1, 3])],
    ),
    "divisor": (
        "divisor",
        "Is a row divided by C or by the C - 1 other classes? C = 4, hinges 1",
        "x.size(0), that is C: 0.75",
        [loss([[0] * 4], [0])],
    ),
    "power": (
        "weight-outside-power",
        "Is the weight inside the power? p = 2, hinge 2, weight 3",
        "The formula of `ops.multi_margin_loss` has no weight. That of `nn.MultiMarginLoss`, whose code calls the same "
        "operator, has it inside the power: 18. Outside it is 6",
        [loss(ZERO, [0], [3, 3], p=2, margin=2)],
    ),
    "negative weight": (
        "weight-outside-power",
        "Is the weight inside max(0, ...)? Hinge 1, weight -1",
        "As above: inside it is 0, outside -0.5",
        [loss(ZERO, [0], [-1, -1])],
    ),
    "float16": (
        "input-float16",
        "float16 without a weight: hinge 1",
        '"Data type only support float32, float16 or float64": 0.5',
        [loss(ZERO, [0], dtype=np.float16)],
    ),
    "reduction": (
        "raises-reduction-type",
        "reduction = 1",
        '"TypeError - If dtype of reduction is not str."',
        [loss(ZERO, [0], reduction=1)],
    ),
    "bool": (
        "bool",
        "Is a bool an int? margin = True, hinge 1",
        '"TypeError - If dtype of margin is not int." In Python, True is an int',
        [loss(ZERO, [0], margin=True)],
    ),
    "target": (
        "target-out-of-range",
        "A target out of range: target = [0, 2], C = 2",
        '"should be non-negative, less than C"; no error is listed under Raises',
        [loss([[0, 0], [0, 0]], [0, 2])],
    ),
    "margin": (
        "margin-precision",
        "margin = 2**24 + 1 with float64 input, times 1/2",
        "An int of any size. `ops.MultiMarginLoss` and `nn.MultiMarginLoss` have a float margin",
        [loss(ZERO, [0], dtype=np.float64, margin=2**24 + 1)],
    ),
    "zero hinge": (
        "zero-hinge",
        "Is a hinge of exactly 0 active? Its gradient, p = 1",
        "Nothing",
        [gradient([[1, 0]], [0])],
    ),
    "nan": ("nan", "A NaN score: does the loss show it?", "Nothing", [loss([[0, np.nan]], [0])]),
    "nan gradient": ("nan-gradient", "And the gradient, p = 1?", "Nothing", [gradient([[0, np.nan]], [0])]),
    "overflow": (
        "rounded-once",
        "float16, hinge 80001, which exceeds its range, times 1/2, which does not",
        "Nothing",
        [loss([[-40000, 40000]], [0], [1, 1], dtype=np.float16)],
    ),
    "no rows": ("no-rows", "N = 0: 'mean', after a call whose result is 3.5", "Nothing", [SOME, loss(EMPTY, [])]),
    "no rows gradient": ("no-rows", "N = 0: the gradient", "Nothing", [gradient(EMPTY, [])]),
    "no class": ("no-class", "C = 0", "Nothing", [loss([[], []], [0, 0])]),
    "one class": ("one-class", "C = 1", "The sum has no terms", [loss([[5]], [0])]),
    "weight-gradient": (
        "weight-gradient",
        "The gradient with respect to weight: hinge 1, times 1/2",
        "Nothing",
        [gradient(ZERO, [0], [1, 1], of="weight")],
    ),
}


class Question(Case):
    tier, focus, needs = "quick", (), frozenset()

    def __init__(self, id):
        self.id = id

    def calls(self):
        return QUESTIONS[self.id][3]


def answers(subject, modes=()):
    """Name of a leg, with the version of its framework -> question -> answer."""
    found = {}
    for leg in legs(subject, "CPU", modes, os.getcwd()):
        framework = next(name for name in NAMES if name in leg.environment)
        version = leg.environment[framework].partition("+")[0]
        title = "NumPy, the suite's own" if subject == "numpy" else f"{NAMES[framework]} {version} {leg.mode}".strip()
        process = Isolated(subject, "CPU", leg.mode, os.getcwd())
        found[title] = {
            id: f"not available: {leg.lacks[id]}" if id in leg.lacks else _text(process.ask(Question(id)))
            for id in QUESTIONS
        }
        process.close()
    return found


def _text(answered):
    if isinstance(answered, Outcome):
        return f"{answered.verdict.value}: {answered.detail}"
    answer = answered[-1]
    if not answer.error:
        values = answer.array.astype(float) + 0  # without the sign of zero
        return f"{answer.array.dtype} {np.array2string(values, precision=7, separator=', ')}"
    text = answer.text()
    return text if len(text) <= 100 else f"{text[:97]}..."


def document(measured):
    """CONTRACT.md."""
    header = ["question", "MindSpore's pages", *measured, "clause of this suite"]
    rows = [
        [question, says, *[measured[name][id] for name in measured], f"`{clause}`: {CLAUSES[clause].text}"]
        for id, (clause, question, says, _) in QUESTIONS.items()
    ]
    return f"""# Points that the documentation leaves open

The clauses quote [the page of MindSpore {VERSION}]({PAGE}), which is generated from the docstring of
`mindspore.ops.multi_margin_loss`. The pages of other versions differ in these sentences:

{_rows(WORDING)}

The table below shows the points that the pages leave open or contradict each other in, and what implementations do on a
CPU: `python -m conformance.selftest.page SUBJECT...` makes one call for each row and writes this file. The last column
is the rule of this suite, which the NumPy subject follows.

{_rows([header, *rows])}

With no rows, MindSpore and PyTorch leave the result unwritten: its value differs from run to run.
"""


def _rows(lines):
    """A Markdown table; the first line is its header."""
    header, *rest = lines
    table = [header, ["---"] * len(header), *rest]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in table)


def _order(item):
    """The suite's own subject comes last."""
    return item[0].startswith("NumPy"), item[0]


def main(subjects):
    measured = json.loads(ANSWERS.read_text()) if ANSWERS.is_file() else {}
    for subject in subjects:
        measured.update(answers(subject))
    measured = {
        name: {id: given[id] for id in QUESTIONS if id in given} for name, given in sorted(measured.items(), key=_order)
    }
    ANSWERS.write_text(json.dumps(measured, indent=1) + "\n")
    DOCUMENT.write_text(document(measured), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
