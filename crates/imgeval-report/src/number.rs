//! Numbers as text.

/// A number with this many decimals; zero has no sign.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|digit| matches!(digit, '0' | '.')) => digits.to_owned(),
        _ => text,
    }
}

/// The number with its sign; a zero has none.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = decimal(value, decimals);
    let is_zero = text.chars().all(|digit| matches!(digit, '0' | '.'));
    if text.starts_with('-') || is_zero { text } else { format!("+{text}") }
}

/// Three digits that count, below 1000.
pub(crate) fn three_digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_sign_and_others_have() {
        assert_eq!(signed(-0.0004, 3), "0.000");
        assert_eq!(signed(0.0124, 3), "+0.012");
        assert_eq!(signed(-0.0126, 3), "-0.013");
    }
}
