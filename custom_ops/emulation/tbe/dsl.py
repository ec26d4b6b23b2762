"""The operations of the DSL, and the build of a kernel.

Each call checks the conditions of CANN's reference (TBE DSL API, 8.0 to 9.1). If chips differ, the stub accepts only
what all of them accept.
"""

import numpy as np
from tbe import emulated
from tbe.tvm import FLOATS, Tensor, target

DTYPES = {
    "vadd": (*FLOATS, "int32"),
    "vmul": (*FLOATS, "int32"),
    "vmuls": (*FLOATS, "int32"),
    "broadcast": (*FLOATS, "int32"),
    "vcmpsel": FLOATS,
    "cast_to": FLOATS,  # CANN also converts integers
    "reduce_sum": FLOATS,
}
VECTOR_BYTES = 256  # per vector instruction
COMPARISONS = {"lt": np.less, "gt": np.greater}  # two of CANN's six


def vadd(lhs, rhs):
    return _elementwise("vadd", np.add, lhs, rhs)


def vmul(lhs, rhs):
    return _elementwise("vmul", np.multiply, lhs, rhs)


def vmuls(raw_tensor, scalar):
    return _elementwise("vmuls", np.multiply, raw_tensor, float(scalar))


def vcmpsel(lhs, rhs, operation, slhs, srhs):
    """slhs where the comparison of lhs with rhs is true, otherwise srhs. All operands but lhs may be numbers."""
    if 0 in lhs.shape:
        raise RuntimeError(f"vcmpsel: every dimension must be positive, but the shape is {lhs.shape}")
    compare = COMPARISONS[operation]
    return _elementwise("vcmpsel", lambda a, b, c, d: np.where(compare(a, b), c, d), lhs, rhs, slhs, srhs)


def broadcast(var, shape):
    _check("broadcast", [var])
    if len(var.shape) != len(shape) or any(old not in (1, new) for old, new in zip(var.shape, shape)):
        raise RuntimeError(f"broadcast: {var.shape} does not fit {tuple(shape)}")
    return Tensor(shape, var.dtype, lambda array: np.broadcast_to(array, shape), [var])


def cast_to(data, dtype):
    _check("cast_to", [data])
    if dtype not in DTYPES["cast_to"]:
        raise RuntimeError(f"cast_to: the vector unit does not convert {data.dtype} to {dtype}")
    return Tensor(data.shape, dtype, lambda array: array.astype(dtype), [data])


def reduce_sum(raw_tensor, axis):
    _check("reduce_sum", [raw_tensor])
    if len(raw_tensor.shape) != 2 or axis != 1:
        raise NotImplementedError("reduce_sum: the stub supports only axis 1 of a matrix")
    return Tensor(raw_tensor.shape[:1], raw_tensor.dtype, _row_sums, [raw_tensor], reduced=True)


def _row_sums(array):
    """Add up the lanes of the vector unit one after another, and then their sums.

    CANN does not document the order. Of all orders that use the lanes, this one has the longest chains of additions.
    """
    lanes = VECTOR_BYTES // array.itemsize
    padded = np.pad(array, ((0, 0), (0, -array.shape[1] % lanes)))
    by_lane = np.add.accumulate(padded.reshape(len(array), -1, lanes), axis=1)[:, -1]
    return np.add.accumulate(by_lane, axis=1)[:, -1]


def _elementwise(name, function, *operands):
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    _check(name, tensors)
    shape, dtype = tensors[0].shape, tensors[0].dtype
    for tensor in tensors:
        if tensor.dtype != dtype:
            raise RuntimeError(f"{name}: all operands must be of one dtype, but got {dtype} and {tensor.dtype}")
        if tensor.shape != shape:
            raise RuntimeError(f"{name}: all operands must be of one shape, but got {shape} and {tensor.shape}")
    number = np.dtype(dtype).type

    def compute(*arrays):
        given = iter(arrays)
        return function(*(next(given) if isinstance(operand, Tensor) else number(operand) for operand in operands))

    return Tensor(shape, dtype, compute, tensors)


def _check(name, tensors):
    for tensor in tensors:
        if tensor.reduced:
            raise RuntimeError(f"{name}: no vector operation may follow a reduce")
        if tensor.dtype not in DTYPES[name]:
            raise RuntimeError(f"{name}: takes {', '.join(DTYPES[name])}, but got {tensor.dtype}")


class Schedule:
    def __init__(self, result):
        self.result = result


def auto_schedule(outs):
    if not target.scheduling:
        raise RuntimeError("auto_schedule: must be called under tvm.target.cce()")
    return Schedule(outs)


def build(sch, config_map):
    """Register the kernel with `tbe.emulated`. CANN would write a binary to ./kernel_meta."""
    if not isinstance(sch, Schedule):
        raise RuntimeError(f"build: takes the schedule that auto_schedule returns, but got {type(sch).__name__}")
    *arguments, result = config_map["tensor_list"]
    if result is not sch.result:
        raise RuntimeError("build: the last tensor of tensor_list must be the one that was scheduled")
    emulated.register(config_map["name"], arguments, result)
