"""The multi-margin loss in AKG's Hybrid DSL: kernels for the row sums of powered hinges, and for the slopes.

MindSpore's AKG compiles these functions from their source, once for each combination of input shapes. MindSpore 2.2 and
earlier ran AKG kernels on Ascend; later versions run them only on CPU and GPU. Number literals in the DSL are float32,
so the kernels take the constants 0 and 1 as tensors. The caller computes these inputs, which need no loop over classes:

    gap      (N,)   margin - x[y]
    factor   (N,)   the factor of each row's slopes
    own      (N,)   the gradient at the target: -factor * the sum of the row's slopes

The sum of a row's slopes is active_p1 for p = 1, and 2 * rows_p1 for p = 2. Targets must be in range. Each kernel tests
for NaN explicitly, because a comparison with NaN is false. The formula is in custom_ops/hinge.h.
"""

from mindspore.ops import kernel

# Tiles of one element: AKG in MindSpore 2.10 fails to vectorise loops with conditions, and fails on tails.
ELEMENTWISE = {"dim": "0 0 1 1 0 1 1 1"}


@kernel
def rows_p1(input, gap, target, zero):
    sums = output_tensor(gap.shape, input.dtype)  # noqa: F821 - defined by the DSL
    for row in range(input.shape[0]):
        sums[row] = zero[0]
        for c in range(input.shape[1]):
            if c != target[row]:
                if gap[row] + input[row, c] > zero[0]:
                    sums[row] = sums[row] + (gap[row] + input[row, c])
                if isnan(gap[row] + input[row, c]):  # noqa: F821
                    sums[row] = sums[row] + (gap[row] + input[row, c])
    return sums


@kernel
def rows_p2(input, gap, target, zero):
    sums = output_tensor(gap.shape, input.dtype)  # noqa: F821
    for row in range(input.shape[0]):
        sums[row] = zero[0]
        for c in range(input.shape[1]):
            if c != target[row]:
                if gap[row] + input[row, c] > zero[0]:
                    sums[row] = sums[row] + (gap[row] + input[row, c]) * (gap[row] + input[row, c])
                if isnan(gap[row] + input[row, c]):  # noqa: F821
                    sums[row] = sums[row] + (gap[row] + input[row, c])
    return sums


@kernel
def active_p1(input, gap, target, zero, one):
    sums = output_tensor(gap.shape, input.dtype)  # noqa: F821
    for row in range(input.shape[0]):
        sums[row] = zero[0]
        for c in range(input.shape[1]):
            if c != target[row]:
                if gap[row] + input[row, c] > zero[0]:
                    sums[row] = sums[row] + one[0]
                if isnan(gap[row] + input[row, c]):  # noqa: F821
                    sums[row] = sums[row] + (gap[row] + input[row, c])
    return sums


@kernel(compile_attrs=ELEMENTWISE)
def slopes_p1(factor, input, gap, target, own, zero):
    slopes = output_tensor(input.shape, input.dtype)  # noqa: F821
    for row in range(input.shape[0]):
        for c in range(input.shape[1]):
            slopes[row, c] = zero[0] * factor[row]  # NaN for an infinite or NaN factor
            if gap[row] + input[row, c] > zero[0]:
                slopes[row, c] = factor[row]
            if isnan(gap[row] + input[row, c]):  # noqa: F821
                slopes[row, c] = gap[row] + input[row, c]
            if c == target[row]:
                slopes[row, c] = own[row]
    return slopes


@kernel(compile_attrs=ELEMENTWISE)
def slopes_p2(factor, input, gap, target, own, zero):
    slopes = output_tensor(input.shape, input.dtype)  # noqa: F821
    for row in range(input.shape[0]):
        for c in range(input.shape[1]):
            slopes[row, c] = zero[0] * factor[row]  # NaN for an infinite or NaN factor
            if gap[row] + input[row, c] > zero[0]:
                slopes[row, c] = factor[row] * ((gap[row] + input[row, c]) + (gap[row] + input[row, c]))
            if isnan(gap[row] + input[row, c]):  # noqa: F821
                slopes[row, c] = gap[row] + input[row, c]
            if c == target[row]:
                slopes[row, c] = own[row]
    return slopes
