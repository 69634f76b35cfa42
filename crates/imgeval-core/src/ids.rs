//! Newtypes for everything that has a name, so that different kinds of names cannot be confused.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::EndpointMeta;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// One item of a suite, by the name its suite gives it (GenEval: the five-digit prompt index).
    CaseId
}
text_id! {
    /// An observer in one exact configuration: id, version, weights and parameters, as a short hash.
    ObserverId
}
text_id! {
    /// Everything that can change the answer of one piece of expensive work, hashed.
    WorkKey
}

/// One answer to a case: the `ordinal`-th image made for it, in a conversation that of one round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleId {
    pub case: CaseId,
    pub ordinal: u32,
    /// Counted from 1; cases without conversation have one round.
    pub round: u32,
}

impl SampleId {
    /// Of a case of one round.
    #[must_use]
    pub fn new(case: CaseId, ordinal: u32) -> Self {
        Self { case, ordinal, round: 1 }
    }
}

impl fmt::Display for SampleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{:04}", self.case, self.ordinal)?;
        if self.round > 1 {
            write!(formatter, "#{}", self.round)?;
        }
        Ok(())
    }
}

/// SHA-256 of a file's bytes, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(String);

impl ContentHash {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(to_hex(&Sha256::digest(bytes)))
    }

    /// Accepts 64 hexadecimal digits; anything else is `None`, so that a hash can safely become a file name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hash = text.len() == 64
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        is_hash.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Hashes labeled parts unambiguously (each is preceded by its length) into hexadecimal.
pub(crate) fn hash_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    to_hex(&hasher.finalize())
}

impl WorkKey {
    /// The key of observing one image with one observer.
    #[must_use]
    pub fn observation(observer: &ObserverId, image: &ContentHash) -> Self {
        Self(hash_parts(["observation", observer.as_str(), image.as_str()]))
    }

    /// The key of rewriting one prompt with one rewriter.
    #[must_use]
    pub fn rewriting(rewriter: &EndpointMeta, prompt: &str) -> Self {
        let EndpointMeta { provider, endpoint, model, version } = rewriter;
        Self(hash_parts(["rewriting", provider, endpoint, model, &version.to_string(), prompt]))
    }
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_hash_is_sha256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ContentHash::of(b"abc").as_str(), expected);
    }

    #[test]
    fn content_hash_refuses_what_could_leave_the_folder() {
        assert_eq!(ContentHash::parse("../../etc/passwd"), None);
        assert_eq!(ContentHash::parse(&"A".repeat(64)), None);
        assert!(ContentHash::parse(&"a0".repeat(32)).is_some());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash_parts(["ab", "c"]), hash_parts(["a", "bc"]));
    }
}
