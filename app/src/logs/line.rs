//! How a line looks: the same whether the server or the browser makes it.

/// Pods are told apart by one of so many marks; the name is always written too.
const MARKS: u32 = 6;

/// The class of a line: what it is, and the mark of its pod.
pub fn class(kind: &str, pod: &str) -> String {
    let hash = pod.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // FNV's upper bits are the better mixed ones: pods of one ReplicaSet differ in their last letters only.
    let mark = (hash >> 16) % MARKS;
    ["ln ln-", kind, " pod-", &mark.to_string()].concat()
}

/// `2026-11-24T09:42:00.123456789Z` → `09:42:00.123`
pub fn clock(at: &str) -> &str {
    at.get(11..23).unwrap_or(at)
}

/// `devmatrix-api-7b9f4d4c9-x2v8p` → `x2v8p`; a short name stays whole: `postgres-0`.
pub fn short(pod: &str) -> &str {
    match pod.rsplit_once('-') {
        Some((_, last)) if last.len() >= 5 => last,
        _ => pod,
    }
}

/// `x2v8p api`: whose line it is, and of which container where that is said.
pub fn who(pod: &str, container: &str) -> String {
    [short(pod), if container.is_empty() { "" } else { " " }, container].concat()
}

/// Pod and container, as a line on the page carries them.
pub fn source(pod: &str, container: &str) -> String {
    [pod, "/", container].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_and_who() {
        assert_eq!(clock("2026-11-24T09:42:00.123456789Z"), "09:42:00.123");
        assert_eq!(clock("now"), "now");
        assert_eq!(who("devmatrix-api-7b9f4d4c9-x2v8p", "api"), "x2v8p api");
        assert_eq!((who("postgres-0", ""), who("", "")), ("postgres-0".to_owned(), String::new()));
        assert_eq!(class("line", "a"), class("line", "a"));
        let pods = ["x2v8p", "hj5wc", "t7qzx", "8vxpl", "2mkd4"].map(|suffix| class("line", &format!("devmatrix-api-7b9f4d4c9-{suffix}")));
        let marks: std::collections::BTreeSet<&String> = pods.iter().collect();
        assert!(marks.len() >= 3, "{marks:?}");
        assert!(class("ended", "devmatrix-api-7b9f4d4c9-x2v8p").starts_with("ln ln-ended pod-"));
    }
}
