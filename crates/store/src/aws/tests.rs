//! The store beside Amazon's DynamoDB Local and an S3 server, each test with a table and buckets of its own.

mod faults;
mod home;
mod limits;
mod many;
mod monitoring;
mod moving;
mod objects;
mod place;
mod refusals;
mod sealing;
mod units;

use self::home::AwsHome;
use self::place::servers;

conformance_tests!({
    let Some(servers) = servers() else { return };
    move || AwsHome::new(&servers)
});
