"""Checks of the arguments of a kernel function."""

import functools
import inspect

REQUIRED_INPUT, REQUIRED_OUTPUT, KERNEL_NAME = "required_input", "required_output", "kernel_name"
KEYS = ("shape", "format", "ori_shape", "ori_format", "dtype")


def check_op_params(*kinds):
    """Return a decorator: each tensor must be a dict with all of KEYS, and the kernel name a str."""

    def decorate(function):
        names = list(inspect.signature(function).parameters)

        @functools.wraps(function)
        def checked(*arguments, **options):
            given = {**dict(zip(names, arguments)), **options}
            for name, kind in zip(names, kinds):
                if kind == KERNEL_NAME:
                    if not isinstance(given.get(name, ""), str):
                        raise RuntimeError(f"In op[{function.__name__}], [{name}] must be a str")
                elif not isinstance(given[name], dict) or set(KEYS) - set(given[name]):
                    raise RuntimeError(f"In op[{function.__name__}], [{name}] must be a dict with {', '.join(KEYS)}")
            return function(*arguments, **options)

        return checked

    return decorate


def check_dtype(dtype, check_list, param_name=""):
    if dtype not in check_list:
        raise RuntimeError(f"the dtype of [{param_name}] must be one of {', '.join(check_list)}, but got {dtype}")
