use super::{Build, Variables};

/// CircleCI: <https://circleci.com/docs/variables/>.
pub(super) fn build(variable: Variables<'_>) -> Option<Build> {
    variable("CIRCLECI")?;
    Some(Build {
        builder: Some("circleci".to_owned()),
        build_url: variable("CIRCLE_BUILD_URL"),
        commit: variable("CIRCLE_SHA1"),
        repository: variable("CIRCLE_REPOSITORY_URL"),
    })
}
