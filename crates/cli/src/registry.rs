//! An OCI registry: policies as artifacts (OCI 1.1), named by digest.

mod address;

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::Client;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciImageManifest};
use oci_client::secrets::RegistryAuth;
use tokio::io::AsyncWrite;

pub(crate) use self::address::Address;
use crate::exit::Exit;
use crate::failure::Failure;

/// The configuration of an artifact that has none (OCI image specification 1.1, "Guidance for an empty descriptor").
const EMPTY: (&str, &[u8]) = ("application/vnd.oci.empty.v1+json", b"{}");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two parts of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
    /// What it is called where files are made of it.
    pub(crate) title: String,
}

/// Files that are named together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) artifact_type: String,
    pub(crate) blobs: Vec<Blob>,
    /// What it is called.
    pub(crate) title: String,
}

/// Who asks. Without a user it is who docker's `config.json` names for the registry, or nobody.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Account {
    /// The registry's user [default: as docker's `config.json` says].
    #[arg(
        long,
        value_name = "NAME",
        env = "TRAILMARK_REGISTRY_USER",
        requires = "registry_password"
    )]
    registry_user: Option<String>,
    /// The user's password; rather pass it in the environment, where nobody sees it.
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "TRAILMARK_REGISTRY_PASSWORD",
        hide_env_values = true
    )]
    registry_password: Option<String>,
}

/// One registry, and one repository in it.
pub(crate) struct Registry {
    address: Address,
    auth: RegistryAuth,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Registry {
    pub(crate) fn open(address: Address, account: Account) -> Result<Self> {
        // Another part of this program may have chosen before: it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ClientConfig {
            protocol: if address.is_loopback() {
                ClientProtocol::Http
            } else {
                ClientProtocol::Https
            },
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            // An index of many platforms holds no policy.
            platform_resolver: None,
            user_agent: concat!("trailmark/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let auth = account.auth(address.registry())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("could not begin")?;
        Ok(Self {
            auth,
            client: Client::new(config),
            runtime,
            address,
        })
    }

    /// Puts an artifact there under a tag, and returns the digest under which it was then read back.
    pub(crate) fn push(&self, artifact: &Artifact, tag: &str) -> Result<String> {
        let reference = self.address.tagged(tag);
        let layers: Vec<_> = artifact.blobs.iter().map(layer).collect();
        let config = Config::new(EMPTY.1.to_vec(), EMPTY.0.to_owned(), None);
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            artifact_type: Some(artifact.artifact_type.clone()),
            ..OciImageManifest::build(&layers, &config, Some(titled(&artifact.title)))
        };
        let pushed = async {
            let push = self.client.push(
                &reference,
                &layers,
                config,
                &self.auth,
                Some(manifest.clone()),
            );
            push.await.map_err(|error| self.failed("push to", error))?;
            let (found, digest) = self.manifest(&reference).await?;
            anyhow::ensure!(
                digests(&found) == digests(&manifest),
                "something else was put under `{reference}` meanwhile"
            );
            Ok(digest)
        };
        self.runtime.block_on(pushed)
    }

    /// Reads the artifact that the address names by its digest: every byte of it follows from that digest.
    pub(crate) fn pull(&self, artifact_type: &str, bytes_max: usize) -> Result<Artifact> {
        let reference = self.address.pinned()?;
        let pulled = async {
            let (manifest, _) = self.manifest(&reference).await?;
            let found = manifest.artifact_type.as_deref().unwrap_or_default();
            anyhow::ensure!(
                found == artifact_type,
                "`{reference}` is an artifact of type `{found}`, not `{artifact_type}`"
            );
            let mut blobs = Vec::new();
            let mut left = bytes_max;
            for descriptor in &manifest.layers {
                let mut bytes = Bounded::new(left);
                let pull = self.client.pull_blob(&reference, descriptor, &mut bytes);
                pull.await
                    .map_err(|error| self.failed("pull from", error))?;
                left -= bytes.bytes.len();
                blobs.push(Blob {
                    media_type: descriptor.media_type.clone(),
                    bytes: bytes.bytes,
                    title: title(descriptor.annotations.as_ref()),
                });
            }
            Ok(Artifact {
                artifact_type: found.to_owned(),
                blobs,
                title: title(manifest.annotations.as_ref()),
            })
        };
        self.runtime.block_on(pulled)
    }

    /// Reads a manifest; where the reference has a digest, it is the manifest's.
    async fn manifest(
        &self,
        reference: &oci_client::Reference,
    ) -> Result<(OciImageManifest, String)> {
        let pull = self
            .client
            .pull_manifest_raw(reference, &self.auth, &[OCI_IMAGE_MEDIA_TYPE]);
        let (bytes, digest) = pull
            .await
            .map_err(|error| self.failed("pull from", error))?;
        let manifest = serde_json::from_slice(&bytes)
            .with_context(|| format!("`{reference}` is no artifact"))?;
        Ok((manifest, digest))
    }

    fn failed(&self, what: &str, error: oci_client::errors::OciDistributionError) -> anyhow::Error {
        Failure::new(
            Exit::Failed,
            format!("could not {what} `{}`", self.address.repository()),
        )
        .because(error)
        .into()
    }
}

impl Account {
    fn auth(self, registry: &str) -> Result<RegistryAuth> {
        if let Some(user) = self.registry_user {
            let password = self.registry_password.unwrap_or_default();
            return Ok(RegistryAuth::Basic(user, password));
        }
        match docker_credential::get_credential(registry) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(RegistryAuth::Basic(user, password))
            }
            Ok(DockerCredential::IdentityToken(token)) => Ok(RegistryAuth::Bearer(token)),
            Err(
                CredentialRetrievalError::ConfigNotFound
                | CredentialRetrievalError::NoCredentialConfigured,
            ) => Ok(RegistryAuth::Anonymous),
            Err(CredentialRetrievalError::ConfigReadError) if !has_docker_config() => {
                Ok(RegistryAuth::Anonymous)
            }
            Err(error) => Err(Failure::new(
                Exit::Failed,
                format!("could not read who you are at `{registry}` from docker's `config.json`"),
            )
            .because(error)
            .into()),
        }
    }
}

fn layer(blob: &Blob) -> ImageLayer {
    let media_type = blob.media_type.clone();
    ImageLayer::new(blob.bytes.clone(), media_type, Some(titled(&blob.title)))
}

const TITLE: &str = "org.opencontainers.image.title";

fn titled(title: &str) -> std::collections::BTreeMap<String, String> {
    [(TITLE.to_owned(), title.to_owned())].into()
}

fn title(annotations: Option<&std::collections::BTreeMap<String, String>>) -> String {
    let found = annotations.and_then(|annotations| annotations.get(TITLE));
    found.cloned().unwrap_or_default()
}

fn digests(manifest: &OciImageManifest) -> Vec<&str> {
    let layers = manifest.layers.iter();
    layers.map(|layer| layer.digest.as_str()).collect()
}

/// Takes so many bytes and no more, whatever is sent.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl Bounded {
    const fn new(max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            max,
        }
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Poller<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if bytes.len() > self.max - self.bytes.len() {
            return Poll::Ready(Err(std::io::Error::other("the artifact is too large")));
        }
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Says whether docker's settings are there at all.
fn has_docker_config() -> bool {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".docker"));
    folder
        .or_else(home)
        .is_some_and(|folder| folder.join("config.json").exists())
}
