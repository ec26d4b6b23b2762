#!/usr/bin/env bash
# Builds the op package with the compiler driver in MindSpore's wheel, for CANN to install:
#
#   build.sh [--soc-version NAME[;NAME...]] [--ascend-cann-package-path FOLDER] [--output FOLDER]
#
# CANN is looked for in ASCEND_HOME_PATH unless a folder is named, MindSpore by $PYTHON (python3). Where either is
# missing, this says so and exits with 77: not run, which is no pass.
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
  not_run "there is no MindSpore for $python; install it (pip install mindspore) or name another: PYTHON=..."
driver=$mindspore/lib/plugin/ascend/custom_compiler
[ -f "$driver/setup.py" ] || not_run "this MindSpore has no compiler driver at $driver/setup.py; use its Linux wheel"
[ -n "$cann" ] ||
  not_run "there is no CANN: ASCEND_HOME_PATH is not set; install the CANN toolkit and source its set_env.sh, or name" \
    "its folder with --ascend-cann-package-path"
[ -d "$cann" ] || not_run "there is no CANN at $cann; install the CANN toolkit, or name its folder"

# The driver works in its own folder, which must not be the installed one, and finds its start.sh in the current one.
mkdir -p "$output"
cp -r "$driver/." "$output"
cd "$output"
"$python" setup.py --op_host_path "$sources/op_host" --op_kernel_path "$sources/op_kernel" \
  --soc_version "$soc_version" --ascend_cann_package_path "$(cd "$cann" && pwd -P)" --vendor_name ms_mml
for package in "$output"/CustomProject/build_out/*.run; do
  [ -f "$package" ] || { echo "build.sh: no package was made; see $output/build.log" >&2; exit 1; }
  echo "build.sh: made $package; install it: bash $package, then source the set_env.bash that it names"
done
