//! Quantities of resources in their canonical form.
//!
//! Invariant: what cannot be read stays as it is; the canonical form of a canonical form is itself.
//! Source: k8s.io/apimachinery/pkg/api/resource/quantity.go: no fraction, and the largest unit that needs none.

const DECIMAL: [(&str, u32); 8] = [("E", 21), ("P", 18), ("T", 15), ("G", 12), ("M", 9), ("k", 6), ("", 3), ("m", 0)];
const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];

/// `0.5` is `500m`, `1000m` is `1`, `1024Mi` is `1Gi`.
pub(crate) fn canonical(text: &str) -> String {
    let canonical = match in_binary_unit(text) {
        Some(_) => amount(text).map(in_binary),
        None => amount(text).map(in_decimal),
    };
    canonical.unwrap_or_else(|| text.to_owned())
}

/// A quantity in thousandths; None if it cannot be read.
pub(crate) fn amount(text: &str) -> Option<i128> {
    if let Some((number, scale)) = in_binary_unit(text) {
        return thousandths(number).map(|it| it * scale);
    }
    let unit = DECIMAL.iter().find(|(unit, _)| !unit.is_empty() && text.ends_with(unit)).unwrap_or(&("", 3));
    let number = text.strip_suffix(unit.0).unwrap_or(text);
    thousandths(number).map(|it| it * 10_i128.pow(unit.1) / 1000)
}

fn in_binary_unit(text: &str) -> Option<(&str, i128)> {
    BINARY.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, 1_i128 << bits)))
}

/// A decimal number of at most three places in thousandths.
fn thousandths(number: &str) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_short = whole.len() <= 15 && part.len() <= 3 && !whole.is_empty();
    let digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    let padded = format!("{part:0<3}");
    (is_short && digits(whole) && digits(part)).then(|| Some(whole.parse::<i128>().ok()? * 1000 + padded.parse::<i128>().ok()?))?
}

/// From thousandths.
fn in_decimal(thousandths: i128) -> String {
    let fits = |power: u32| thousandths % 10_i128.pow(power) == 0;
    match DECIMAL.iter().find(|(_, power)| fits(*power)) {
        Some((unit, power)) if thousandths != 0 => format!("{}{unit}", thousandths / 10_i128.pow(*power)),
        _ => "0".to_owned(),
    }
}

/// From thousandths of a byte, rounded up to whole bytes.
fn in_binary(thousandths: i128) -> String {
    let bytes = (thousandths + 999) / 1000;
    match BINARY.iter().find(|(_, bits)| bytes != 0 && bytes % (1_i128 << bits) == 0) {
        Some((unit, bits)) => format!("{}{unit}", bytes >> bits),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_in_one_way() {
        for (given, expected) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("2", "2"),
            ("2000", "2k"),
            ("0", "0"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1000Mi", "1000Mi"),
            ("1G", "1G"),
            ("many", "many"),
        ] {
            assert_eq!(canonical(given), expected);
            assert_eq!(canonical(expected), expected);
        }
    }
}
