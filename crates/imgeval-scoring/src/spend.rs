//! What a run has cost, in words and in numbers. An unknown amount is never zero.

use imgeval_core::Usd;
use imgeval_report::calls::SpendView;
use imgeval_store::Spend;

/// What was spent, as short as progress lines need it; an unknown amount is never zero.
#[must_use]
pub fn short_cost(spend: &Spend) -> String {
    match spend.unpriced_calls {
        0 => spend.total().to_string(),
        _ if spend.is_unknown() => "unknown".to_owned(),
        _ => format!("{} and an unknown amount", spend.total()),
    }
}

/// What the run has cost over all calls ever made for it.
#[must_use]
pub fn spend_line(spend: &Spend) -> String {
    let has_untold = spend.unpriced_calls > 0 || spend.lost_tries > 0 || spend.possible > Usd::ZERO;
    let is_known = spend.known > Usd::ZERO || !has_untold;
    let known = if is_known { spend.known.to_string() } else { "unknown".to_owned() };
    let calls = if spend.calls == 1 { "call" } else { "calls" };
    let mut text = format!("cost: {known} for {} {calls}", spend.calls);
    if spend.unpriced_calls > 0 {
        text.push_str(&format!(", {} of them at an unknown price", spend.unpriced_calls));
    }
    if spend.lost_tries > 0 || spend.possible > Usd::ZERO {
        let more = match spend.possible {
            Usd::ZERO if spend.unpriced_calls > 0 => "an unknown amount".to_owned(),
            possible => possible.to_string(),
        };
        let further = if is_known { " more" } else { "" };
        let reason = match spend.lost_tries {
            0 => "replies without a cost".to_owned(),
            1 => "1 request without an answer may have been billed".to_owned(),
            lost => format!("{lost} requests without an answer may have been billed"),
        };
        text.push_str(&format!("; perhaps {more}{further} ({reason})"));
    }
    text.push('\n');
    text
}

/// The same in the form that tables show.
#[must_use]
pub fn spend_view(spend: &Spend) -> SpendView {
    let dollars = |amount: Usd| (amount > Usd::ZERO || spend.unpriced_calls == 0).then(|| amount.dollars());
    SpendView {
        line: spend_line(spend).trim_end().to_owned(),
        usd: dollars(spend.known),
        perhaps_more_usd: dollars(spend.possible),
        calls: spend.calls,
        calls_without_price: spend.unpriced_calls,
        requests: spend.tries,
        requests_without_answer: spend.lost_tries,
    }
}

/// What was spent, without the word itself.
pub(crate) fn spend_text(spend: &Spend) -> String {
    let line = spend_line(spend);
    line.trim_end().trim_start_matches("cost: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(n: u64) -> Usd {
        Usd::from_nanos(10_000_000).times(n)
    }

    #[test]
    fn an_unknown_cost_is_never_shown_as_nothing() {
        let unknown = Spend { calls: 2, tries: 2, unpriced_calls: 2, lost_tries: 1, ..Spend::default() };
        let expected = "cost: unknown for 2 calls, 2 of them at an unknown price; perhaps an unknown amount (1 \
                        request without an answer may have been billed)\n";
        assert_eq!(spend_line(&unknown), expected);
        assert_eq!(short_cost(&unknown), "unknown");
        let view = spend_view(&unknown);
        assert_eq!((view.usd, view.perhaps_more_usd), (None, None));
        let partly = Spend { known: cents(4), calls: 3, lost_tries: 0, ..unknown };
        assert_eq!(spend_line(&partly), "cost: $0.0400 for 3 calls, 2 of them at an unknown price\n");
        assert_eq!(short_cost(&partly), "$0.0400 and an unknown amount");
        let lost = Spend { possible: cents(4), calls: 1, lost_tries: 2, ..Spend::default() };
        let expected =
            "cost: unknown for 1 call; perhaps $0.0400 (2 requests without an answer may have been billed)\n";
        assert_eq!(spend_line(&lost), expected);
        let free = Spend { calls: 1, ..Spend::default() };
        assert_eq!(
            (spend_line(&free).as_str(), short_cost(&free).as_str()),
            ("cost: $0.00 for 1 call\n", "$0.00")
        );
        assert_eq!(spend_view(&free).usd, Some(0.0));
    }
}
