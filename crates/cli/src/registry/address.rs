use std::net::IpAddr;
use std::str::FromStr;

use oci_client::Reference;

use crate::exit::Exit;
use crate::failure::Failure;

/// Where an artifact is: `oci://HOST/REPO`, with `:TAG` or `@sha256:DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(Reference, bool);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "an artifact is named `oci://HOST/REPO:TAG` or `oci://HOST/REPO@sha256:DIGEST`";
        let rest = text.strip_prefix("oci://").ok_or(wrong)?;
        let (host, _) = rest.split_once('/').ok_or(wrong)?;
        let reference: Reference = rest.parse().map_err(|_| wrong)?;
        // What names no host would be taken for a repository of some well-known one.
        if reference.registry() != host {
            return Err(wrong);
        }
        let tag = reference.tag().map(|tag| format!(":{tag}"));
        let tagged = tag.is_some_and(|tag| {
            rest.split('@')
                .next()
                .is_some_and(|name| name.ends_with(&tag))
        });
        Ok(Self(reference, tagged))
    }
}

impl Address {
    pub(crate) fn registry(&self) -> &str {
        self.0.registry()
    }

    /// Names the repository, without tag and digest.
    pub(crate) fn repository(&self) -> String {
        format!("oci://{}/{}", self.0.registry(), self.0.repository())
    }

    /// Returns the tag that was named; there is a default that nobody meant.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.0.tag().filter(|_| self.1)
    }

    pub(super) fn tagged(&self, tag: &str) -> Reference {
        let (registry, repository) = (self.0.registry(), self.0.repository());
        Reference::with_tag(registry.to_owned(), repository.to_owned(), tag.to_owned())
    }

    /// Returns the reference by digest: what is under a tag changes, and is not pulled.
    pub(super) fn pinned(&self) -> Result<Reference, Failure> {
        let digest = self
            .0
            .digest()
            .filter(|digest| digest.starts_with("sha256:"));
        let digest = digest.ok_or_else(|| {
            Failure::new(Exit::Usage, "a policy is pulled by digest").with_hint(format!(
                "`{}@sha256:DIGEST`; `trailmark policy push` prints it",
                self.repository()
            ))
        })?;
        let (registry, repository) = (self.0.registry(), self.0.repository());
        Ok(Reference::with_digest(
            registry.to_owned(),
            repository.to_owned(),
            digest.to_owned(),
        ))
    }

    /// Says whether the registry is on this machine: only then is it asked without encryption.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.registry();
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => host,
        };
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_a_host_and_a_repository() {
        for text in [
            "",
            "registry.example/a",
            "https://registry.example/a",
            "oci://",
            "oci://registry.example",
            "oci://policies",
            "oci://acme/policies",
            "oci://registry.example/",
            "oci://registry.example/A",
            "oci://registry.example/a@sha256:12",
        ] {
            assert!(text.parse::<Address>().is_err(), "accepted `{text}`");
        }
        let found = address("oci://registry.example:5000/acme/unit-tested:v1");
        assert_eq!(found.tag(), Some("v1"));
        assert_eq!(
            found.repository(),
            "oci://registry.example:5000/acme/unit-tested"
        );
        assert_eq!(address("oci://registry.example/a").tag(), None);
    }

    #[test]
    fn a_policy_is_pulled_by_digest_alone() {
        let digest = "ab".repeat(32);
        assert!(
            address(&format!("oci://registry.example/a@sha256:{digest}"))
                .pinned()
                .is_ok()
        );
        assert!(address("oci://registry.example/a:v1").pinned().is_err());
    }

    #[test]
    fn only_this_machine_is_asked_without_encryption() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000"] {
            assert!(address(&format!("oci://{host}/a")).is_loopback(), "{host}");
        }
        for host in [
            "registry.example",
            "10.0.0.1:5000",
            "localhost.example:5000",
        ] {
            assert!(!address(&format!("oci://{host}/a")).is_loopback(), "{host}");
        }
    }
}
