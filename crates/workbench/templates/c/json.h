// Reads canonical JSON (RFC 8785): no spaces, sorted keys, integers only. What it is asked for is never changed.
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A piece of JSON, or of plain text.
typedef struct {
  const char *at;
  size_t length;
} text_t;

// Finds the value of a key in an object; `false` where it is not there, or not an object.
bool json_member(text_t object, const char *key, text_t *value);

// Says whether an object has a key besides the two.
bool json_has_others(text_t object, const char *one, const char *two);

// Reads a number that is not negative; `false` for everything else.
bool json_count(text_t value, uint64_t *count);

// Reads a string, its escapes undone; `false` for everything else.
bool json_string(text_t value, text_t *string);

// Compares with a C string.
bool text_is(text_t text, const char *other);

#endif
