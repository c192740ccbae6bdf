// unit-tested: the newest unit test report has enough tests, and none failed.
//
// Parameters: `name`, the attestation (default `unit-tests`); `tests_min`, how many must pass (default 1).
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "policy.h"

#define CONTROL "unit-tested"

typedef trailmark_policy_types_attestation_t attestation_t;

typedef struct {
  text_t name;
  uint64_t tests_min;
} parameters_t;

static text_t text(const char *from) {
  return (text_t){from, strlen(from)};
}

static text_t text_of(const policy_string_t *from) {
  return (text_t){(const char *)from->ptr, from->len};
}

static bool is(const policy_string_t *one, text_t other) {
  return one->len == other.length && memcmp(one->ptr, other.at, other.length) == 0;
}

// A reason that is written piece by piece.
static policy_string_t reason;

static void say(text_t piece) {
  reason.ptr = realloc(reason.ptr, reason.len + piece.length);
  memcpy(reason.ptr + reason.len, piece.at, piece.length);
  reason.len += piece.length;
}

static void say_name(const parameters_t *parameters) {
  say(text("`"));
  say(parameters->name);
  say(text("`"));
}

static void say_count(uint64_t count) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + count % 10);
    count /= 10;
  } while (count > 0);
  say((text_t){digits + at, sizeof digits - at});
}

// An unknown parameter is refused, so that a misspelt one cannot weaken the policy.
static bool read_parameters(text_t given, parameters_t *parameters) {
  text_t value;
  parameters->name = text("unit-tests");
  parameters->tests_min = 1;
  if (json_has_others(given, "name", "tests_min")) {
    return false;
  }
  if (json_member(given, "name", &value) && !json_string(value, &parameters->name)) {
    return false;
  }
  return !json_member(given, "tests_min", &value) || json_count(value, &parameters->tests_min);
}

// A re-run replaces the run before, for better or worse; of two at one time the later in the list counts. Evidence from
// another flow is none.
static attestation_t *newest(trailmark_policy_types_dossier_t *dossier, text_t type, text_t name) {
  attestation_t *best = NULL;
  for (size_t i = 0; i < dossier->attestations.len; i++) {
    attestation_t *next = &dossier->attestations.ptr[i];
    if (is(&next->type, type) && is(&next->name, name) && !next->foreign &&
        (best == NULL || best->recorded_ms <= next->recorded_ms)) {
      best = next;
    }
  }
  return best;
}

static bool count(text_t facts, const char *key, uint64_t *value) {
  text_t number;
  return json_member(facts, key, &number) && json_count(number, value);
}

// Judges a report, and says why.
static bool is_good(const attestation_t *report, const parameters_t *parameters) {
  uint64_t errors, failed, passed, tests;
  text_t facts = text_of(&report->facts);
  uint64_t tests_min = parameters->tests_min;
  // Zero tests are no tests, whatever the parameter says.
  tests_min = tests_min > 1 ? tests_min : 1;
  say_name(parameters);
  if (!is(&report->schema, text("junit.v1"))) {
    say(text(" has facts of the unknown schema `"));
    say(text_of(&report->schema));
    say(text("`"));
    return false;
  }
  if (!count(facts, "errors", &errors) || !count(facts, "failed", &failed) || !count(facts, "passed", &passed) ||
      !count(facts, "tests", &tests)) {
    say(text(" has facts that are not `junit.v1`"));
    return false;
  }
  if (failed + errors > 0) {
    say(text(": "));
    say_count(failed + errors);
    say(text(" of "));
    say_count(tests);
    say(text(" tests failed"));
    return false;
  }
  if (report->outcome != TRAILMARK_POLICY_TYPES_OUTCOME_PASSED) {
    say(text(" is not reported as passed"));
    return false;
  }
  say(text(": "));
  say_count(passed);
  say(text(" tests passed"));
  if (passed < tests_min) {
    say(text(", at least "));
    say_count(tests_min);
    say(text(" must"));
    return false;
  }
  return true;
}

// The host calls this, in a fresh instance each time; everything is as `wit/policy.wit` has it.
void exports_policy_evaluate(policy_dossier_t *dossier, policy_string_t *given, policy_verdict_t *verdict) {
  parameters_t parameters;
  attestation_t *report = NULL;
  bool good = false;
  if (!read_parameters(text_of(given), &parameters)) {
    say(text("the parameters are not as documented"));
  } else if ((report = newest(dossier, text("junit"), parameters.name)) == NULL) {
    say(text("there is no test report "));
    say_name(&parameters);
  } else {
    good = is_good(report, &parameters);
  }
  trailmark_policy_types_finding_t *finding = calloc(1, sizeof *finding);
  policy_string_dup(&finding->control, CONTROL);
  finding->status = good ? TRAILMARK_POLICY_TYPES_STATUS_SATISFIED : TRAILMARK_POLICY_TYPES_STATUS_FAILED;
  finding->reason = reason;
  if (report != NULL) {
    finding->entries.ptr = &report->entry;
    finding->entries.len = 1;
  }
  verdict->allow = good;
  verdict->findings.ptr = finding;
  verdict->findings.len = 1;
}
