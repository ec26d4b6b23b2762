"""Runs the source of a device's kernels on this machine, without the device.

Emulation checks results and memory accesses, not speed. Each emulation is a subject with its own name; a report never
counts it as the device.
"""
