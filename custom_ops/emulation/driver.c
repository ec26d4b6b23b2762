/* Calls the functions of a kernel library on behalf of another process, which cannot load the library itself because
 * the library is for another processor, has sanitizers, or runs under valgrind. usage: driver LIBRARY
 *
 * The driver first writes the name of the library's instruction set, or an empty string if it has none. Then it reads
 * calls from stdin and answers each on stdout, until stdin ends. An integer has 64 bits; a string is its length,
 * followed by its bytes.
 *
 * - call: symbol, number of arguments, and for each argument its dtype, rank, dimensions and contents. The last
 * argument is the output.
 * - answer: error message (empty after success), contents of the output
 *
 * Each array is allocated with its exact size, so that a sanitizer detects every access beyond it. At random it starts
 * at a 16-byte boundary or one element after it.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMaxArguments = 8, kMaxRank = 8 };

typedef int (*EntryPoint)(int, void**, int*, int64_t**, const char**, void*, void*);
typedef int (*Try)(EntryPoint, int, void**, int*, int64_t**, const char**, void*, char*, int64_t);

static void fail(const char* message) {
  fprintf(stderr, "driver: %s\n", message);
  exit(2);
}

static void read_bytes(void* to, size_t size) {
  if (fread(to, 1, size, stdin) != size) fail("the input ends within a call");
}

static int64_t read_integer(void) {
  int64_t value;
  read_bytes(&value, sizeof value);
  return value;
}

static char* read_text(int64_t length) {
  char* text = calloc(length + 1, 1);
  if (text == NULL) fail("no memory");
  read_bytes(text, length);
  return text;
}

static void write_text(const char* text) {
  const int64_t length = strlen(text);
  fwrite(&length, sizeof length, 1, stdout);
  fwrite(text, 1, length, stdout);
}

/* The size of an element in bytes, from the number of bits in the name of its dtype: "float16", "int64". */
static int64_t size_of(const char* dtype) { return atoi(dtype + strcspn(dtype, "0123456789")) / 8; }

int main(int count, char** arguments) {
  void* library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
  if (library == NULL) fail(count == 2 ? dlerror() : "usage: driver LIBRARY");
  Try attempt = (Try)dlsym(library, "MultiMarginLossTry");
  const char* (*instruction_set)(void) = (const char* (*)(void))dlsym(library, "MultiMarginLossInstructionSet");
  if (attempt == NULL) fail(dlerror());
  write_text(instruction_set != NULL && instruction_set() != NULL ? instruction_set() : "");
  fflush(stdout);

  for (int64_t length; fread(&length, sizeof length, 1, stdin) == 1;) {
    char* symbol = read_text(length);
    const int64_t argument_count = read_integer();
    if (argument_count < 1 || argument_count > kMaxArguments) fail("too many arguments");
    void* data[kMaxArguments];
    int ranks[kMaxArguments];
    int64_t shapes[kMaxArguments][kMaxRank], *shape_of[kMaxArguments];
    char* dtypes[kMaxArguments];
    size_t size = 0, shifts[kMaxArguments];
    for (int i = 0; i < argument_count; ++i) {
      dtypes[i] = read_text(read_integer());
      ranks[i] = (int)read_integer();
      if (ranks[i] > kMaxRank) fail("too many dimensions");
      size = size_of(dtypes[i]);
      for (int axis = 0; axis < ranks[i]; ++axis) size *= shapes[i][axis] = read_integer();
      shape_of[i] = shapes[i];
      shifts[i] = rand() % 2 * size_of(dtypes[i]);
      char* memory = malloc(shifts[i] + size);
      if (memory == NULL) fail("no memory");
      data[i] = memory + shifts[i];
      read_bytes(data[i], size);
    }
    EntryPoint entry_point = (EntryPoint)dlsym(library, symbol);
    if (entry_point == NULL) fail(dlerror());
    char message[1024] = "";
    attempt(entry_point, (int)argument_count, data, ranks, shape_of, (const char**)dtypes, NULL, message,
            sizeof message);
    write_text(message);
    fwrite(data[argument_count - 1], 1, size, stdout);
    fflush(stdout);
    for (int i = 0; i < argument_count; ++i) free((char*)data[i] - shifts[i]), free(dtypes[i]);
    free(symbol);
  }
  return 0;
}
