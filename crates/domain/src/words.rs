//! Numbers with what they count, as people say them.

/// `1 pod`, `3 pods`
pub fn count(number: i64, one: &str) -> String {
    format!("{number} {}", noun(number, one))
}

/// `0 of 1 pod is`, `2 of 3 new pods are`: the whole says whether it is one or many.
pub fn some_of(part: i64, whole: i64, one: &str) -> String {
    format!("{part} of {whole} {} {}", noun(whole, one), are(whole))
}

/// `1 is`, `3 are`
pub fn are(number: i64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

fn noun(number: i64, one: &str) -> String {
    if number == 1 { one.to_owned() } else { format!("{one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_is_many() {
        assert_eq!([0, 1, 2].map(|n| count(n, "pod")), ["0 pods", "1 pod", "2 pods"]);
        assert_eq!([1, 3].map(|n| some_of(0, n, "new pod")), ["0 of 1 new pod is", "0 of 3 new pods are"]);
    }
}
