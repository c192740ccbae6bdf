use super::{Build, Variables};

/// Bitbucket Pipelines: <https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/>.
pub(super) fn build(variable: Variables<'_>) -> Option<Build> {
    let number = variable("BITBUCKET_BUILD_NUMBER")?;
    let repository = variable("BITBUCKET_GIT_HTTP_ORIGIN");
    Some(Build {
        builder: Some("bitbucket-pipelines".to_owned()),
        build_url: repository
            .as_ref()
            .map(|repository| format!("{repository}/pipelines/results/{number}")),
        commit: variable("BITBUCKET_COMMIT"),
        repository,
    })
}
