//! Kubernetes' quantities (`500m`, `4Gi`), compared by what they amount to: `2` and `2000m` are the same.
//! Source: apimachinery, resource.Quantity.

/// As a plain number: cores, bytes. None: it is not a quantity.
pub fn amount(text: &str) -> Option<f64> {
    let at = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(at);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * factor)
}

/// The same amount, however it is written; what is no quantity is compared as text.
pub fn same(a: &str, b: &str) -> bool {
    match (amount(a), amount(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => a == b,
    }
}

/// Bytes as people read them: a node says `16384256Ki`, and means 15.6 GiB. What is no quantity stays as it is.
pub fn bytes(text: &str) -> String {
    const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
    match amount(text) {
        Some(bytes) if bytes >= GIB => format!("{:.1} GiB", bytes / GIB).replace(".0 ", " "),
        Some(bytes) => format!("{:.0} MiB", bytes / 1024.0 / 1024.0),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_units_that_people_compare() {
        for (text, said) in [("16384256Ki", "15.6 GiB"), ("32Gi", "32 GiB"), ("512Mi", "512 MiB"), ("4000000000", "3.7 GiB"), ("", "")] {
            assert_eq!(bytes(text), said);
        }
    }

    #[test]
    fn quantities_are_compared_by_amount() {
        for (a, b) in [("2", "2000m"), ("4Gi", "4096Mi"), ("1e3", "1k"), ("0.5", "500m"), ("1G", "1000M"), ("odd", "odd")] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [("4G", "4Gi"), ("2", "3"), ("1", "1m"), ("2", "two")] {
            assert!(!same(a, b), "{a} {b}");
        }
        for text in ["", "Gi", "1Xi", "1e", "--1"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}
