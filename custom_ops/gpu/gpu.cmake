# Builds the GPU library: machine code for each compute capability below that nvcc supports, and PTX for 8.0, which the
# driver compiles for all other GPUs from 8.0 on.
set(generations 70 75 80 90 100 120)

include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "MS_MML_CUDA is ON but there is no nvcc: put it on PATH, or name it in CUDACXX or with "
    "-DCMAKE_CUDA_COMPILER=/path/to/nvcc")
endif()

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-arch OUTPUT_VARIABLE supported)
  foreach(generation ${generations})
    if(supported MATCHES "compute_${generation}\n")
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
# -fmad=false: a fused multiply-add rounds differently and would invalidate compensated sums.
target_compile_options(ms_mml_gpu PRIVATE
  $<IF:$<COMPILE_LANGUAGE:CUDA>,-fmad=false;--threads=2;-Xcompiler=-Wall$<COMMA>-Wextra,-Wall;-Wextra>)
# nodelete: MindSpore unloads the libraries of deleted operators, but the CUDA driver keeps their kernels registered.
target_link_options(ms_mml_gpu PRIVATE ${export_entry_points_only} -Wl,-z,nodelete)

set(architectures ${CMAKE_CUDA_ARCHITECTURES})
list(TRANSFORM architectures REPLACE "(.*)-real" "sm_\\1")
list(TRANSFORM architectures REPLACE "(.*)-virtual" "compute_\\1")
write_build_info(${CMAKE_CURRENT_BINARY_DIR}/gpu/build.json CUDA "${architectures}")
install(TARGETS ms_mml_gpu LIBRARY DESTINATION ms_mml/lib/gpu)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpu/build.json DESTINATION ms_mml/lib/gpu)
