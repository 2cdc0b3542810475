//! How far one container's log is on the page: a stream that is opened again gives some lines once more. The same rule as the
//! server's (`domain::clusters::logs::Seam`), on stamps as texts: they have nine digits, so they are in order.

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
}
