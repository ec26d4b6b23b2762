# Source this to let MindSpore load its GPU plugin. The plugin is built for CUDA 11, and MindSpore loads it only if
# `$CUDA_HOME/bin/nvcc --version` prints an 11.x release. The CUDA 11 libraries come from PyPI (the extra `gpu`).
export CUDA_HOME=$PWD/.venv/cuda-11
mkdir -p "$CUDA_HOME/bin"
printf '#!/bin/sh\necho "Cuda compilation tools, release 11.8, V11.8.89"\n' >"$CUDA_HOME/bin/nvcc"
chmod +x "$CUDA_HOME/bin/nvcc"
# The plugin has no machine code for Hopper: the driver compiles its kernels, only once if its cache is large enough.
export CUDA_MODULE_LOADING=LAZY CUDA_CACHE_MAXSIZE=4294967296
for libraries in "$PWD"/.venv/lib/python3.*/site-packages/nvidia/*/lib; do
  export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
