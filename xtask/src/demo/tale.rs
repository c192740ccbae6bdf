//! What happens in the demo, in order. Each chapter is a function; what one finds out, later ones read from the tale.

use std::{fs, io::Stdout, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{
    commit::Commit,
    own_tests, scan,
    story::Story,
    trailmark::{Exit, Trailmark},
};

const FLOW: &str = "trailmark";
const PRODUCTION: &str = "production";
const POLICIES: [&str; 3] = ["unit-tested", "security-scanned", "four-eyes"];

/// Where the demo's files are, as typed in the root of the workspace.
const FOLDER: &str = "target/demo";
const BINARY: &str = "target/debug/trailmark";
const BEFORE: &str = "target/debug/xtask";

/// The demo's people and machines, each with a key of its own, and what happened so far.
pub struct Tale<'a> {
    root: &'a Path,
    story: &'a mut Story<Stdout>,
    admin: Trailmark<'a>,
    ci: Trailmark<'a>,
    author: Trailmark<'a>,
    reviewer: Trailmark<'a>,
    watcher: Trailmark<'a>,
    commit: Commit,
    fingerprint: String,
}

/// Tells the whole tale to a server that has just begun, as its first admin.
pub fn tell(root: &Path, story: &mut Story<Stdout>, admin: Trailmark<'_>) -> Result<()> {
    let mut tale = Tale::set_the_scene(root, story, admin)?;
    tale.build_and_test()?;
    tale.is_denied_until_two_people_and_a_scan_agree()?;
    tale.a_failing_scan_makes_the_approval_stale()?;
    tale.is_deployed()?;
    tale.strangers_check_it()
}

impl<'a> Tale<'a> {
    fn set_the_scene(
        root: &'a Path,
        story: &'a mut Story<Stdout>,
        admin: Trailmark<'a>,
    ) -> Result<Self> {
        let commit = Commit::head(root)?;
        story.step("Who takes part: a build system, two people, and a watcher in production")?;
        let person = |name: &str, aliases: &[String]| {
            let mut arguments = vec!["person", "add", name];
            let aliases: Vec<String> = aliases
                .iter()
                .map(|email| format!("email:{email}"))
                .collect();
            for alias in &aliases {
                arguments.extend(["--alias", alias]);
            }
            text(&admin.ask(&arguments)?, "person")
        };
        let author = person(&commit.author, &commit.emails)?;
        for (name, email) in &commit.co_authors {
            person(name, std::slice::from_ref(email))?;
        }
        let reviewer = person("Rita Reviewer", &["rita@reviewers.example".to_owned()])?;
        let key = |name: &str, role: &str, more: &[&str]| -> Result<Trailmark<'a>> {
            let arguments = [&["key", "add", name, "--role", role, "--flow", FLOW], more].concat();
            Ok(admin.with_token(&text(&admin.ask(&arguments)?, "token")?))
        };
        let ci = key("ci", "reporter", &[])?;
        let watcher = key("watcher", "snapshotter", &[])?;
        let (by_author, by_reviewer) = (
            key("author", "approver", &["--person", &author])?,
            key("rita", "approver", &["--person", &reviewer])?,
        );
        story.say(&format!(
            "{} wrote commit {}; Rita Reviewer did not.",
            commit.author,
            commit.short()
        ))?;

        story.step("A flow says what must be attested; policies say what may be released")?;
        admin.tell(
            story,
            &[
                "flow",
                "create",
                FLOW,
                "--template",
                "xtask/src/demo/flow.yaml",
            ],
            Exit::Done,
        )?;
        admin.tell(story, &["env", "create", PRODUCTION], Exit::Done)?;
        for policy in POLICIES {
            admin.tell(story, &["policy", "publish", policy, "--stock"], Exit::Done)?;
            admin.tell(
                story,
                &["policy", "bind", policy, "--environment", PRODUCTION],
                Exit::Done,
            )?;
        }
        let (author, reviewer) = (by_author, by_reviewer);
        Ok(Self {
            root,
            story,
            admin,
            ci,
            author,
            reviewer,
            watcher,
            commit,
            fingerprint: String::new(),
        })
    }

    fn build_and_test(&mut self) -> Result<()> {
        let trail = self.commit.short().to_owned();
        self.story.step(&format!(
            "A trail begins for commit {trail}: {}",
            self.commit.subject
        ))?;
        self.ci.tell(
            self.story,
            &[
                "trail",
                "begin",
                &trail,
                "--flow",
                FLOW,
                "--commit",
                &self.commit.sha,
            ],
            Exit::Done,
        )?;

        self.story
            .step("The artifact is this very program, known by its fingerprint")?;
        self.ci.tell(
            self.story,
            &[
                "artifact", "record", BINARY, "--flow", FLOW, "--trail", &trail,
            ],
            Exit::Done,
        )?;
        self.fingerprint = text(&self.ci.ask(&["fingerprint", BINARY])?, "fingerprint")?;

        self.story
            .step("The repository's own tests run, really, and their report is attested")?;
        let report = format!("{FOLDER}/junit.xml");
        let ran = own_tests::run(self.root, &self.root.join(&report))?;
        self.story.say(&format!(
            "{} tests of {} programs ran.",
            ran.tests, ran.suites
        ))?;
        self.attest("junit", &report)
    }

    fn is_denied_until_two_people_and_a_scan_agree(&mut self) -> Result<()> {
        self.story
            .step("May it be released? Not yet: nobody scanned it and nobody approved it")?;
        self.decide(Exit::Denied)?;

        self.story
            .step("A security scan of every file in the commit arrives")?;
        self.scan(&[])?;

        self.story.step("The author approves the change, known by the e-mail address in the commit: it does not count")?;
        self.author.tell(
            self.story,
            &["approve", &self.fingerprint, "--environment", PRODUCTION],
            Exit::Done,
        )?;
        self.decide(Exit::Denied)?;

        self.story
            .step("Somebody else approves: allowed, with a permit for the deploy step")?;
        self.approve_and_decide()
    }

    fn a_failing_scan_makes_the_approval_stale(&mut self) -> Result<()> {
        self.story.step(
            "A private key turns up among the files: the scan fails, the approval is stale",
        )?;
        let leak = format!("{FOLDER}/leaked.pem");
        let key = format!("-----BEGIN {} KEY-----\nnot really one\n", "PRIVATE");
        fs::write(self.root.join(&leak), key)?;
        self.scan(std::slice::from_ref(&leak))?;
        self.decide(Exit::Denied)?;

        self.story.step("It is removed, scanned and approved anew: allowed. Nothing was replaced, everything was added")?;
        fs::remove_file(self.root.join(&leak))?;
        self.scan(&[])?;
        self.approve_and_decide()
    }

    fn is_deployed(&mut self) -> Result<()> {
        let place = format!("{FOLDER}/{PRODUCTION}");
        let program = format!("{place}/trailmark");
        fs::create_dir_all(self.root.join(&place))?;
        // What ran there before nobody recorded: another program of this repository plays it.
        fs::copy(self.root.join(BEFORE), self.root.join(&program))?;
        self.story.step(
            "What runs in production before: something that nobody recorded, and that is a finding",
        )?;
        let snapshot = ["env", "snapshot", PRODUCTION, "--path", &place];
        self.watcher.tell(self.story, &snapshot, Exit::Done)?;
        self.admin
            .tell(self.story, &["env", "show", PRODUCTION], Exit::Done)?;
        let unchanged = self.watcher.ask(&snapshot)?;
        let before = text(&unchanged, "recorded")?;

        self.story
            .step("The allowed program is deployed, reported, and seen to run")?;
        fs::copy(self.root.join(BINARY), self.root.join(&program))?;
        self.ci.tell(
            self.story,
            &[
                "deployment",
                "report",
                &program,
                "--environment",
                PRODUCTION,
            ],
            Exit::Done,
        )?;
        self.watcher.tell(self.story, &snapshot, Exit::Done)?;

        self.story
            .step("What runs now, what ran before, what changed, and the last deployments")?;
        for question in [
            &["env", "show", PRODUCTION][..],
            &["env", "show", PRODUCTION, "--at", &before],
            &["env", "diff", PRODUCTION, "--from", &before],
            &["env", "log", PRODUCTION],
        ] {
            self.admin.tell(self.story, question, Exit::Done)?;
        }
        Ok(())
    }

    fn strangers_check_it(&mut self) -> Result<()> {
        let bundle = format!("{FOLDER}/bundle");
        self.story
            .step("A stranger gets a bundle, and needs nothing and nobody else to check it")?;
        self.admin.tell(
            self.story,
            &[
                "export",
                "--artifact",
                &self.fingerprint,
                "--output",
                &bundle,
            ],
            Exit::Done,
        )?;
        self.admin
            .tell(self.story, &["verify", &bundle], Exit::Done)?;
        self.admin
            .tell(self.story, &["replay", "--bundle", &bundle], Exit::Done)?;

        self.story
            .step("One byte of a copy is changed, in what a test report says: verify says which entry is wrong")?;
        let copy = format!("{FOLDER}/bundle-changed");
        let mut bytes = fs::read(self.root.join(&bundle))?;
        let place = outcome_of_an_attestation(&bytes).context("the bundle has no attestation")?;
        let byte = bytes.get_mut(place).context("the bundle is too short")?;
        *byte = byte.wrapping_add(1);
        fs::write(self.root.join(&copy), bytes)?;
        self.admin
            .tell(self.story, &["verify", &copy], Exit::VerificationFailed)?;
        Ok(())
    }

    fn scan(&mut self, besides: &[String]) -> Result<()> {
        let files = [scan::tracked_files(self.root)?.as_slice(), besides].concat();
        let report = format!("{FOLDER}/scan.sarif");
        let leaks = scan::run(self.root, &files, &self.root.join(&report))?;
        if leaks.len() != besides.len() {
            bail!("the scan found private keys in this repository: {leaks:?}");
        }
        self.story.say(&format!(
            "{} files scanned, {} private keys found.",
            files.len(),
            leaks.len()
        ))?;
        self.attest("sarif", &report)
    }

    fn attest(&mut self, kind: &str, report: &str) -> Result<()> {
        let arguments = [
            "attest",
            kind,
            report,
            "--flow",
            FLOW,
            "--trail",
            self.commit.short(),
            "--artifact",
            &self.fingerprint,
        ];
        self.ci.tell(self.story, &arguments, Exit::Done)?;
        Ok(())
    }

    fn approve_and_decide(&mut self) -> Result<()> {
        let approve = ["approve", &self.fingerprint, "--environment", PRODUCTION];
        self.reviewer.tell(self.story, &approve, Exit::Done)?;
        let decide = [
            "decide",
            &self.fingerprint,
            "--environment",
            PRODUCTION,
            "--permit",
            "deploy",
        ];
        self.ci.tell(self.story, &decide, Exit::Done)?;
        Ok(())
    }

    fn decide(&mut self, expected: Exit) -> Result<()> {
        self.ci.tell(
            self.story,
            &["decide", &self.fingerprint, "--environment", PRODUCTION],
            expected,
        )?;
        Ok(())
    }
}

/// A text field of an answer.
fn text(answer: &Value, field: &str) -> Result<String> {
    let value = answer.get(field).and_then(Value::as_str);
    Ok(value
        .with_context(|| format!("the answer has no text `{field}`: {answer}"))?
        .to_owned())
}

/// Finds a byte worth forging: the first letter of what the first attestation says of its outcome.
fn outcome_of_an_attestation(bundle: &[u8]) -> Option<usize> {
    let outcome = br#""outcome":""#;
    let found = bundle
        .windows(outcome.len())
        .position(|window| window == outcome)?;
    Some(found + outcome.len())
}
