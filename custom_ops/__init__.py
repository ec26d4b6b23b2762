"""The kernels, by device. Only their emulation and their tests are Python."""
