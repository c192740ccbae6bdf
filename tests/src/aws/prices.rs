//! List prices in dollars, of on-demand use and beyond every free tier.

/// When they were looked up.
pub const DATE: &str = "2026-11-22";

/// What a region charges.
#[derive(Debug, Clone, Copy)]
pub struct Prices {
    /// The region.
    pub region: &'static str,
    /// DynamoDB, a million write request units, in dollars.
    pub write_units: f64,
    /// DynamoDB, a million read request units.
    pub read_units: f64,
    /// DynamoDB, a gigabyte and month.
    pub table_gb: f64,
    /// DynamoDB, a gigabyte and month of point-in-time recovery.
    pub recovery_gb: f64,
    /// S3, a million `PUT`, `COPY`, `POST` or `LIST`.
    pub puts: f64,
    /// S3, a million `GET` and others.
    pub gets: f64,
    /// S3 Standard, a gigabyte and month.
    pub bucket_gb: f64,
    /// Lambda, a million requests.
    pub invocations: f64,
    /// Lambda on arm64, a million gigabyte-seconds.
    pub gb_seconds: f64,
    /// API Gateway, a million requests to an HTTP API.
    pub api: f64,
    /// CloudWatch, a gigabyte of logs taken in.
    pub logs_gb: f64,
}

/// Northern Virginia.
pub const US_EAST_1: Prices = Prices {
    region: "us-east-1",
    write_units: 0.625,
    read_units: 0.125,
    table_gb: 0.25,
    recovery_gb: 0.20,
    puts: 5.0,
    gets: 0.40,
    bucket_gb: 0.023,
    invocations: 0.20,
    gb_seconds: 13.333_4,
    api: 1.00,
    logs_gb: 0.50,
};

/// Ireland.
pub const EU_WEST_1: Prices = Prices {
    region: "eu-west-1",
    write_units: 0.705,
    read_units: 0.141_5,
    table_gb: 0.283,
    recovery_gb: 0.226,
    puts: 5.0,
    gets: 0.40,
    bucket_gb: 0.023,
    invocations: 0.20,
    gb_seconds: 13.333_4,
    api: 1.11,
    logs_gb: 0.57,
};
