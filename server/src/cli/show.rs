//! Printing: tables with a heading, columns as wide as their widest cell.

pub fn table(heading: &[&str], rows: Vec<Vec<String>>) {
    print!("{}", aligned(heading, &rows));
}

fn aligned(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{:<width$}", plain(cell))).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    all.into_iter().map(line).collect()
}

/// What came from elsewhere does not steer the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_terminals_are_safe() {
        let rows = vec![vec!["api".to_owned(), "ok".to_owned()], vec!["elastic\u{1b}[2J".to_owned(), "down".to_owned()]];
        assert_eq!(aligned(&["NAME", "STATE"], &rows), "NAME         STATE\napi          ok\nelastic\u{fffd}[2J  down\n");
    }
}
