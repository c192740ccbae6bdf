use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Build, Variables};

/// Azure Pipelines: <https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables>.
///
/// A project's name may have spaces.
pub(super) fn build(variable: Variables<'_>) -> Option<Build> {
    variable("TF_BUILD")?;
    let place = variable("SYSTEM_COLLECTIONURI").zip(variable("SYSTEM_TEAMPROJECT"));
    let build = place.zip(variable("BUILD_BUILDID"));
    Some(Build {
        builder: Some("azure-pipelines".to_owned()),
        build_url: build.map(|((collection, project), build)| {
            let collection = collection.trim_end_matches('/');
            let project = utf8_percent_encode(&project, NON_ALPHANUMERIC);
            format!("{collection}/{project}/_build/results?buildId={build}")
        }),
        commit: variable("BUILD_SOURCEVERSION"),
        repository: variable("BUILD_REPOSITORY_URI"),
    })
}
