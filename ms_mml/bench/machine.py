"""The machine that the times were measured on."""

import os
import pathlib
import platform

PROCESSORS = len(os.sched_getaffinity(0))


def machine():
    """The processor, its caches, the operating system and the Python version, as results record them."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    caches = pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")
    return {
        "processor": ", ".join(sorted(names)) or platform.machine(),
        "processors": PROCESSORS,
        "caches": {
            f"L{_read(cache / 'level')} {_read(cache / 'type')}": _read(cache / "size") for cache in sorted(caches)
        },
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _read(file):
    return file.read_text().strip()
