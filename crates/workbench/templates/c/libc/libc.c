// What is needed of a C library, so that none must be installed. Memory is only ever taken: an instance lives for one
// question, and the host takes all of it back.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 65536

extern char __heap_base;

// Before each block lies its size.
typedef struct {
  size_t size;
  size_t padding;
} head_t;

static uintptr_t next;

void *malloc(size_t size) {
  if (next == 0) {
    next = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
  }
  uintptr_t block = next + sizeof(head_t);
  uintptr_t end = (block + size + 7) & ~(uintptr_t)7;
  if (end < block) {
    abort();
  }
  uintptr_t have = __builtin_wasm_memory_size(0) * PAGE;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (size_t)-1) {
    abort();
  }
  next = end;
  ((head_t *)block)[-1].size = size;
  return (void *)block;
}

void *calloc(size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) {
    abort();
  }
  return memset(malloc(count * size), 0, count * size);
}

void *realloc(void *block, size_t size) {
  if (block == NULL) {
    return malloc(size);
  }
  size_t had = ((head_t *)block)[-1].size;
  return size <= had ? block : memcpy(malloc(size), block, had);
}

void free(void *block) {
  (void)block;
}

_Noreturn void abort(void) {
  __builtin_trap();
}

void *memcpy(void *to, const void *from, size_t size) {
  return memmove(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
  char *target = to;
  const char *source = from;
  if (target < source) {
    for (size_t i = 0; i < size; i++) {
      target[i] = source[i];
    }
  } else {
    for (size_t i = size; i > 0; i--) {
      target[i - 1] = source[i - 1];
    }
  }
  return to;
}

void *memset(void *to, int value, size_t size) {
  char *target = to;
  for (size_t i = 0; i < size; i++) {
    target[i] = (char)value;
  }
  return to;
}

int memcmp(const void *one, const void *other, size_t size) {
  const unsigned char *left = one;
  const unsigned char *right = other;
  for (size_t i = 0; i < size; i++) {
    if (left[i] != right[i]) {
      return left[i] - right[i];
    }
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) {
    length++;
  }
  return length;
}

// The bindings ask for an object that says which world they are of; `trailmark` says that itself.
void __component_type_object_force_link_policy(void) {}
