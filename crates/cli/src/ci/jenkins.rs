use super::{Build, Variables};

/// Jenkins, with its Git plugin: `GIT_COMMIT` and `GIT_URL` are the plugin's.
pub(super) fn build(variable: Variables<'_>) -> Option<Build> {
    variable("JENKINS_URL")?;
    Some(Build {
        builder: Some("jenkins".to_owned()),
        build_url: variable("BUILD_URL"),
        commit: variable("GIT_COMMIT"),
        repository: variable("GIT_URL"),
    })
}
