"""Writes the kernels into a folder as CANN finds custom operators: python deploy.py FOLDER

    FOLDER/vendors/ms_mml_tbe/op_impl/ai_core/tbe/ms_mml_tbe_impl/multi_margin_loss.py   the kernels
    FOLDER/vendors/ms_mml_tbe/op_impl/ai_core/tbe/config/CHIP/aic-CHIP-ops-info.json     what they take, for each chip

CANN compiles a kernel when it first meets a shape. The shape and dtype of a result come from MindSpore; CANN's own
graphs would also want an operator prototype, which is C++ and not here.
"""

import argparse
import json
import pathlib
import shutil

from registration import OPERATORS, dtypes

VENDOR = "ms_mml_tbe"
KERNELS = pathlib.Path(__file__).with_name("multi_margin_loss.py")
CHIPS = ("ascend310b", "ascend310p", "ascend910", "ascend910b", "ascend910_93")
CANN_DTYPES = {"float16": "float16", "float32": "float"}


def operator_information():
    """The operators as CANN's information library has them; shapes are static."""
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
    known = [CANN_DTYPES[dtype] for dtype in dtypes(name)]
    formats = ["ND"] * len(known)
    return {
        "name": name,
        "paramType": "required",
        "dtype": ",".join(known),
        "format": ",".join(formats),
        "shape": "all",
    }


def deploy(folder):
    """Writes all files and returns the package's folder."""
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
    parser = argparse.ArgumentParser(description="Writes the TBE kernels into a folder as CANN finds custom operators.")
    parser.add_argument("folder", help="where vendors/ms_mml_tbe is made")
    package = deploy(parser.parse_args().folder)
    print(f"export ASCEND_CUSTOM_OPP_PATH={package}:$ASCEND_CUSTOM_OPP_PATH")


if __name__ == "__main__":
    main()
