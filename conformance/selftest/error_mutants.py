"""Mutants whose checks of the arguments have holes. Each is correct if all arguments are good."""

import numpy as np

from conformance.selftest.mutants import MUTANTS, killed_by
from conformance.subjects.numpy import NumPy

__all__ = ["MUTANTS"]


class IgnoresTargets(NumPy):
    """It takes some targets, which `ignored` selects, for class 0 if they are out of range."""

    def ignored(self, operation, input, target, weight):
        raise NotImplementedError

    def _replaced(self, operation, input, target, weight):
        if not (isinstance(input, np.ndarray) and isinstance(target, np.ndarray) and target.dtype == np.int64):
            return target
        if input.ndim != 2 or target.shape != input.shape[:1]:
            return target
        out = (target < 0) | (target >= input.shape[1])
        return np.where(out & self.ignored(operation, input, target, weight), 0, target)

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        return super().loss(input, self._replaced("loss", input, target, weight), p, margin, weight, reduction)

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        replaced = self._replaced("gradient", input, target, weight)
        return super().gradient(dout, input, replaced, p, margin, weight, reduction)


@killed_by("bad-target-loss-f16-p1-mean-wnone-300x1-last-min")
class RangeCheckedInTheFirstRows(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return np.arange(len(target)) >= 256


@killed_by("bad-target-weight-gradient-f32-p1-sum-w+-1x3-first-2-16-nan")
class RangeUncheckedInTheFirstRow(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return np.arange(len(target)) == 0


@killed_by("bad-target-loss-f16-p1-mean-wnone-300x1-last-min")
class RangeUncheckedInTheLastRow(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return np.arange(len(target)) == len(target) - 1


@killed_by("bad-target-loss-f64-p2-mean-wnone-2x1025-both-max")
class RangeUncheckedInLongRows(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return input.shape[1] > 1024


@killed_by("bad-target-loss-f16-p1-mean-w0-9x33-both-max")
class RangeUncheckedWithAWeight(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return weight is not None


@killed_by("bad-target-gradient-f64-p2-none-w0-70000x3-both-min")
class RangeUncheckedInTheGradient(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return operation == "gradient"


@killed_by("bad-target-loss-f32-p2-sum-wnone-300x3-both-minus-1-nan")
class RangeUncheckedWithNan(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return np.isnan(input).any(1)


@killed_by("bad-target-gradient-f16-p2-none-wnan-9x3-both-2-31-strided")
class RangeUncheckedInViews(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return not target.flags.c_contiguous


@killed_by("bad-target-loss-f16-p1-mean-wnone-300x1-last-min")
class RangeCheckedInThirtyTwoBits(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return (target.astype(np.int32) >= 0) & (target.astype(np.int32) < input.shape[1])


@killed_by("bad-target-weight-gradient-f16-p1-mean-wnan-1x33-first-minus-1-nan")
class NegativeTargetCountsFromTheEnd(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return (target < 0) & (target >= -input.shape[1])


@killed_by("bad-target-loss-f16-p1-mean-wnone-300x1-last-min")
class SmallestTargetHasNoMagnitude(IgnoresTargets):
    """In int64 the magnitude of the smallest number is negative, so it passes a check of magnitudes."""

    def ignored(self, operation, input, target, weight):
        return np.abs(target) < 0


@killed_by("bad-target-gradient-f16-p1-mean-w+-300x33-last-classes-nan")
class LastClassPlusOneIsInRange(IgnoresTargets):
    def ignored(self, operation, input, target, weight):
        return target == input.shape[1]


@killed_by("bad-target-loss-f16-p1-mean-w0-9x33-both-max")
class ErrorNamesTheRowAfter(NumPy):
    def check_range(self, target, classes):
        super().check_range(np.concatenate([[0], target]), classes)


@killed_by("bad-target-loss-f16-p1-mean-w0-9x33-both-max")
class ErrorNamesOnlyTheRow(NumPy):
    def check_range(self, target, classes):
        for row in np.flatnonzero((target < 0) | (target >= classes))[:1]:
            raise ValueError(f"target[{row}] must be in [0, {classes})")


@killed_by("raises-p-0")
class CheckedOnceForEachShape(NumPy):
    checked = ()

    def check(self, input, target, p, margin, weight, reduction):
        key = tuple(getattr(array, "shape", None) for array in (input, target, weight))
        if key not in self.checked:
            super().check(input, target, p, margin, weight, reduction)
            self.checked = (*self.checked, key)


@killed_by("raises-p-none-loss-f32-p2-none-w+-0x5")
class EmptyBatchUnchecked(NumPy):
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        if np.shape(input)[:1] == (0,):
            return np.full(0 if isinstance(reduction, str) and reduction == "none" else (), 0, input.dtype)
        return super().loss(input, target, p, margin, weight, reduction)


@killed_by("raises-p-0")
class StaleAfterAnError(NumPy):
    failed, last = False, None

    def loss(self, *arguments, **options):
        failed, self.failed = self.failed, True
        result = super().loss(*arguments, **options)
        last, self.last, self.failed = self.last, result, False
        return last if failed and last is not None else result


@killed_by("raises-weight-one-loss-f64-p1-none-w+-0x5")
class WeightOfOneElementBroadcast(NumPy):
    def check(self, input, target, p, margin, weight, reduction):
        if np.shape(weight) == (1,) and np.ndim(input) == 2:
            weight = np.full(input.shape[1], weight[0])
        super().check(input, target, p, margin, weight, reduction)


@killed_by("raises-target-column")
class TargetColumnSqueezed(NumPy):
    def loss(self, input, target, *arguments, **options):
        return super().loss(input, target[:, 0] if np.shape(target)[1:] == (1,) else target, *arguments, **options)


@killed_by("raises-target-int8")
class TargetOfAnyWidth(NumPy):
    def check(self, input, target, *others):
        is_integer = getattr(target, "dtype", np.dtype(bool)).kind in "iu"
        super().check(input, target.astype(np.int64) if is_integer else target, *others)


@killed_by("raises-p-bool")
class TrueIsOne(NumPy):
    def check(self, input, target, p, *others):
        super().check(input, target, 1 if p is True else p, *others)


@killed_by("raises-p-numpy-float")
class NumpyFloatAccepted(NumPy):
    """np.float32 is not a subclass of float."""

    def check(self, input, target, p, *others):
        super().check(input, target, int(p) if isinstance(p, np.float32) else p, *others)


@killed_by("raises-p-2-32-plus-1")
class PowerInThirtyTwoBits(NumPy):
    def check(self, input, target, p, *others):
        super().check(input, target, p % 2**32 if type(p) is int else p, *others)


@killed_by("raises-reduction-me")
class ReductionByItsPrefix(NumPy):
    def check(self, input, target, p, margin, weight, reduction):
        if isinstance(reduction, str) and reduction and "mean".startswith(reduction):
            reduction = "mean"
        super().check(input, target, p, margin, weight, reduction)


@killed_by("raises-p-nan-loss-f16-p1-mean-wnone-3x5-by-position-first")
class PowerAndMarginSwapped(NumPy):
    """They are in the wrong order if passed by position."""

    def loss(self, input, target, margin=1, p=1, weight=None, reduction="mean"):
        return super().loss(input, target, p, margin, weight, reduction)
