"""Writes the kernels to a folder in CANN's layout for custom operators: python -m custom_ops.ascend.tbe.deploy FOLDER

    FOLDER/vendors/ms_mml_tbe/op_impl/ai_core/tbe/ms_mml_tbe_impl/multi_margin_loss.py   the kernels
    FOLDER/vendors/ms_mml_tbe/op_impl/ai_core/tbe/config/CHIP/aic-CHIP-ops-info.json     the operators, for each chip

CANN compiles a kernel at the first call with a new shape. MindSpore infers the shape and dtype of the result. CANN's
own graphs would also need an operator prototype in C++, which this package does not have.
"""

import argparse
import json
import pathlib
import shutil

from custom_ops.ascend.tbe.registration import OPERATORS, dtypes

VENDOR = "ms_mml_tbe"
KERNELS = pathlib.Path(__file__).with_name("multi_margin_loss.py")
CHIPS = ("ascend310b", "ascend310p", "ascend910", "ascend910b", "ascend910_93")
CANN_DTYPES = {"float16": "float16", "float32": "float"}


def operator_information():
    """The contents of aic-CHIP-ops-info.json."""
    information = {}
    for operator, (function, inputs, output) in OPERATORS.items():
        information[operator] = {
            **{f"input{index}": _argument(name) for index, name in enumerate(inputs)},
            "output0": _argument(output),
            "opFile": {"value": KERNELS.stem},
            "opInterface": {"value": function},
        }
    return information


def _argument(name):
    names = [CANN_DTYPES[dtype] for dtype in dtypes(name)]
    formats = ["ND"] * len(names)
    return {
        "name": name,
        "paramType": "required",
        "dtype": ",".join(names),
        "format": ",".join(formats),
        "shape": "all",
    }


def deploy(folder):
    """Write all files; return the folder of the op package."""
    package = pathlib.Path(folder).absolute() / "vendors" / VENDOR
    root = package / "op_impl" / "ai_core" / "tbe"
    kernels = root / f"{VENDOR}_impl" / KERNELS.name
    kernels.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(KERNELS, kernels)
    for chip in CHIPS:
        config = root / "config" / chip / f"aic-{chip}-ops-info.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps(operator_information(), indent=4) + "\n")
    return package


def main():
    parser = argparse.ArgumentParser(description="Write the TBE kernels to FOLDER in CANN's layout for operators.")
    parser.add_argument("folder", metavar="FOLDER", help="the folder in which to write vendors/ms_mml_tbe")
    package = deploy(parser.parse_args().folder)
    print(f"export ASCEND_CUSTOM_OPP_PATH={package}:$ASCEND_CUSTOM_OPP_PATH")


if __name__ == "__main__":
    main()
