//! Amounts of memory as people write them.

/// Fewer would not hold a single ordinary image.
const LEAST: u64 = 16 << 20;

/// Parses a whole number with a unit, such as `2GiB`, `1500MiB` or `4GB`, into bytes.
///
/// # Errors
/// A message for the user.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err("must be a whole number with a unit: KiB, MiB, GiB or TiB, such as 2GiB".to_owned()),
    };
    let number: u64 =
        number.parse().map_err(|_| "must be a whole number with a unit, such as 2GiB".to_owned())?;
    match number.checked_mul(factor) {
        Some(bytes) if bytes >= LEAST => Ok(bytes),
        Some(_) => Err(format!("must be at least {}MiB", LEAST >> 20)),
        None => Err("is more than any machine has".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units() {
        assert_eq!(parse_memory("2GiB"), Ok(2 << 30));
        assert_eq!(parse_memory(" 1500 mib "), Ok(1500 << 20));
        assert_eq!(parse_memory("4GB"), Ok(4_000_000_000));
        for wrong in ["", "GiB", "2", "2.5GiB", "-1GiB", "2Gi", "1KiB", "0GiB", "99999999999TiB", "٣GiB"] {
            assert!(parse_memory(wrong).is_err(), "{wrong}");
        }
    }
}
