//! The services' clients, and what is heard from every answer: that it came, and what time the service has.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::meter::Meter;
use crate::{Clock, SystemClock};

pub use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

/// A connection within a region takes a few milliseconds; one that takes this long does not come.
const CONNECT: Duration = Duration::from_secs(1);
/// The table answers in milliseconds; a lost answer must be noticed well before a gateway gives up on us.
const TABLE_ATTEMPT: Duration = Duration::from_secs(3);
const TABLE_CALL: Duration = Duration::from_secs(10);
/// An object of 4 MiB over a slow line.
const BUCKET_ATTEMPT: Duration = Duration::from_secs(8);
const BUCKET_CALL: Duration = Duration::from_secs(20);
/// What one call tries before it is our turn. Not "adaptive": that one waits for a whole process, and would let one hot
/// stream slow down all others.
const ATTEMPTS: u32 = 3;

/// Where journals are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The table.
    pub table: String,
    /// The bucket of payloads and the log.
    pub bucket: String,
    /// The bucket of the checkpoints that are kept outside; the same one where none is named.
    pub checkpoint_bucket: Option<String>,
}

impl Address {
    /// Returns the bucket of the checkpoints that are kept outside.
    #[must_use]
    pub fn checkpoint_bucket(&self) -> &str {
        self.checkpoint_bucket.as_deref().unwrap_or(&self.bucket)
    }
}

/// Services at other addresses than Amazon's own, as in tests.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// The region; the environment's where none is named.
    pub region: Option<String>,
    /// The URL of a DynamoDB.
    pub dynamodb: Option<String>,
    /// The URL of an S3, with buckets in its paths.
    pub s3: Option<String>,
}

/// The clients of one process. A copy shares connections, counts and time.
#[derive(Clone)]
pub struct Clients {
    /// The table's service.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The objects' service.
    pub s3: aws_sdk_s3::Client,
    /// What they were made from, for clients of further services.
    pub sdk: SdkConfig,
    meter: Arc<Meter>,
    time: Arc<ServiceTime>,
}

impl Clients {
    /// Makes clients with the credentials and region of the environment.
    pub async fn load(endpoints: &Endpoints) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(region) = &endpoints.region {
            loader = loader.region(Region::new(region.clone()));
        }
        Self::new(&loader.load().await, endpoints, &[])
    }

    /// Makes clients from a configuration. Interceptors see every request and answer, and may change or lose it: for
    /// tests.
    #[must_use]
    pub fn new(sdk: &SdkConfig, endpoints: &Endpoints, interceptors: &[SharedInterceptor]) -> Self {
        let (meter, time) = <(Arc<Meter>, Arc<ServiceTime>)>::default();
        let listener = SharedInterceptor::new(Listener {
            meter: Arc::clone(&meter),
            time: Arc::clone(&time),
        });
        let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS);

        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(sdk)
            .retry_config(retry.clone())
            .timeout_config(timeouts(TABLE_ATTEMPT, TABLE_CALL));
        dynamodb.set_endpoint_url(
            endpoints
                .dynamodb
                .clone()
                .or_else(|| sdk.endpoint_url().map(str::to_owned)),
        );
        let mut s3 = aws_sdk_s3::config::Builder::from(sdk)
            .retry_config(retry)
            .timeout_config(timeouts(BUCKET_ATTEMPT, BUCKET_CALL))
            .force_path_style(endpoints.s3.is_some());
        s3.set_endpoint_url(
            endpoints
                .s3
                .clone()
                .or_else(|| sdk.endpoint_url().map(str::to_owned)),
        );
        for interceptor in interceptors.iter().chain([&listener]) {
            dynamodb.push_interceptor(interceptor.clone());
            s3.push_interceptor(interceptor.clone());
        }
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sdk: sdk.clone(),
            meter,
            time,
        }
    }

    /// Returns what these clients have used so far.
    #[must_use]
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// Returns the clock that the services' answers correct.
    #[must_use]
    pub fn clock(&self) -> ServiceClock {
        ServiceClock {
            system: SystemClock::start(),
            started_ms: SystemClock::start().wall_ms(),
            time: Arc::clone(&self.time),
        }
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Clients")
    }
}

fn timeouts(attempt: Duration, call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(call)
        .build()
}

/// The wall clock beside the services' time: elapsed time is what their newest answer said and what went by since.
///
/// It counts from 1970-01-01 UTC, so the two sources are not only to run alike, but to agree.
#[derive(Debug)]
pub struct ServiceClock {
    system: SystemClock,
    started_ms: u64,
    time: Arc<ServiceTime>,
}

impl Clock for ServiceClock {
    fn wall_ms(&self) -> u64 {
        self.system.wall_ms()
    }

    fn elapsed_ms(&self) -> u64 {
        let heard = *self
            .time
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match heard {
            Some(heard) => heard.date_ms + self.time.since.elapsed_ms().saturating_sub(heard.at_ms),
            // Nothing was heard yet, and so nothing is contradicted.
            None => self.started_ms + self.system.elapsed_ms(),
        }
    }
}

/// What the newest answer said about the time, in whole seconds, and when it came.
#[derive(Debug)]
struct ServiceTime {
    since: SystemClock,
    heard: Mutex<Option<Heard>>,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    date_ms: u64,
    at_ms: u64,
}

impl Default for ServiceTime {
    fn default() -> Self {
        Self {
            since: SystemClock::start(),
            heard: Mutex::default(),
        }
    }
}

impl ServiceTime {
    fn hear(&self, date: &str) {
        let date = DateTime::from_str(date, Format::HttpDate).ok();
        let date_ms = date.and_then(|date| u64::try_from(date.to_millis().ok()?).ok());
        if let Some(date_ms) = date_ms {
            let at_ms = self.since.elapsed_ms();
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Heard { date_ms, at_ms });
        }
    }
}

/// Hears every request go and every answer come.
#[derive(Debug)]
struct Listener {
    meter: Arc<Meter>,
    time: Arc<ServiceTime>,
}

impl Intercept for Listener {
    fn name(&self) -> &'static str {
        "trailmark"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.meter.begin();
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.meter.sent();
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.time.hear(date);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.meter.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_time_goes_on_from_its_newest_answer() {
        let time = Arc::new(ServiceTime::default());
        let clock = ServiceClock {
            system: SystemClock::start(),
            started_ms: 5_000_000,
            time: Arc::clone(&time),
        };
        assert!((5_000_000..5_060_000).contains(&clock.elapsed_ms()));
        time.hear("no date");
        assert!((5_000_000..5_060_000).contains(&clock.elapsed_ms()));
        time.hear("Tue, 15 Nov 1994 08:12:31 GMT");
        assert!((784_887_151_000..784_887_211_000).contains(&clock.elapsed_ms()));
        time.hear("Tue, 15 Nov 1994 07:12:31 GMT");
        assert!((784_883_551_000..784_883_611_000).contains(&clock.elapsed_ms()));
    }
}
