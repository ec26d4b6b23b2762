"""The multi-margin loss in AKG's Hybrid DSL: for each row the sum of its hinges, or its slopes.

AKG compiles the source below for the shapes of a call. It stands in MindSpore for Ascend up to 2.2, and for CPU and GPU
since. Numbers in its source are float32, so 0 is an argument. What needs no loop over the classes is computed outside:

    gap      (N,)   margin - x[y]
    factor   (N,)   what the slopes are multiplied by
    own      (N,)   the gradient at the target: -factor * the sum of the row's slopes

A row's slopes add up to active_p1, or to twice rows_p1 for p = 2. Targets must be in range. Comparisons are false for
NaN, so it is asked for by name. The formula is that of custom_ops/hinge.h.
"""

from mindspore.ops import kernel

# One element to a tile: AKG 2.10 fails on loops with conditions that it tries to vectorise, and on what a tile leaves.
ELEMENTWISE = {"dim": "0 0 1 1 0 1 1 1"}


@kernel
def rows_p1(input, gap, target, zero):
    sums = output_tensor(gap.shape, input.dtype)  # noqa: F821 - the DSL's own, here and below
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
            slopes[row, c] = zero[0]
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
            slopes[row, c] = zero[0]
            if gap[row] + input[row, c] > zero[0]:
                slopes[row, c] = factor[row] * ((gap[row] + input[row, c]) + (gap[row] + input[row, c]))
            if isnan(gap[row] + input[row, c]):  # noqa: F821
                slopes[row, c] = gap[row] + input[row, c]
            if c == target[row]:
                slopes[row, c] = own[row]
    return slopes
