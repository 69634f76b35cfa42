//! The two scores per turn that LME-Bench and MSE-Bench have in common.

use super::literal::Literal;

/// A score above this passes, so that 6.5 passes and 6 does not.
pub(super) const THRESHOLD: f64 = 6.0;

/// How well a turn followed its instruction and kept the rest, 0 to 10 each by the protocol. The range is not checked, as in the
/// official code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TurnAxes {
    pub prompt_following: f64,
    pub consistency: f64,
}

impl TurnAxes {
    /// Reads both from a reply; `None` if one is missing or no number. Texts such as `"9"` are no numbers.
    pub(super) fn of(reply: &Literal) -> Option<Self> {
        let number = |key| reply.member(key)?.number();
        Some(Self { prompt_following: number("prompt_following")?, consistency: number("consistency")? })
    }

    /// Whether the turn succeeded: both are above 6.
    #[must_use]
    pub fn passes(self) -> bool {
        self.prompt_following > THRESHOLD && self.consistency > THRESHOLD
    }
}
