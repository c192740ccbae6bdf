/// How many there are of each sort, in the ways in which runners count.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) tests: u64,
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) errors: u64,
    pub(super) skipped: u64,
    pub(super) failure_cases: u64,
    pub(super) failure_elements: u64,
    pub(super) error_cases: u64,
    pub(super) error_elements: u64,
    pub(super) skipped_cases: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.passed += other.passed;
        self.failed += other.failed;
        self.errors += other.errors;
        self.skipped += other.skipped;
        self.failure_cases += other.failure_cases;
        self.failure_elements += other.failure_elements;
        self.error_cases += other.error_cases;
        self.error_elements += other.error_elements;
        self.skipped_cases += other.skipped_cases;
    }

    /// Returns what an attribute may say of these cases, ours first.
    pub(super) fn counted_as(&self, attribute: &str) -> [u64; 3] {
        match attribute {
            "failures" => [self.failed, self.failure_cases, self.failure_elements],
            "errors" => [self.errors, self.error_cases, self.error_elements],
            "skipped" => [self.skipped, self.skipped_cases, self.skipped_cases],
            _ => [self.tests; 3],
        }
    }
}
