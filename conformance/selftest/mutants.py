"""The mutants: deliberately wrong implementations. Each is the NumPy subject with one realistic mistake, and must be
killed by every case in its decorator."""

import numpy as np

from conformance.subjects.numpy import WIDE, NumPy

MUTANTS = {}


def killed_by(*cases):
    """Register a mutant with the cases that must kill it."""

    def register(mutant):
        MUTANTS[mutant.__name__] = (mutant, cases)
        return mutant

    return register


@killed_by("loss-f32-p2-mean-w+-m1-9x33", "golden-loss-f64-p2-none-weighted-m2")
class WeightInsideThePower(NumPy):
    def weighted(self, rows, hinge, weight, p):
        return (np.abs(hinge * weight[:, None]) ** p).sum(1) / hinge.shape[1] * np.sign(weight)


@killed_by("loss-f32-p1-mean-w+-m1-9x33")
class MeanByTheSumOfWeights(NumPy):
    def reduce(self, rows, reduction, target, weight, dtype):
        if reduction == "mean" and weight is not None:
            return rows.sum() / weight[target].astype(WIDE).sum()
        return super().reduce(rows, reduction, target, weight, dtype)


@killed_by("loss-f64-p1-none-wnone-m1-9x33")
class DivisorWithoutTheRightClass(NumPy):
    def divisor(self, input):
        return WIDE(max(input.shape[1] - 1, 1))


@killed_by("golden-gradient-f32-p1-sum-weighted-m2")
class ZeroHingeIsActive(NumPy):
    def hinge(self, input, target, margin):
        rows, scores = np.arange(len(target)), input.astype(WIDE)
        self.z = margin - scores[rows, target][:, None] + scores
        self.own = rows, target
        return super().hinge(input, target, margin)

    def active(self, hinge):
        active = self.z >= 0
        active[self.own] = False
        return active


@killed_by("loss-f64-p2-mean-wunused-m0-2x2047-nan-inner-last-few-after-operation")
class NanBecomesZero(NumPy):
    def hinge(self, input, target, margin):
        return np.nan_to_num(super().hinge(input, target, margin), nan=0.0, posinf=np.inf)


@killed_by("gradient-f32-p1-mean-wnone-m1-9x33")
class UpstreamGradientIgnored(NumPy):
    def upstream(self, dout, rows, reduction):
        return super().upstream(np.ones_like(dout), rows, reduction)


@killed_by("loss-f32-p1-none-wnone-m1-9x33")
class LastClassDropped(NumPy):
    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        hinge[:, -1] = 0
        return hinge


@killed_by("loss-f16-p1-sum-wnone-m1-500x7-equal-every-every")
class RowsRoundedBeforeTheSum(NumPy):
    def reduce(self, rows, reduction, target, weight, dtype):
        return super().reduce(rows.astype(dtype).astype(WIDE), reduction, target, weight, dtype)


@killed_by("huge-loss-f16-p1-mean-wnone-m1-2147485x1000")
class SizeInThirtyTwoBits(NumPy):
    """N * C wraps to a negative number, so no row is read."""

    def loss(self, input, target, reduction="mean", **options):
        with np.errstate(over="ignore"):
            size = np.int32(input.shape[0]) * np.int32(input.shape[1])
        if size < 0:
            return np.zeros(target.shape if reduction == "none" else (), input.dtype)
        return super().loss(input, target, reduction=reduction, **options)


@killed_by("gradient-f32-p1-none-wnone-m1-9x33", "law-balance-f32-p1-40x1000")
class TargetGradientMissing(NumPy):
    def own_slope(self, slope):
        return np.zeros(len(slope))


@killed_by("loss-f64-p1-mean-wnone-m16777217-3x48-near-last-every-to-same-after-rows-by-position")
class MarginThroughFloat32(NumPy):
    def hinge(self, input, target, margin):
        return super().hinge(input, target, WIDE(np.float32(margin)))


@killed_by("loss-f16-p2-mean-winf-m-1-0x32-after-rows-by-position")
class StaleResultWithoutRows(NumPy):
    last = 7.0

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        result = super().loss(input, target, p, margin, weight, reduction)
        if reduction == "none":
            return result
        if len(input):
            self.last = result
        return np.array(self.last, input.dtype)


@killed_by("gradient-f64-p2-none-wnone-m1-9x33")
class WrongLaneAfterAVector(NumPy):
    """The tail after 32 classes is read one element too far to the left."""

    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        if hinge.shape[1] == 33:
            hinge[:, 32] = hinge[:, 31]
            hinge[np.arange(len(target)), target] = 0
        return hinge


@killed_by("loss-f32-p1-none-wnone-m1-9x33")
class FirstRowOnly(NumPy):
    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        return np.broadcast_to(hinge[:1], hinge.shape).copy() if len(hinge) else hinge


@killed_by("loss-f32-p1-sum-w+-m1-9x33")
class WeightOfTheClassBefore(NumPy):
    def loss(self, input, target, weight=None, **options):
        return super().loss(input, target, weight=None if weight is None else np.roll(weight, 1), **options)


@killed_by("weight-gradient-f32-p1-mean-w+-m1-9x33")
class WeightGradientOfZeros(NumPy):
    def gradient(self, dout, input, target, **options):
        gradient, by_class = super().gradient(dout, input, target, **options)
        return gradient, None if by_class is None else np.zeros_like(by_class)


@killed_by("loss-f32-p1-none-wnone-m1-5x4", "golden-loss-f32-p1-none-unweighted-m1")
class RightClassCounted(NumPy):
    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        hinge[np.arange(len(target)), target] = max(margin, 0)
        return hinge


@killed_by("gradient-f32-p2-none-wnone-m1-9x33")
class SquareWithoutItsTwo(NumPy):
    def gradient(self, dout, input, target, p=1, **options):
        gradient, by_class = super().gradient(dout, input, target, p=p, **options)
        return gradient / input.dtype.type(p), by_class


@killed_by("loss-f32-p1-sum-w+-m1-9x33")
class SumInFloat32(NumPy):
    """It adds one class after another, as a plain loop does."""

    def hinge(self, input, target, margin):
        return super().hinge(input, target, margin).astype(input.dtype)

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        self.check(input, target, p, margin, weight, reduction)
        rows = np.cumsum(self.hinge(input, target, margin) ** p, axis=1)[:, -1].astype(WIDE) / self.divisor(input)
        rows = rows if weight is None else rows * weight[target]
        return self.reduce(rows, reduction, target, weight, input.dtype).astype(input.dtype)


@killed_by("gradient-f32-p1-mean-w+-m1-9x33")
class WritesToItsInput(NumPy):
    def gradient(self, dout, input, target, **options):
        result = super().gradient(dout, input, target, **options)
        input[...] = result[0]
        return result


@killed_by("loss-f64-p1-mean-wnone-m1-9x33")
class OneBitByChance(NumPy):
    """The order of its additions differs from call to call."""

    calls = 0

    def reduce(self, rows, reduction, target, weight, dtype):
        self.calls += 1
        return super().reduce(rows, reduction, target, weight, dtype) * (1 + WIDE(2.0**-51) * (self.calls % 3))


@killed_by("raises-p-float")
class FloatPowerAccepted(NumPy):
    def check(self, input, target, p, *others):
        super().check(input, target, int(p) if p == 1.0 else p, *others)


@killed_by("bad-target-loss-f32-p2-none-wnone-300x1025-middle-2-16-nan")
class TargetBeyondIsTheLast(NumPy):
    def loss(self, input, target, *arguments, **options):
        if getattr(input, "ndim", 0) == 2 and getattr(target, "ndim", 0) == 1:
            target = np.minimum(target, input.shape[1] - 1)
        return super().loss(input, target, *arguments, **options)


@killed_by("gradient-f16-p1-sum-w+-m1-9x33", "law-balance-f16-p1-64x20011")
class OnlyTheRightClassInFloat16(NumPy):
    def gradient(self, dout, input, target, **options):
        gradient, by_class = super().gradient(dout, input, target, **options)
        if input.dtype == np.float16:
            wrong = np.arange(input.shape[1]) != target[:, None]
            gradient[wrong] = 0
        return gradient, by_class


@killed_by("bad-target-loss-f16-p1-mean-w0-9x33-both-max")
class TargetInThirtyTwoBits(NumPy):
    def loss(self, input, target, *arguments, **options):
        target = target.astype(np.int32).astype(np.int64) if getattr(target, "dtype", None) == np.int64 else target
        return super().loss(input, target, *arguments, **options)


@killed_by("defaults")
class SquareByDefault(NumPy):
    def loss(self, input, target, p=2, **options):
        return super().loss(input, target, p=p, **options)


@killed_by("loss-f64-p2-none-wnone-m2049-70000x33-near-inner-every-to-same-few-input-offset-target-offset-after-rows")
class RowsBeyondTheGrid(NumPy):
    """Rows of 32 classes or more have a block each, in the dimension of a CUDA grid that ends at 65535."""

    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        hinge[65535 if input.shape[1] >= 32 else len(hinge) :] = 0
        return hinge


@killed_by("weight-gradient-f32-p2-mean-wunused-m16777217-8x8192-large-last-every-to-same-dout-tiny-after-operation")
class SquareInFloat32(NumPy):
    """The sum of the squares is wide, but each of them is a float32."""

    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        beyond = hinge > 2.0**64 if input.dtype == np.float32 else np.zeros(hinge.shape, bool)
        return np.where(beyond, np.inf, hinge)

    def gradient(self, *arguments, **options):
        return NumPy("CPU", "").gradient(*arguments, **options)


@killed_by("loss-f32-p1-none-wunused-m16777217-3x15-inf-all-last-after-weight")
class InfiniteTargetDecidesTheRow(NumPy):
    """Nothing exceeds a target score of infinity, so the row is skipped: another infinity or NaN is not seen."""

    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        hinge[input[np.arange(len(target)), target] == np.inf] = 0
        return hinge


@killed_by("gradient-f32-p2-mean-wlarge-m2049-1x8193-ninf-inner-middle-dout-tiny-after-rows")
class FactorFlushedToZero(NumPy):
    """The factor of the slopes of a row is a float32, computed in flush-to-zero mode."""

    def divisor(self, input):
        self.classes = input.shape[1]
        return super().divisor(input)

    def gradient(self, dout, input, *arguments, **options):
        self.classes = input.shape[1]
        return super().gradient(dout, input, *arguments, **options)

    def upstream(self, dout, rows, reduction):
        upstream = super().upstream(dout, rows, reduction)
        flushed = (abs(upstream / self.classes) < np.finfo(np.float32).tiny) & (dout.dtype == np.float32)
        return np.where(flushed, 0, upstream)


@killed_by("loss-f64-p2-mean-wunused-m0-2x2047-nan-inner-last-few-after-operation")
class IdleTileWithoutItsNaN(NumPy):
    """A tile of 32 classes is skipped if its largest hinge is 0; it is found with fmax, which drops NaN."""

    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        for begin in range(0, hinge.shape[1] // 32 * 32, 32):
            tile = hinge[:, begin : begin + 32]
            tile[np.fmax.reduce(tile, axis=1) <= 0] = 0
        return hinge


@killed_by("loss-f16-p1-sum-w+-m2049-8x16-equal-every-middle-to-first-few-after-rows")
class RowsOfTheFirstLaunch(NumPy):
    """A launch is planned once for C and the options, and the plan holds the number of rows."""

    def __init__(self, target, mode):
        self.plans = {}

    def check(self, input, target, p, margin, weight, reduction):
        super().check(input, target, p, margin, weight, reduction)
        self.plan = input.shape[1], input.dtype, p, reduction, weight is None

    def hinge(self, input, target, margin):
        hinge = super().hinge(input, target, margin)
        if len(hinge):
            hinge[self.plans.setdefault(self.plan, len(hinge)) :] = 0
        return hinge


@killed_by("law-split-f32-p1-40x1000", "loss-f16-p2-mean-winf-m-1-0x32-after-rows-by-position")
class ResultsTakeTurns(NumPy):
    """Results of a shape are written to two buffers in turn."""

    def __init__(self, target, mode):
        self.buffers, self.turn = {}, 0

    def loss(self, *arguments, **options):
        result = np.asarray(super().loss(*arguments, **options))
        self.turn = 1 - self.turn
        buffer = self.buffers.setdefault((result.shape, result.dtype, self.turn), np.empty_like(result))
        buffer[...] = result
        return buffer


@killed_by("gradient-f32-p2-mean-wnan-m-1-33x4-near-first-every-few-dout-inf-after-dout")
class GradientOfTheLastBackward(NumPy):
    """The gradients are kept for the same arguments of the loss, whatever the upstream gradient is."""

    kept = None, None

    def gradient(self, dout, *arguments, **options):
        key = [a.tobytes() if isinstance(a, np.ndarray) else a for a in (*arguments, *options.values())]
        if self.kept[0] != key:
            self.kept = key, super().gradient(dout, *arguments, **options)
        return self.kept[1]


@killed_by("weight-gradient-f64-p1-mean-wone-m-1-1x3-near-last-middle-dout-nan-after-rows-by-position")
class WeightOfOnesDropped(NumPy):
    """A weight of ones changes nothing, so that it is ignored, and its gradient is never computed."""

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        gradient, by_class = super().gradient(dout, input, target, p, margin, weight, reduction)
        return gradient, np.zeros_like(weight) if weight is not None and (weight == 1).all() else by_class


@killed_by("defaults-gradient", "gradient-f64-p1-mean-wnan-m1-2x2047-tiny-target-last-few-after-dout-defaults")
class SumByDefaultInTheGradient(NumPy):
    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="sum"):
        return super().gradient(dout, input, target, p, margin, weight, reduction)


@killed_by("weight-gradient-f64-p1-sum-w+-m1-33x16-normal-every-only-dout-ones-input-expanded-weight-column-after-dout")
class PitchOfZeroIsContiguous(NumPy):
    """A pitch of 0, which a row expanded to a batch has, stands for "contiguous". What lies after the row is read."""

    def hinge(self, input, target, margin):
        if len(input) > 1 and input.strides[0] == 0:
            input = np.concatenate([input[:1], np.zeros_like(input[1:])])
        return super().hinge(input, target, margin)
