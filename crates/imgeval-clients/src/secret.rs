//! Keys and passwords, and how they are kept out of everything that is shown or stored.

use std::{collections::BTreeSet, fmt};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// A key or password. It prints as `****` and cannot be serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a text cannot be a key, worded to follow the name of what holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    #[error("is blank")]
    Blank,
    #[error("has more than one line")]
    Lines,
    #[error("contains characters that are not ASCII")]
    NotAscii,
    #[error("is in quotes")]
    Quoted,
    #[error("starts with the name of a variable")]
    Assignment,
    #[error("contains spaces")]
    Spaces,
    #[error("contains control characters")]
    Control,
}

impl KeyProblem {
    /// Finds what is wrong with a key whose surrounding white space is gone.
    fn of(key: &str) -> Option<Self> {
        let is_quote = |character: char| matches!(character, '"' | '\'' | '`');
        let problems = [
            (key.is_empty(), Self::Blank),
            (key.contains(['\n', '\r']), Self::Lines),
            (!key.is_ascii(), Self::NotAscii),
            (key.starts_with(is_quote) || key.ends_with(is_quote), Self::Quoted),
            (is_assignment(key), Self::Assignment),
            (key.contains(' '), Self::Spaces),
            (key.contains(|character: char| character.is_ascii_control()), Self::Control),
        ];
        problems.into_iter().find_map(|(is_so, problem)| is_so.then_some(problem))
    }
}

/// Whether a line of a `.env` file or shell script was taken whole. Base64 may end in `=`, so something must follow it.
fn is_assignment(key: &str) -> bool {
    let Some((name, value)) = key.split_once('=') else { return false };
    let name = name.trim().trim_start_matches("export ").trim();
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    let is_shouted = !name.contains(|character: char| character.is_ascii_lowercase());
    let names_a_secret =
        ["key", "token", "secret"].iter().any(|word| name.to_ascii_lowercase().contains(word));
    is_name && (is_shouted || names_a_secret) && !value.trim_matches('=').is_empty()
}

impl Secret {
    /// A key as a user wrote it, without white space around it.
    ///
    /// # Errors
    /// If no provider would take it.
    pub fn parse_key(text: &str) -> Result<Self, KeyProblem> {
        let key = text.trim();
        KeyProblem::of(key).map_or_else(|| Ok(Self::new(key)), Err)
    }

    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for sending, never for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

const MASK: &str = "****";

/// Shorter ones would be found in ordinary text.
const MIN_CHARS: usize = 6;

/// Replaces secrets in text by `****`, also where they stand in base64, percent-encoded or escaped as in JSON.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that no rest of a longer form stays.
    needles: Vec<String>,
}

impl Redactor {
    /// Of a header value with a scheme (`Bearer ...`) and of a URL with a password, the inner secret is searched for
    /// by itself too. Secrets shorter than six characters are not searched for.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut needles = BTreeSet::new();
        for secret in secrets {
            for text in inner_secrets(secret.expose().trim()) {
                if text.chars().count() >= MIN_CHARS {
                    needles.extend(forms(&text));
                }
            }
        }
        let mut needles: Vec<String> = needles.into_iter().collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        Self { needles }
    }

    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.redact_longer_than(0, text)
    }

    /// As [`Self::redact`], but only secrets of more bytes than this are searched for.
    pub(crate) fn redact_longer_than(&self, n_bytes: usize, text: &str) -> String {
        let mut redacted = text.to_owned();
        for needle in self.needles.iter().filter(|needle| needle.len() > n_bytes) {
            if redacted.contains(needle.as_str()) {
                redacted = redacted.replace(needle.as_str(), MASK);
            }
        }
        redacted
    }

    /// Length in bytes of the longest form that is searched for.
    pub(crate) fn longest(&self) -> usize {
        self.needles.first().map_or(0, String::len)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Redactor({} forms)", self.needles.len())
    }
}

/// The text, what follows an authorisation scheme, and the password of a URL, as written and decoded.
fn inner_secrets(text: &str) -> Vec<String> {
    let mut inner = vec![text.to_owned()];
    if let Some((scheme, credentials)) = text.split_once(' ')
        && ["basic", "bearer", "token"].contains(&scheme.to_ascii_lowercase().as_str())
    {
        inner.push(credentials.trim().to_owned());
    }
    if let Ok(url) = Url::parse(text)
        && let Some(password) = url.password()
    {
        inner.push(password.to_owned());
        inner.push(percent_decode_str(password).decode_utf8_lossy().into_owned());
    }
    inner
}

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The ways in which a server may write the secret back.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for set in [RESERVED, NON_ALPHANUMERIC] {
        let encoded = utf8_percent_encode(secret, set).to_string();
        forms.push(lower_case_escapes(&encoded));
        forms.push(encoded.replace("%20", "+"));
        forms.push(encoded);
    }
    let quoted = serde_json::Value::from(secret).to_string();
    let escaped = quoted[1..quoted.len() - 1].to_owned();
    forms.push(escaped.replace('/', "\\/"));
    forms.push(escaped);
    // In the middle of a longer text base64 depends on where a group of three bytes begins. The characters that
    // also hold bits of the neighbors are left out.
    for offset in 0..3 {
        let mut bytes = vec![0; offset];
        bytes.extend(secret.as_bytes());
        let whole = bytes.len() * 8 / 6;
        let first = (offset * 8).div_ceil(6);
        forms.push(STANDARD_NO_PAD.encode(&bytes)[first..whole].to_owned());
        forms.push(URL_SAFE_NO_PAD.encode(&bytes)[first..whole].to_owned());
    }
    forms
}

/// `%2F` as `%2f`.
fn lower_case_escapes(encoded: &str) -> String {
    let mut digits_left = 0_u8;
    encoded
        .chars()
        .map(|character| {
            if character == '%' {
                digits_left = 2;
                return character;
            }
            if digits_left > 0 {
                digits_left -= 1;
                return character.to_ascii_lowercase();
            }
            character
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    const KEY: &str = "sk-caNary/+\"7?>~\\x z";

    fn redactor(text: &str) -> Redactor {
        Redactor::new([&Secret::new(text)])
    }

    #[test]
    fn a_secret_prints_as_asterisks() {
        let secret = Secret::new(KEY);
        assert_eq!(format!("{secret} {secret:?} {:?}", redactor(KEY)).matches("caNary").count(), 0);
        assert_eq!(format!("{:?}", Some(secret)), "Some(****)");
    }

    #[test]
    fn what_cannot_be_a_key_is_named() {
        for key in [KEY_ALONE, " sk-1\n", "abc==", "ABC_DEF==", "a1b2c3=x.y", "x"] {
            assert_eq!(Secret::parse_key(key).unwrap().expose(), key.trim());
        }
        for (text, problem) in [
            ("", KeyProblem::Blank),
            (" \r\n", KeyProblem::Blank),
            ("sk-1\nsk-2", KeyProblem::Lines),
            ("sk-1\rsk-2", KeyProblem::Lines),
            ("sk-\u{fc}", KeyProblem::NotAscii),
            ("\u{201c}sk-1\u{201d}", KeyProblem::NotAscii),
            ("sk-1\u{200b}", KeyProblem::NotAscii),
            ("\"sk-1\"", KeyProblem::Quoted),
            ("'sk-1'", KeyProblem::Quoted),
            ("sk-1'", KeyProblem::Quoted),
            ("OPENAI_API_KEY=sk-1", KeyProblem::Assignment),
            ("KEY = sk-1", KeyProblem::Assignment),
            ("export OPENAI_API_KEY=sk-1", KeyProblem::Assignment),
            ("api_key=sk-1", KeyProblem::Assignment),
            ("Bearer sk-1", KeyProblem::Spaces),
            ("sk-1\t2", KeyProblem::Control),
        ] {
            assert_eq!(Secret::parse_key(text), Err(problem), "{text:?}");
        }
    }

    const KEY_ALONE: &str = "sk-proj_caNary/+7";

    #[test]
    fn a_key_is_found_in_every_form_a_server_may_write_it() {
        let percent = utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string();
        let json = serde_json::Value::from(KEY).to_string();
        for form in [
            KEY.to_owned(),
            percent,
            "sk-caNary%2f%2b%227%3f%3e~%5cx%20z".to_owned(),
            json[1..json.len() - 1].to_owned(),
            json[1..json.len() - 1].replace('/', "\\/"),
        ] {
            let text = format!("<{form}>");
            assert_eq!(redactor(KEY).redact(&text), "<****>", "{text}");
        }
    }

    #[test]
    fn a_key_inside_base64_of_a_longer_text_is_found() {
        for before in ["", "u", "us", "user:"] {
            for (encoded, engine) in [
                (STANDARD.encode(format!("{before}{KEY} and more")), "standard"),
                (URL_SAFE.encode(format!("{before}{KEY} and more")), "url"),
            ] {
                let redacted = redactor(KEY).redact(&encoded);
                assert!(
                    redacted.contains("****") && redacted.len() < encoded.len() - 15,
                    "{engine} {redacted}"
                );
            }
        }
    }

    #[test]
    fn the_credentials_of_a_header_and_of_a_proxy_are_secrets_by_themselves() {
        assert_eq!(redactor("Bearer sk-abcdef").redact("got sk-abcdef"), "got ****");
        let proxy = redactor("http://me:p%40ssword@proxy.example:3128");
        assert_eq!(proxy.redact("p@ssword, p%40ssword"), "****, ****");
    }

    #[test]
    fn short_secrets_are_not_searched_for() {
        assert_eq!(redactor("abc").redact("abcdef"), "abcdef");
    }
}
