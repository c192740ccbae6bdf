// unit-tested: the newest unit test report has enough tests, and none failed.
//
// Parameters: `name`, the attestation (default `unit-tests`); `tests_min`, how many must pass (default 1).

const CONTROL = "unit-tested";

// The host calls this, in a fresh instance each time. Times are BigInts; everything else is as `wit/policy.wit` has it.
export function evaluate(dossier, parameters) {
  const finding = judge(dossier, JSON.parse(parameters));
  return { allow: finding.status === "satisfied", findings: [finding] };
}

function judge(dossier, given) {
  const { name = "unit-tests", tests_min = 1, ...unknown } = given;
  // An unknown parameter is refused, so that a misspelt one cannot weaken the policy.
  if (Object.keys(unknown).length > 0 || typeof name !== "string" || !isCount(tests_min)) {
    return failed("the parameters are not as documented");
  }
  const report = newest(dossier, "junit", name);
  if (report === undefined) {
    return failed(`there is no test report \`${name}\``);
  }
  if (report.schema !== "junit.v1") {
    return failed(`\`${name}\` has facts of the unknown schema \`${report.schema}\``, report);
  }
  const { errors, failed: failures, passed, tests } = JSON.parse(report.facts);
  if (![errors, failures, passed, tests].every(isCount)) {
    return failed(`\`${name}\` has facts that are not \`junit.v1\``, report);
  }
  // Zero tests are no tests, whatever the parameter says.
  const min = Math.max(1, tests_min);
  if (failures + errors > 0) {
    return failed(`\`${name}\`: ${failures + errors} of ${tests} tests failed`, report);
  }
  if (report.outcome !== "passed") {
    return failed(`\`${name}\` is not reported as passed`, report);
  }
  if (passed < min) {
    return failed(`\`${name}\`: ${passed} tests passed, at least ${min} must`, report);
  }
  return finding("satisfied", `\`${name}\`: ${passed} tests passed`, report);
}

// A re-run replaces the run before, for better or worse; of two at one time the later in the list counts.
// Evidence from another flow is none.
function newest(dossier, type, name) {
  return dossier.attestations
    .filter((evidence) => evidence.type === type && evidence.name === name && !evidence.foreign)
    .reduce((best, next) => (best && best.recordedMs > next.recordedMs ? best : next), undefined);
}

function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

function failed(reason, evidence) {
  return finding("failed", reason, evidence);
}

function finding(status, reason, evidence) {
  return { control: CONTROL, status, reason, entries: evidence ? [evidence.entry] : [] };
}
