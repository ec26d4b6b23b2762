"""A stand-in for CANN's package `tbe` in NumPy, for the calls that custom_ops/ascend/tbe makes and no others: with the
folder of this package on sys.path, `import tbe.dsl` finds it.

A kernel is built as on the device, out of tensors that hold no values, and run by `tbe.emulated`, which CANN does not
have. Every step rounds to its dtype, and what CANN's reference refuses is refused in words. Schedules, memory and speed
are not seen here; and that the chip treats NaN and numbers below the normal ones as IEEE 754 does is an assumption.
"""
