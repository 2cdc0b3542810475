//! A unified diff as a table: old line, new line, sign, text; the part of a line that changed is marked.

use leptos::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Hunk(String),
    Same { old: i64, new: i64, text: String },
    Removed { old: i64, text: String },
    Added { new: i64, text: String },
}

#[component]
pub fn Diff(#[prop(into)] unified: String, #[prop(into)] caption: String, #[prop(optional)] numbers: bool) -> impl IntoView {
    let lines = parse(&unified);
    let rows = (0..lines.len()).map(|at| row(&lines, at, numbers)).collect_view();
    let label = format!("{caption}, lines");
    view! {
        <div class="scroll-x" role="region" aria-label=label tabindex="0">
            <table class="diff"><caption class="vh">{caption}</caption><tbody>{rows}</tbody></table>
        </div>
    }
}

fn row(lines: &[Line], at: usize, numbers: bool) -> AnyView {
    let number = |class: &'static str, n: Option<i64>| numbers.then(|| view! { <td class=class>{n}</td> });
    match &lines[at] {
        Line::Hunk(text) => view! {
            <tr class="hunk">{number("ln ln-old", None)}{number("ln", None)}<td class="sg"></td><td class="cd">{text.clone()}</td></tr>
        }
        .into_any(),
        Line::Same { old, new, text } => view! {
            <tr>{number("ln ln-old", Some(*old))}{number("ln", Some(*new))}<td class="sg"></td><td class="cd">{text.clone()}</td></tr>
        }
        .into_any(),
        Line::Removed { old, text } => {
            let (head, changed, tail) = parts(text, partner(lines, at));
            let marked = (!changed.is_empty()).then(|| view! { <del>{changed}</del> });
            view! {
                <tr class="del">{number("ln ln-old", Some(*old))}{number("ln", None)}<td class="sg">"-"</td>
                    <td class="cd"><span class="vh">"removed "</span>{head}{marked}{tail}</td></tr>
            }
            .into_any()
        }
        Line::Added { new, text } => {
            let (head, changed, tail) = parts(text, partner(lines, at));
            let marked = (!changed.is_empty()).then(|| view! { <ins>{changed}</ins> });
            view! {
                <tr class="add">{number("ln ln-old", None)}{number("ln", Some(*new))}<td class="sg">"+"</td>
                    <td class="cd"><span class="vh">"added "</span>{head}{marked}{tail}</td></tr>
            }
            .into_any()
        }
    }
}

fn parse(unified: &str) -> Vec<Line> {
    let (mut old, mut new) = (0, 0);
    let mut lines = Vec::new();
    for text in unified.lines() {
        if let Some((from, to)) = hunk(text) {
            (old, new) = (from, to);
            lines.push(Line::Hunk(text.to_owned()));
        } else if lines.is_empty() || text.starts_with('\\') {
            // The file names above the first hunk, and "No newline at end of file".
            continue;
        } else if let Some(text) = text.strip_prefix('-') {
            lines.push(Line::Removed { old, text: text.to_owned() });
            old += 1;
        } else if let Some(text) = text.strip_prefix('+') {
            lines.push(Line::Added { new, text: text.to_owned() });
            new += 1;
        } else {
            lines.push(Line::Same { old, new, text: text.get(1..).unwrap_or_default().to_owned() });
            (old, new) = (old + 1, new + 1);
        }
    }
    lines
}

/// The first old and new line of `@@ -3,8 +3,8 @@`.
fn hunk(text: &str) -> Option<(i64, i64)> {
    let rest = text.strip_prefix("@@ -")?;
    let (old, rest) = rest.split_once(" +")?;
    let first = |range: &str| range.split([',', ' ']).next()?.parse().ok();
    Some((first(old)?, first(rest)?))
}

/// The line that this one took the place of, or that took its place: where as many are removed as added.
fn partner(lines: &[Line], at: usize) -> Option<&str> {
    let removed = |line: &Line| matches!(line, Line::Removed { .. });
    let added = |line: &Line| matches!(line, Line::Added { .. });
    let block = |line: &Line| removed(line) || added(line);
    let start = (0..=at).rev().take_while(|i| block(&lines[*i])).last()?;
    let cut = start + lines[start..].iter().take_while(|line| removed(line)).count();
    let end = cut + lines[cut..].iter().take_while(|line| added(line)).count();
    if cut - start != end - cut {
        return None;
    }
    let other = if at < cut { at + (cut - start) } else { at - (cut - start) };
    match lines.get(other)? {
        Line::Removed { text, .. } | Line::Added { text, .. } => Some(text),
        _ => None,
    }
}

/// What is the same at the beginning, what differs, what is the same at the end.
fn parts(text: &str, other: Option<&str>) -> (String, String, String) {
    let Some(other) = other else { return (text.to_owned(), String::new(), String::new()) };
    let (mine, theirs): (Vec<char>, Vec<char>) = (text.chars().collect(), other.chars().collect());
    let word = |c: &&char| c.is_alphanumeric() || **c == '.';
    let same = mine.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let room = mine.len().min(theirs.len()) - same;
    let after = mine.iter().rev().zip(theirs.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    // Whole words and versions: `1.42.3`, not `2.3`.
    let head = same - mine[..same].iter().rev().take_while(word).count();
    let tail = after - mine[mine.len() - after..].iter().take_while(word).count();
    let part = |range: &[char]| range.iter().collect::<String>();
    (part(&mine[..head]), part(&mine[head..mine.len() - tail]), part(&mine[mine.len() - tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a\n+++ b\n@@ -3,3 +3,3 @@\n spec:\n-  image: api:1.42\n+  image: api:1.43\n   ports:\n";

    #[test]
    fn lines_are_numbered_on_both_sides() {
        let lines = parse(DIFF);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1], Line::Same { old: 3, new: 3, text: "spec:".into() });
        assert_eq!(lines[2], Line::Removed { old: 4, text: "  image: api:1.42".into() });
        assert_eq!(lines[3], Line::Added { new: 4, text: "  image: api:1.43".into() });
        assert_eq!(lines[4], Line::Same { old: 5, new: 5, text: "  ports:".into() });
    }

    #[test]
    fn only_what_differs_is_marked() {
        let lines = parse(DIFF);
        let Line::Removed { text, .. } = &lines[2] else { panic!("{lines:?}") };
        assert_eq!(parts(text, partner(&lines, 2)), ("  image: api:".into(), "1.42".into(), String::new()));
        assert_eq!(parts("a, aa", Some("a, aaa")), ("a, ".into(), "aa".into(), String::new()));
        assert_eq!(parts("x", None), ("x".into(), String::new(), String::new()));
    }

    #[test]
    fn an_empty_diff_has_no_lines() {
        assert_eq!(parse(""), vec![]);
    }
}
