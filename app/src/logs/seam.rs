//! How far one container's log is on the page: a stream that is opened again gives some lines once more. The same rule as the
//! server's (`domain::clusters::logs::Seam`), on stamps as texts: they have nine digits, so they are in order.

/// More than are followed at once, and an address that every proxy takes.
const MOST: usize = 60;

#[derive(Clone, Debug, Default)]
pub struct Seam {
    last: String,
    /// Lines that had exactly this stamp.
    at_last: usize,
    /// While it is read again: how many of these have come once more.
    again: Option<usize>,
}

impl Seam {
    pub fn reopen(&mut self) {
        self.again = (!self.last.is_empty()).then_some(0);
    }

    pub fn last(&self) -> &str {
        &self.last
    }

    /// Where each log is left, of those that the page has lines of: `api-1/api@2026-11-24T09:42:00.123456789Z,…`. The newest when
    /// there are many: those of pods that are long gone are of no use.
    pub fn after<'a>(seams: impl Iterator<Item = (&'a String, &'a Seam)>) -> String {
        let mut parts: Vec<(&str, &str)> = seams.map(|(source, seam)| (seam.last(), source.as_str())).collect();
        parts.sort_unstable_by(|a, b| b.cmp(a));
        parts.truncate(MOST);
        let mut text = String::new();
        for (last, source) in parts {
            for part in [if text.is_empty() { "" } else { "," }, source, "@", last] {
                text.push_str(part);
            }
        }
        text
    }

    /// Whether a line of this stamp is new; it counts as shown from now on.
    pub fn is_new(&mut self, at: &str) -> bool {
        if let Some(again) = &mut self.again {
            if at < self.last.as_str() {
                return false;
            }
            if at == self.last {
                *again += 1;
                if *again <= self.at_last {
                    return false;
                }
            }
            self.again = None;
        }
        if at == self.last {
            self.at_last += 1;
        } else if at > self.last.as_str() {
            (self.last, self.at_last) = (at.to_owned(), 1);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_not_shown_again() {
        let mut seam = Seam::default();
        seam.reopen();
        let shown: Vec<bool> = ["1", "2", "2"].map(|at| seam.is_new(at)).to_vec();
        assert_eq!(shown, [true, true, true]);
        seam.reopen();
        let again: Vec<bool> = ["1", "2", "2", "2", "3", "2"].map(|at| seam.is_new(at)).to_vec();
        assert_eq!(again, [false, false, false, true, true, true]);
        assert_eq!(seam.last(), "3");
    }

    #[test]
    fn each_log_is_left_at_its_own_last_line() {
        let seam = |last: &str| Seam { last: last.to_owned(), ..Seam::default() };
        let two = [("a/api".to_owned(), seam("1")), ("b/api".to_owned(), seam("2"))];
        assert_eq!(Seam::after(two.iter().map(|(source, seam)| (source, seam))), "b/api@2,a/api@1");
        assert_eq!(Seam::after([].into_iter()), "");
        let many: Vec<(String, Seam)> = (100..=300).map(|n| (format!("p{n}/api"), seam(&n.to_string()))).collect();
        let after = Seam::after(many.iter().map(|(source, seam)| (source, seam)));
        assert_eq!((after.split(',').count(), after.starts_with("p300/api@300,")), (MOST, true));
    }
}
