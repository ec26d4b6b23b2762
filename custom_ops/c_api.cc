// What every library has for callers that cannot catch C++ exceptions: errors as a number and a text.
#include <cstdio>
#include <exception>

#include "kernels.h"

using EntryPoint = int (*)(int, void**, int*, int64_t**, const char**, void*, void*);

// Calls an entry point; returns what it returns, or -1 with the error's text in message.
MS_MML_EXPORT int MultiMarginLossTry(EntryPoint entry_point, int count, void** data, int* ranks, int64_t** shapes,
                                     const char** dtypes, void* stream, char* message, int64_t message_size) {
  try {
    return entry_point(count, data, ranks, shapes, dtypes, stream, nullptr);
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return -1;
  }
}
