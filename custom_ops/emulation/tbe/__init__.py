"""A stub of CANN's package `tbe` in NumPy. It has only the calls that custom_ops/ascend/tbe makes.

To use it, put the folder custom_ops/emulation on sys.path. A kernel is built as for the device, from tensors that hold
no values; `tbe.emulated`, which CANN does not have, runs it. Every operation rounds to its dtype. Calls that CANN's
reference forbids raise an error. The stub does not model schedules, memory and speed, and it assumes that the chip
handles NaN and subnormal numbers as IEEE 754 specifies.
"""
