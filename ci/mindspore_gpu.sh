# Source this where MindSpore should find its GPU plugin. That is built for CUDA 11, and is chosen by what
# `$CUDA_HOME/bin/nvcc --version` prints; the libraries come from PyPI (the extra `gpu`).
export CUDA_HOME=$PWD/.venv/cuda-11
mkdir -p "$CUDA_HOME/bin"
printf '#!/bin/sh\necho "Cuda compilation tools, release 11.8, V11.8.89"\n' >"$CUDA_HOME/bin/nvcc"
chmod +x "$CUDA_HOME/bin/nvcc"
# Its kernels were made before Hopper: the driver compiles them there, once if its cache is large enough.
export CUDA_MODULE_LOADING=LAZY CUDA_CACHE_MAXSIZE=4294967296
for libraries in "$PWD"/.venv/lib/python3.*/site-packages/nvidia/*/lib; do
  export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
