use super::{Build, Variables};

/// GitHub Actions: <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>.
pub(super) fn build(variable: Variables<'_>) -> Option<Build> {
    variable("GITHUB_ACTIONS").filter(|value| value == "true")?;
    let repository = variable("GITHUB_SERVER_URL")
        .zip(variable("GITHUB_REPOSITORY"))
        .map(|(server, name)| format!("{server}/{name}"));
    let run = repository.as_ref().zip(variable("GITHUB_RUN_ID"));
    let attempt = variable("GITHUB_RUN_ATTEMPT");
    Some(Build {
        builder: Some("github-actions".to_owned()),
        build_url: run.map(|(repository, run)| {
            let attempt =
                attempt.map_or_else(String::new, |attempt| format!("/attempts/{attempt}"));
            format!("{repository}/actions/runs/{run}{attempt}")
        }),
        commit: variable("GITHUB_SHA"),
        repository,
    })
}
