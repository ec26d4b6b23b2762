// Calls an entry point on behalf of a caller that cannot catch C++ exceptions, such as ctypes. Every library exports
// MultiMarginLossTry.
#include <cstdio>
#include <exception>

#include "kernels.h"

using EntryPoint = int (*)(int, void**, int*, int64_t**, const char**, void*, void*);

// Returns the entry point's result. If it throws, returns -1 and writes the error's text to `message`.
MS_MML_EXPORT int MultiMarginLossTry(EntryPoint entry_point, int count, void** data, int* ranks, int64_t** shapes,
                                     const char** dtypes, void* stream, char* message, int64_t message_size) {
  try {
    return entry_point(count, data, ranks, shapes, dtypes, stream, nullptr);
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return -1;
  }
}
