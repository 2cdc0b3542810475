//! Ages and spans in the words of `domain::time`, which the browser does not carry; a test holds the two together.

/// The largest unit only: `43 s`, `5 min`, `3 h`, `4 d`.
pub fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => unit(s, "s"),
        s @ 60..3600 => unit(s / 60, "min"),
        s @ 3600..172_800 => unit(s / 3600, "h"),
        s => unit(s / 86_400, "d"),
    }
}

/// With days spelled out, as the gaps have it.
#[cfg(any(feature = "hydrate", test))]
pub fn long_age(seconds: i64) -> String {
    if seconds >= 172_800 { unit(seconds / 86_400, "days") } else { age(seconds) }
}

/// Under ten minutes with its seconds: `3 min 04 s`.
#[cfg(any(feature = "hydrate", test))]
pub fn span(seconds: i64) -> String {
    match seconds {
        60..600 => {
            let rest = seconds % 60;
            let zero = if rest < 10 { "0" } else { "" };
            [unit(seconds / 60, "min "), zero.to_owned(), unit(rest, "s")].concat()
        }
        s => age(s),
    }
}

fn unit(number: i64, unit: &str) -> String {
    [number.to_string().as_str(), " ", unit].concat()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_what_the_server_says() {
        for seconds in (-5..4000).chain((4000..1_000_000).step_by(97)) {
            assert_eq!(age(seconds), domain::time::age(seconds), "{seconds}");
            assert_eq!(span(seconds), domain::time::span(seconds), "{seconds}");
            assert_eq!(long_age(seconds), crate::words::long_age(seconds), "{seconds}");
        }
    }
}
