#!/usr/bin/env bash
# Builds the op package of the Ascend C kernels, with the build driver in MindSpore's wheel:
#
#   build.sh [--soc-version NAME[;NAME...]] [--ascend-cann-package-path FOLDER] [--output FOLDER]
#
# CANN's folder is ASCEND_HOME_PATH by default. MindSpore must be importable by $PYTHON (default: python3). If either is
# missing, the script says what to install and exits with 77 (not run).
set -euo pipefail

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
soc_version="ascend310p;ascend910b;ascend910_93"
cann=${ASCEND_HOME_PATH:-}
output=$PWD/build/ascendc

while [ $# -gt 0 ]; do
  case "$1" in
    --soc-version) soc_version=${2:?"--soc-version needs a name"} ;;
    --ascend-cann-package-path) cann=${2:?"--ascend-cann-package-path needs a folder"} ;;
    --output) output=${2:?"--output needs a folder"} ;;
    *) sed -n 's/^# \{0,1\}//; 2,7p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift 2
done

not_run() {
  echo "build.sh: NOT RUN: $*" >&2
  exit 77
}

python=${PYTHON:-python3}
find_mindspore='import importlib.util as u; print(*u.find_spec("mindspore").submodule_search_locations)'
mindspore=$("$python" -c "$find_mindspore" 2>/dev/null) ||
  not_run "$python has no MindSpore; install it (pip install mindspore) or set PYTHON to a Python that has it"
driver=$mindspore/lib/plugin/ascend/custom_compiler
[ -f "$driver/setup.py" ] || not_run "MindSpore's build driver is missing: $driver/setup.py; install MindSpore from its Linux wheel"
[ -n "$cann" ] ||
  not_run "CANN was not found: ASCEND_HOME_PATH is not set; install the CANN toolkit and source its set_env.sh, or" \
    "give its folder with --ascend-cann-package-path"
[ -d "$cann" ] || not_run "CANN was not found at $cann; install the CANN toolkit, or give its folder"

# The driver writes to its own folder and looks for start.sh in the current folder, so run it in a copy.
mkdir -p "$output"
cp -r "$driver/." "$output"
cd "$output"
"$python" setup.py --op_host_path "$sources/op_host" --op_kernel_path "$sources/op_kernel" \
  --soc_version "$soc_version" --ascend_cann_package_path "$(cd "$cann" && pwd -P)" --vendor_name ms_mml
for package in "$output"/CustomProject/build_out/*.run; do
  [ -f "$package" ] || { echo "build.sh: the build made no package; see $output/build.log" >&2; exit 1; }
  echo "build.sh: built $package; install it with 'bash $package', then source the set_env.bash that it names"
done
