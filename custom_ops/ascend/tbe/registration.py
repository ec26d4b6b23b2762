"""The operators made from the kernels in multi_margin_loss.py, and their registration in MindSpore.

deploy.py writes CANN's operator information from the same table. The operators have no attributes, because MindSpore
passes none to operators of a CANN package: p is part of the name, and the margin is part of the inputs. The names
differ from those of the Ascend C operators, whose inputs are different, so that both packages can be installed.
"""

GAP = ("scores", "high", "low", "wrong")
OPERATORS = {  # operator: (function that builds its kernel, inputs, output)
    "MultiMarginLossTbeRowsP1": ("multi_margin_loss_rows_p1", GAP, "sums"),
    "MultiMarginLossTbeRowsP2": ("multi_margin_loss_rows_p2", GAP, "sums"),
    "MultiMarginLossTbeSlopeSumsP1": ("multi_margin_loss_slope_sums_p1", GAP, "sums"),
    "MultiMarginLossTbeSlopesP1": ("multi_margin_loss_slopes_p1", (*GAP, "factor", "own"), "slopes"),
    "MultiMarginLossTbeSlopesP2": ("multi_margin_loss_slopes_p2", (*GAP, "factor", "own"), "slopes"),
}
DTYPES = ("float16", "float32")  # of the scores
AS_SCORES = ("scores", "slopes")  # the arguments with the dtype of the scores; the others are float32


def dtypes(argument):
    """The dtypes of an argument, in the order of DTYPES."""
    return [dtype if argument in AS_SCORES else "float32" for dtype in DTYPES]


def reg_info(operator):
    """The argument `reg_info` of `ops.Custom(kernel, ..., func_type="tbe", reg_info=...)`."""
    from mindspore.ops import CustomRegOp

    _, inputs, output = OPERATORS[operator]
    info = CustomRegOp(operator)
    for index, name in enumerate(inputs):
        info.input(index, name)
    info.output(0, output)
    for row in zip(*map(dtypes, (*inputs, output))):
        info.dtype_format(*((dtype, "DefaultFormat") for dtype in row))
    return info.target("Ascend").get_op_info()
