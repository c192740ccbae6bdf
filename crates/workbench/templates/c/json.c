#include "json.h"

#include <stdlib.h>
#include <string.h>

// Returns where a value ends that begins at `at`: behind its closing quote or bracket, or before the next comma.
static const char *end_of(const char *at, const char *end) {
  size_t depth = 0;
  bool quoted = false;
  for (; at < end; at++) {
    if (quoted) {
      if (*at == '\\') {
        at++;
      } else if (*at == '"') {
        quoted = false;
      }
    } else if (*at == '"') {
      quoted = true;
    } else if (*at == '{' || *at == '[') {
      depth++;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0) {
        return at;
      }
      depth--;
    } else if (*at == ',' && depth == 0) {
      return at;
    }
  }
  return end;
}

// Returns where a string ends that begins at `at`: behind its closing quote.
static const char *end_of_string(const char *at, const char *end) {
  for (at++; at < end && *at != '"'; at++) {
    if (*at == '\\') {
      at++;
    }
  }
  return at < end ? at + 1 : end;
}

typedef bool (*visit_t)(text_t key, text_t value, void *context);

// Shows the members of an object until one is taken.
static bool find(text_t object, visit_t visit, void *context) {
  const char *at = object.at;
  const char *end = at + object.length;
  if (object.length < 2 || *at != '{' || end[-1] != '}') {
    return false;
  }
  end--;
  at++;
  while (at < end && *at == '"') {
    const char *colon = end_of_string(at, end);
    if (colon >= end || *colon != ':') {
      return false;
    }
    const char *next = end_of(colon + 1, end);
    text_t key = {at + 1, (size_t)(colon - at) - 2};
    text_t value = {colon + 1, (size_t)(next - colon) - 1};
    if (visit(key, value, context)) {
      return true;
    }
    at = next < end ? next + 1 : end;
  }
  return false;
}

typedef struct {
  const char *one;
  const char *two;
  text_t *value;
} wanted_t;

static bool is_wanted(text_t key, text_t value, void *context) {
  wanted_t *wanted = context;
  if (text_is(key, wanted->one)) {
    *wanted->value = value;
    return true;
  }
  return false;
}

static bool is_other(text_t key, text_t value, void *context) {
  wanted_t *wanted = context;
  (void)value;
  return !text_is(key, wanted->one) && !text_is(key, wanted->two);
}

bool json_member(text_t object, const char *key, text_t *value) {
  wanted_t wanted = {key, key, value};
  return find(object, is_wanted, &wanted);
}

bool json_has_others(text_t object, const char *one, const char *two) {
  wanted_t wanted = {one, two, NULL};
  return find(object, is_other, &wanted);
}

bool json_count(text_t value, uint64_t *count) {
  // Numbers have at most 16 digits in the journal.
  if (value.length == 0 || value.length > 16) {
    return false;
  }
  *count = 0;
  for (size_t i = 0; i < value.length; i++) {
    if (value.at[i] < '0' || value.at[i] > '9') {
      return false;
    }
    *count = *count * 10 + (uint64_t)(value.at[i] - '0');
  }
  return true;
}

static char unescaped(char letter) {
  switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return letter;
  }
}

static int hex(char digit) {
  return digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10;
}

bool json_string(text_t value, text_t *string) {
  if (value.length < 2 || value.at[0] != '"') {
    return false;
  }
  char *to = malloc(value.length);
  string->at = to;
  const char *end = value.at + value.length - 1;
  for (const char *from = value.at + 1; from < end; from++) {
    if (*from != '\\') {
      *to++ = *from;
    } else if (*++from == 'u') {
      // Canonical JSON writes only control characters like this: \u00XX.
      *to++ = (char)(hex(from[3]) * 16 + hex(from[4]));
      from += 4;
    } else {
      *to++ = unescaped(*from);
    }
  }
  string->length = (size_t)(to - string->at);
  return true;
}

bool text_is(text_t text, const char *other) {
  return text.length == strlen(other) && memcmp(text.at, other, text.length) == 0;
}
