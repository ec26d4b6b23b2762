# The GPU's library: machine code for these generations of GPUs, as far as this nvcc knows them, and PTX for all others
# from 8.0 on, which the driver compiles.
set(wanted 70 75 80 90 100 120)

include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "MS_MML_CUDA is ON but there is no nvcc: put it on PATH, or name it in CUDACXX or with "
    "-DCMAKE_CUDA_COMPILER=/path/to/nvcc")
endif()

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-arch OUTPUT_VARIABLE known)
  foreach(generation ${wanted})
    if(known MATCHES "compute_${generation}\n")
      list(APPEND CMAKE_CUDA_ARCHITECTURES ${generation}-real)
    endif()
  endforeach()
  list(APPEND CMAKE_CUDA_ARCHITECTURES 80-virtual)
endif()
enable_language(CUDA)

set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)

add_library(ms_mml_gpu MODULE entry_points.cc c_api.cc gpu/kernels.cu)
set_target_properties(ms_mml_gpu PROPERTIES CUDA_RUNTIME_LIBRARY Static)
# -fmad=false: a product that is added before it is rounded would invalidate_row sums that carry what each rounding loses.
target_compile_options(ms_mml_gpu PRIVATE
  $<IF:$<COMPILE_LANGUAGE:CUDA>,-fmad=false;--threads=2;-Xcompiler=-Wall$<COMMA>-Wextra,-Wall;-Wextra>)
# MindSpore closes libraries of operators that it has done with, and the driver would still know the kernels.
target_link_options(ms_mml_gpu PRIVATE ${only_entry_points} -Wl,-z,nodelete)

set(architectures ${CMAKE_CUDA_ARCHITECTURES})
list(TRANSFORM architectures REPLACE "(.*)-real" "sm_\\1")
list(TRANSFORM architectures REPLACE "(.*)-virtual" "compute_\\1")
write_build_info(${CMAKE_CURRENT_BINARY_DIR}/gpu/build.json CUDA "${architectures}")
install(TARGETS ms_mml_gpu LIBRARY DESTINATION ms_mml/lib/gpu)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpu/build.json DESTINATION ms_mml/lib/gpu)
