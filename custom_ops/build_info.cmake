# Writes build.json: the version, commit, compiler, processor and instruction sets of a library. `python -m ms_mml info`
# prints it, and conformance reports include it.
function(write_build_info file compiler_language instruction_sets)
  set(version unknown)
  if(DEFINED SKBUILD_PROJECT_VERSION)
    set(version ${SKBUILD_PROJECT_VERSION})
  endif()
  set(commit unknown)
  get_filename_component(checkout ${CMAKE_CURRENT_FUNCTION_LIST_DIR} DIRECTORY)
  if(EXISTS ${checkout}/.git)
    execute_process(
      COMMAND git -C ${checkout} describe --always --dirty --abbrev=40 --exclude=*
      OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(described)
      set(commit ${described})
    endif()
  endif()
  set(compiler "${CMAKE_${compiler_language}_COMPILER_ID} ${CMAKE_${compiler_language}_COMPILER_VERSION}")
  list(JOIN instruction_sets "\", \"" instruction_sets)
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/build.json.in ${file} @ONLY)
endfunction()
