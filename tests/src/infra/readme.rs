//! The README's tables as data.

/// The rows of the first table below a heading, each cell as it is written.
pub fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = crate::tidy::text(super::README);
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let section = lines.take_while(|line| !line.starts_with("## "));
    let table: Vec<_> = section.filter(|line| line.starts_with("| ")).collect();
    let cells = |line: &&str| line.trim_matches('|').split(" | ").map(trimmed).collect();
    let rows: Vec<_> = table.iter().skip(1).map(cells).collect();
    assert!(!rows.is_empty(), "no table below `{heading}`");
    rows
}

/// What a cell has between backticks.
pub fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(trimmed).collect()
}

/// What a cell lists with commas.
pub fn listed(cell: &str) -> Vec<String> {
    cell.split(", ").map(trimmed).collect()
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}
