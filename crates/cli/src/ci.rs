//! What a CI system says of the build that a command runs in, so that its user need not.

mod azure;
mod bitbucket;
mod circleci;
mod github;
mod gitlab;
mod jenkins;

/// Looks an environment variable up; an empty one is as absent.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A build, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Build {
    /// What builds: the system's name.
    pub(crate) builder: Option<String>,
    /// Where the build can be looked at.
    pub(crate) build_url: Option<String>,
    /// The commit that is built.
    pub(crate) commit: Option<String>,
    /// The repository that holds it.
    pub(crate) repository: Option<String>,
}

/// One reader for each system; it answers when it is its own.
const SYSTEMS: [fn(Variables<'_>) -> Option<Build>; 6] = [
    github::build,
    gitlab::build,
    jenkins::build,
    circleci::build,
    azure::build,
    bitbucket::build,
];

/// Reads this process's environment.
pub(crate) fn of_this_process() -> Build {
    build(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Finds the system by its variables. Credentials in a repository's URL are left out.
fn build(variables: Variables<'_>) -> Build {
    let found = SYSTEMS.iter().find_map(|system| system(variables));
    let mut build = found.unwrap_or_default();
    build.repository = build
        .repository
        .map(|url| without_credentials(&url).to_owned());
    build
}

/// Leaves user and password out of a URL. The user of an address such as `git@host:path` is part of it and no secret.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each system sets (its documentation), and what follows: builder, commit, repository, build.
    type Case = (
        &'static [(&'static str, &'static str)],
        [Option<&'static str>; 4],
    );

    const SHA: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";

    const CASES: [Case; 10] = [
        (
            &[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_SHA", SHA),
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_REPOSITORY", "acme/web"),
                ("GITHUB_RUN_ID", "1658821493"),
                ("GITHUB_RUN_ATTEMPT", "2"),
            ],
            [
                Some("github-actions"),
                Some(SHA),
                Some("https://github.com/acme/web"),
                Some("https://github.com/acme/web/actions/runs/1658821493/attempts/2"),
            ],
        ),
        (
            &[("GITHUB_ACTIONS", "true"), ("GITHUB_SHA", SHA)],
            [Some("github-actions"), Some(SHA), None, None],
        ),
        (
            &[
                ("GITLAB_CI", "true"),
                ("CI_COMMIT_SHA", SHA),
                ("CI_PROJECT_URL", "https://gitlab.com/acme/web"),
                ("CI_JOB_URL", "https://gitlab.com/acme/web/-/jobs/7"),
            ],
            [
                Some("gitlab-ci"),
                Some(SHA),
                Some("https://gitlab.com/acme/web"),
                Some("https://gitlab.com/acme/web/-/jobs/7"),
            ],
        ),
        (
            &[
                ("JENKINS_URL", "https://ci.example/"),
                ("GIT_COMMIT", SHA),
                ("GIT_URL", "https://bot:s3cret@git.example/acme/web.git"),
                ("BUILD_URL", "https://ci.example/job/web/7/"),
            ],
            [
                Some("jenkins"),
                Some(SHA),
                Some("https://git.example/acme/web.git"),
                Some("https://ci.example/job/web/7/"),
            ],
        ),
        (
            &[
                ("CIRCLECI", "true"),
                ("CIRCLE_SHA1", SHA),
                ("CIRCLE_REPOSITORY_URL", "git@github.com:acme/web.git"),
                ("CIRCLE_BUILD_URL", "https://circleci.com/gh/acme/web/7"),
            ],
            [
                Some("circleci"),
                Some(SHA),
                Some("git@github.com:acme/web.git"),
                Some("https://circleci.com/gh/acme/web/7"),
            ],
        ),
        (
            &[
                ("TF_BUILD", "True"),
                ("BUILD_SOURCEVERSION", SHA),
                (
                    "BUILD_REPOSITORY_URI",
                    "https://acme@dev.azure.com/acme/Web%20Shop/_git/web",
                ),
                ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
                ("SYSTEM_TEAMPROJECT", "Web Shop"),
                ("BUILD_BUILDID", "7"),
            ],
            [
                Some("azure-pipelines"),
                Some(SHA),
                Some("https://dev.azure.com/acme/Web%20Shop/_git/web"),
                Some("https://dev.azure.com/acme/Web%20Shop/_build/results?buildId=7"),
            ],
        ),
        (
            &[
                ("BITBUCKET_BUILD_NUMBER", "7"),
                ("BITBUCKET_COMMIT", SHA),
                (
                    "BITBUCKET_GIT_HTTP_ORIGIN",
                    "https://bitbucket.org/acme/web",
                ),
            ],
            [
                Some("bitbucket-pipelines"),
                Some(SHA),
                Some("https://bitbucket.org/acme/web"),
                Some("https://bitbucket.org/acme/web/pipelines/results/7"),
            ],
        ),
        // A system is known by its own sign, not by variables that anybody may set.
        (&[("GITHUB_SHA", SHA), ("GIT_COMMIT", SHA)], [None; 4]),
        (
            &[("GITHUB_ACTIONS", "false"), ("GITHUB_SHA", SHA)],
            [None; 4],
        ),
        (&[], [None; 4]),
    ];

    #[test]
    fn each_system_says_commit_repository_and_build_in_its_own_words() {
        for (variables, expected) in CASES {
            let found = build(&|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            let [builder, commit, repository, build_url] =
                expected.map(|text| text.map(str::to_owned));
            let expected = Build {
                builder,
                build_url,
                commit,
                repository,
            };
            assert_eq!(found, expected, "{variables:?}");
        }
    }

    #[test]
    fn credentials_never_stay_in_a_url() {
        for (url, expected) in [
            ("https://user:pass@host/a@b", "https://host/a@b"),
            ("https://x-access-token:t@ken@host/a", "https://host/a"),
            ("ssh://git@host:22/a", "ssh://host:22/a"),
            ("git@host:a/b.git", "git@host:a/b.git"),
            ("https://host", "https://host"),
        ] {
            assert_eq!(without_credentials(url), expected);
        }
    }
}
