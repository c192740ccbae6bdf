use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use workbench::Folder;
use workbench::check::{Accepted, CheckError, Report, Spotted, Through, Trap, run};

use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Page, printable};
use crate::workshop;

/// Looks for ways in which a policy allows what it should not: traps in its source, and evidence lost or damaged.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 nothing was found that was not accepted, 1 something was.")]
pub(crate) struct Check {
    /// The policy's folder, or a file with Rego or a component.
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    accept: Accept,
    /// Writes the dossiers that got through into this folder, for `policy eval`.
    #[arg(long, value_name = "DIR")]
    write_mutants: Option<PathBuf>,
}

/// Which findings one lives with.
#[derive(Debug, Clone, Args)]
pub(crate) struct Accept {
    /// Accepts a finding, by its name, for the reason that follows; may be given more than once.
    #[arg(long, value_name = "FINDING", requires = "because")]
    accept: Vec<Trap>,
    /// Why, for each accepted finding in turn.
    #[arg(
        long = "reason",
        id = "because",
        value_name = "TEXT",
        requires = "accept"
    )]
    reasons: Vec<String>,
}

impl Accept {
    /// Returns each finding with its reason.
    pub(crate) fn pairs(&self) -> Result<Vec<Accepted>> {
        if self.accept.len() != self.reasons.len() {
            let (findings, reasons) = (self.accept.len(), self.reasons.len());
            let what = format!("`{findings}` findings are accepted for `{reasons}` reasons");
            let failure = Failure::usage(what);
            return Err(failure
                .with_hint("write `--accept FINDING --reason TEXT` for each")
                .into());
        }
        let pairs = self.accept.iter().zip(&self.reasons);
        Ok(pairs
            .map(|(finding, reason)| Accepted {
                finding: *finding,
                reason: reason.clone(),
            })
            .collect())
    }
}

impl Check {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let accepted = self.accept.pairs()?;
        let folder = workshop::open(&self.folder)?;
        let report = report(&folder)?;
        if let Some(into) = &self.write_mutants {
            write_mutants(&report.mutation.through, into)?;
        }
        let open = report.open(&accepted);
        let answer = json!({
            "policy": folder.name(),
            "report": report,
            "accepted": accepted,
            "open": open,
        });
        global.output().answer(&answer, |page| {
            show(page, &folder, &report);
            let mutation = &report.mutation;
            page.line(format!(
                "{}: {} cases, {} mutants, {} got through; {} findings, {} of them accepted",
                folder.name(),
                report.cases,
                mutation.mutants,
                mutation.got_through,
                report.findings().len(),
                report.findings().len() - open.len()
            ));
            if mutation.left_out + mutation.undecided > 0 {
                page.line(format!(
                    "{} mutants were left out, {} had no verdict",
                    mutation.left_out, mutation.undecided
                ));
            }
        })?;
        Ok(if open.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}

/// Checks a folder's policy.
pub(super) fn report(folder: &Folder) -> Result<Report> {
    run(folder, &workshop::sandbox()?).map_err(|error| match error {
        CheckError::Publish(error) => workshop::refused(error, folder),
        CheckError::Folder(error) => workshop::wrong_folder(error).into(),
        error => error.into(),
    })
}

/// Checks a policy that is to be published; what is found and not accepted is an error.
pub(super) fn checked(path: &Path, accept: &Accept) -> Result<Vec<Accepted>> {
    let accepted = accept.pairs()?;
    let folder = workshop::open(path)?;
    let report = report(&folder)?;
    let open = report.open(&accepted);
    if open.is_empty() {
        let found = report.findings();
        let needed = |one: &Accepted| found.contains(&one.finding);
        return Ok(accepted.into_iter().filter(needed).collect());
    }
    let names: Vec<_> = open.iter().map(|trap| format!("`{trap}`")).collect();
    let what = format!(
        "the check of `{}` found {}",
        folder.name(),
        names.join(", ")
    );
    let see = format!(
        "see `trailmark policy check {}`; mend it, or say why not: `--accept FINDING --reason TEXT`",
        path.display()
    );
    Err(Failure::new(Exit::Failed, what).with_hint(see).into())
}

/// Shows everything that was found: by finding, with its places and mutants.
fn show(page: &mut Page, folder: &Folder, report: &Report) {
    for trap in report.findings() {
        page.line(format!("{}: {}", page.style.bad(trap.as_str()), trap.why()));
        for lacking in report.lacking.iter().filter(|one| one.finding == trap) {
            page.line(format!("  cases: {}", printable(&lacking.what)));
        }
        for spotted in report.spotted.iter().filter(|one| one.finding == trap) {
            show_place(page, folder, spotted);
        }
        let through = report.mutation.through.iter();
        for through in through.filter(|one| one.finding == trap) {
            show_mutant(page, through);
        }
        page.line(format!(
            "  {} {}",
            page.style.good("instead:"),
            trap.instead()
        ));
        page.line("");
    }
}

fn show_place(page: &mut Page, folder: &Folder, spotted: &Spotted) {
    let file = folder.path().join(&spotted.file);
    page.line(format!(
        "  {}:{}:{}: {}",
        printable(&file.display().to_string()),
        spotted.line,
        spotted.column,
        printable(&spotted.what)
    ));
    page.line(format!("    {}", printable(spotted.source.trim())));
}

fn show_mutant(page: &mut Page, through: &Through) {
    page.line(format!("  case: {}", printable(&through.case)));
    page.line(format!("    change: {}", printable(&through.change)));
    for (label, outcome) in [("before", &through.before), ("after", &through.after)] {
        let text = workbench::outcome_text(outcome);
        let text = text.lines().map(str::trim).collect::<Vec<_>>().join("; ");
        page.line(format!("    {label}: {}", printable(&text)));
    }
}

fn write_mutants(through: &[Through], into: &Path) -> Result<()> {
    fs::create_dir_all(into)
        .with_context(|| format!("could not make the folder `{}`", into.display()))?;
    for (number, through) in through.iter().enumerate() {
        let path = into.join(format!("{:03}-{}.json", number + 1, through.finding));
        let bytes = model::canonical::ordered_to_vec(&through.dossier)?;
        fs::write(&path, bytes).with_context(|| format!("could not write `{}`", path.display()))?;
    }
    Ok(())
}
