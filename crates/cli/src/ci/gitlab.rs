use super::{Build, Variables};

/// GitLab CI/CD: <https://docs.gitlab.com/ci/variables/predefined_variables/>.
pub(super) fn build(variable: Variables<'_>) -> Option<Build> {
    variable("GITLAB_CI")?;
    Some(Build {
        builder: Some("gitlab-ci".to_owned()),
        build_url: variable("CI_JOB_URL"),
        commit: variable("CI_COMMIT_SHA"),
        repository: variable("CI_PROJECT_URL"),
    })
}
