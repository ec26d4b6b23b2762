/* Calls entry points of a kernel library for somebody else: a process on this processor that has the library run on
 * another, or under an instrument. usage: driver LIBRARY
 *
 * It first writes the library's instruction set, or nothing where it has but one way to run. Then it reads calls until
 * the input ends, and answers each. All integers are 64 bits; a text is its length and its bytes.
 *
 * - call: symbol, number of arguments, and for each its dtype, rank, dimensions and contents; the last is the output
 * - answer: message (empty where all is well), contents of the output
 *
 * An array has exactly the memory that it needs, so that a sanitizer sees every byte beyond, and starts, as chance will
 * have it, at a boundary of 16 bytes or one element after.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMost = 8, kRank = 8 };

typedef int (*EntryPoint)(int, void**, int*, int64_t**, const char**, void*, void*);
typedef int (*Try)(EntryPoint, int, void**, int*, int64_t**, const char**, void*, char*, int64_t);

static void fail(const char* what) {
  fprintf(stderr, "driver: %s\n", what);
  exit(2);
}

static void read_bytes(void* to, size_t size) {
  if (fread(to, 1, size, stdin) != size) fail("the call ends within itself");
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

static int64_t size_of(const char* dtype) { /* "float16", "int64", ...: the bits are in the name */
  return atoi(dtype + strcspn(dtype, "0123456789")) / 8;
}

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
    const int64_t arguments_of_call = read_integer();
    if (arguments_of_call < 1 || arguments_of_call > kMost) fail("too many arguments");
    void* data[kMost];
    int ranks[kMost];
    int64_t shapes[kMost][kRank], *shape_of[kMost];
    char* dtypes[kMost];
    size_t size = 0, shifts[kMost];
    for (int i = 0; i < arguments_of_call; ++i) {
      dtypes[i] = read_text(read_integer());
      ranks[i] = (int)read_integer();
      if (ranks[i] > kRank) fail("too many dimensions");
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
    attempt(entry_point, (int)arguments_of_call, data, ranks, shape_of, (const char**)dtypes, NULL, message,
            sizeof message);
    write_text(message);
    fwrite(data[arguments_of_call - 1], 1, size, stdout);
    fflush(stdout);
    for (int i = 0; i < arguments_of_call; ++i) free((char*)data[i] - shifts[i]), free(dtypes[i]);
    free(symbol);
  }
  return 0;
}
