"""A device's own source, run where the device is not: right or wrong is seen, speed is not. Each has a name of its own,
and is never reported as the device."""
