//! Where a journal is, as it is typed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A place that holds a journal, or many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Home {
    /// The data folder of a recorder on one machine, with one journal.
    Folder(PathBuf),
    /// A table and a bucket, with any number of them.
    Aws {
        /// The table.
        table: String,
        /// The bucket.
        bucket: String,
    },
}

impl FromStr for Home {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a home is a data folder, `DIR` or `sqlite:DIR`, or `aws:TABLE/BUCKET`";
        if let Some(place) = text.strip_prefix("aws:") {
            let (table, bucket) = place.split_once('/').ok_or(wrong)?;
            let whole = !table.is_empty() && !bucket.is_empty() && !bucket.contains('/');
            return whole
                .then(|| Self::Aws {
                    table: table.to_owned(),
                    bucket: bucket.to_owned(),
                })
                .ok_or(wrong);
        }
        let folder = text.strip_prefix("sqlite:").unwrap_or(text);
        (!folder.is_empty())
            .then(|| Self::Folder(folder.into()))
            .ok_or(wrong)
    }
}

impl fmt::Display for Home {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(out, "{}", folder.display()),
            Self::Aws { table, bucket } => write!(out, "aws:{table}/{bucket}"),
        }
    }
}

#[cfg(feature = "aws")]
pub(super) use self::aws::{Cloud, OnAws, failure as aws_failure};

#[cfg(feature = "aws")]
mod aws {
    use clap::Args;
    use model::JournalId;
    use store::aws::{Address, Clients, Endpoints, Settings};
    use store::{OpenError, ReadError};

    use super::Home;
    use crate::exit::Exit;
    use crate::failure::Failure;

    /// How AWS is reached. Credentials and region are those of the environment, as for every tool of AWS.
    #[derive(Debug, Clone, Args)]
    pub(in crate::command::journal) struct Cloud {
        /// The bucket in which the newest checkpoint is kept, if not in the journal's own.
        #[arg(long, env = "TRAILMARK_CHECKPOINT_BUCKET", value_name = "BUCKET")]
        checkpoint_bucket: Option<String>,
        /// A DynamoDB of one's own.
        #[arg(
            long,
            env = "TRAILMARK_DYNAMODB_ENDPOINT",
            value_name = "URL",
            hide = true
        )]
        dynamodb_endpoint: Option<String>,
        /// An S3 of one's own.
        #[arg(long, env = "TRAILMARK_S3_ENDPOINT", value_name = "URL", hide = true)]
        s3_endpoint: Option<String>,
    }

    impl Cloud {
        pub(in crate::command::journal) fn endpoints(&self) -> Endpoints {
            Endpoints {
                region: None,
                dynamodb: self.dynamodb_endpoint.clone(),
                s3: self.s3_endpoint.clone(),
            }
        }

        pub(in crate::command::journal) async fn clients(&self) -> Clients {
            Clients::load(&self.endpoints()).await
        }

        pub(in crate::command::journal) fn address(&self, table: &str, bucket: &str) -> Address {
            Address {
                table: table.to_owned(),
                bucket: bucket.to_owned(),
                checkpoint_bucket: self.checkpoint_bucket.clone(),
            }
        }
    }

    /// A journal on AWS.
    #[derive(Debug, Clone, Args)]
    pub(in crate::command::journal) struct OnAws {
        /// Where: `aws:TABLE/BUCKET`.
        pub(in crate::command::journal) home: Home,
        /// The journal's id.
        #[arg(long, env = "TRAILMARK_JOURNAL", value_name = "ID")]
        pub(in crate::command::journal) journal: JournalId,
        #[command(flatten)]
        pub(in crate::command::journal) cloud: Cloud,
    }

    impl OnAws {
        pub(in crate::command::journal) fn address(&self) -> Result<Address, Failure> {
            match &self.home {
                Home::Aws { table, bucket } => Ok(self.cloud.address(table, bucket)),
                Home::Folder(folder) => Err(Failure::usage(format!(
                    "`{}` is a folder: `trailmark serve` creates, seals and watches the journal there",
                    folder.display()
                ))
                .with_hint("name a table and a bucket: `aws:TABLE/BUCKET`")),
            }
        }

        pub(in crate::command::journal) fn settings(
            &self,
            clients: &Clients,
        ) -> Result<Settings, Failure> {
            Ok(Settings::new(
                self.address()?,
                clients.clone(),
                self.journal.clone(),
            ))
        }

        /// Says that something could not be read there.
        pub(in crate::command::journal) fn unread(&self, error: ReadError) -> Failure {
            failure(&self.home, &self.journal, error.into())
        }
    }

    /// Says that a journal on AWS could not be opened.
    pub(in crate::command::journal) fn failure(
        home: &Home,
        journal: &JournalId,
        error: OpenError,
    ) -> Failure {
        let hint = match &error {
            OpenError::NotFound => Some(
                "is this the region? `trailmark journal create` makes a journal, and `journal copy --last` ends a copy",
            ),
            OpenError::Exists | OpenError::OutsideExists => {
                Some("a journal's id is used once: name another with `--journal`, or another home")
            }
            OpenError::Foreign => Some("name the table that the stack made: its output `Home`"),
            _ => None,
        };
        let what = format!("could not open journal `{journal}` in `{home}`");
        let failure = Failure::new(Exit::of(error.class()), what).because(error);
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_a_folder_or_a_table_and_a_bucket() {
        let aws = |table: &str, bucket: &str| Home::Aws {
            table: table.to_owned(),
            bucket: bucket.to_owned(),
        };
        assert_eq!("aws:t/b".parse(), Ok(aws("t", "b")));
        assert_eq!("sqlite:a/b".parse(), Ok(Home::Folder("a/b".into())));
        assert_eq!("./aws".parse(), Ok(Home::Folder("./aws".into())));
        for wrong in [
            "",
            "sqlite:",
            "aws:",
            "aws:t",
            "aws:t/",
            "aws:/b",
            "aws:t/b/c",
        ] {
            wrong.parse::<Home>().unwrap_err();
        }
    }
}
