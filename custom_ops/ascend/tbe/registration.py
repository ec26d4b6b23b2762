"""The operators that the kernels of multi_margin_loss.py make: one table, from which come CANN's operator information
and MindSpore's. They have no attributes, because MindSpore hands none to an operator of a CANN package: p is part of
the name, and the margin is in the inputs. The names are not those of ascendc/, whose operators take other inputs: both
may be installed."""

GAP = ("scores", "high", "low", "wrong")
OPERATORS = {  # type: the function that builds its kernel, inputs, output
    "MultiMarginLossTbeRowsP1": ("multi_margin_loss_rows_p1", GAP, "sums"),
    "MultiMarginLossTbeRowsP2": ("multi_margin_loss_rows_p2", GAP, "sums"),
    "MultiMarginLossTbeSlopeSumsP1": ("multi_margin_loss_slope_sums_p1", GAP, "sums"),
    "MultiMarginLossTbeSlopesP1": ("multi_margin_loss_slopes_p1", (*GAP, "factor", "own"), "slopes"),
    "MultiMarginLossTbeSlopesP2": ("multi_margin_loss_slopes_p2", (*GAP, "factor", "own"), "slopes"),
}
DTYPES = ("float16", "float32")  # of the scores
AS_SCORES = ("scores", "slopes")  # all else is float32


def dtypes(argument):
    """An argument's dtypes, one for each of the scores'."""
    return [dtype if argument in AS_SCORES else "float32" for dtype in DTYPES]


def registration(operator):
    """What `ops.Custom(kernel, ..., func_type="tbe", reg_info=...)` needs to know."""
    from mindspore.ops import CustomRegOp

    _, inputs, output = OPERATORS[operator]
    info = CustomRegOp(operator)
    for index, name in enumerate(inputs):
        info.input(index, name)
    info.output(0, output)
    for row in zip(*map(dtypes, (*inputs, output))):
        info.dtype_format(*((dtype, "DefaultFormat") for dtype in row))
    return info.target("Ascend").get_op_info()
