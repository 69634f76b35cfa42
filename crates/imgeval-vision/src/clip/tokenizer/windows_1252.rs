//! The characters that Windows-1252 has where Latin-1 has control characters.

/// A C1 control as the character that Windows-1252 has at its place, where it has one.
pub(super) fn windows_1252(character: char) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match character {
        '\u{80}'..='\u{9f}' => FROM_80[character as usize - 0x80],
        _ => character,
    }
}
