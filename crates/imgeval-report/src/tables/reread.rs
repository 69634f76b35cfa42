//! Result of re-reading stored replies, as text and as JSON.

use imgeval_core::visible;
use serde_json::{Value, json};

use crate::reread::{ChangedView, RereadKind, RereadView};

/// How many samples are named.
const EXAMPLES: usize = 3;

/// For people; `advice` says what to do where a reply holds only an address.
#[must_use]
pub fn reread_text(view: &RereadView, advice: &str) -> String {
    if view.recovered.is_empty() && view.n_left() == 0 {
        return match view.kind {
            RereadKind::Images => "reread: every sample has its image\n".to_owned(),
            RereadKind::Judgments => "reread: every judgment has the judge's text\n".to_owned(),
        };
    }
    let counted = |n: usize| {
        let one = match view.kind {
            RereadKind::Images => "image",
            RereadKind::Judgments => "judgment",
        };
        format!("{n} {one}{}", if n == 1 { "" } else { "s" })
    };
    let mut text = format!("recovered: {} from stored replies\n", counted(view.recovered.len()));
    for ChangedView { sample, outcome, detail } in &view.changed {
        text.push_str(&format!("changed: {sample}: {outcome}: {}\n", visible(detail)));
    }
    for (outcome, n) in &view.unchanged {
        text.push_str(&format!("unchanged: {} ({outcome})\n", counted(*n)));
    }
    if !view.addresses.is_empty() {
        text.push_str(&format!(
            "needs a download: {} ({}); the reply contains only an address, {advice}\n",
            counted(view.addresses.len()),
            some_of(&view.addresses),
        ));
    }
    for (outcome, n) in &view.without_reply {
        text.push_str(&format!("no complete reply was stored: {} ({outcome})\n", counted(*n)));
    }
    text
}

/// As JSON.
#[must_use]
pub fn reread_json(view: &RereadView) -> Value {
    let counts = |counts: &[(String, usize)]| -> Value {
        counts.iter().map(|(outcome, n)| (outcome.clone(), Value::from(*n))).collect()
    };
    let changed = |ChangedView { sample, outcome, detail }: &ChangedView| json!({"sample": sample, "outcome": outcome, "detail": detail});
    json!({
        "recovered": view.recovered,
        "changed": view.changed.iter().map(changed).collect::<Vec<_>>(),
        "unchanged": counts(&view.unchanged),
        "needs_download": view.addresses,
        "without_reply": counts(&view.without_reply),
    })
}

fn some_of(ids: &[String]) -> String {
    let rest = if ids.len() > EXAMPLES { ", ..." } else { "" };
    format!("{}{rest}", ids[..ids.len().min(EXAMPLES)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: RereadView = RereadView {
        kind: RereadKind::Judgments,
        recovered: Vec::new(),
        changed: Vec::new(),
        unchanged: Vec::new(),
        addresses: Vec::new(),
        without_reply: Vec::new(),
    };

    #[test]
    fn everything_found_is_told_and_counted() {
        let id = |ordinal: u32| format!("cat/{ordinal:04}");
        let moderated =
            ChangedView { sample: id(1), outcome: "moderated".to_owned(), detail: "blocked".to_owned() };
        let view = RereadView {
            kind: RereadKind::Images,
            recovered: vec![id(0)],
            changed: vec![moderated],
            unchanged: vec![("empty-reply".to_owned(), 2)],
            addresses: (2..7).map(id).collect(),
            without_reply: vec![("transport".to_owned(), 1)],
        };
        let text = reread_text(&view, "so ask again");
        for line in [
            "recovered: 1 image from stored replies\n",
            "changed: cat/0001: moderated: blocked\n",
            "unchanged: 2 images (empty-reply)\n",
            "needs a download: 5 images (cat/0002, cat/0003, cat/0004, ...); the reply contains only an address, so ask again\n",
            "no complete reply was stored: 1 image (transport)\n",
        ] {
            assert!(text.contains(line), "{line} / {text}");
        }
        assert_eq!(view.n_left(), 9);
        assert_eq!(reread_json(&view)["recovered"], json!(["cat/0000"]));
        assert_eq!(reread_json(&view)["unchanged"], json!({"empty-reply": 2}));
        assert_eq!(reread_text(&NOTHING, ""), "reread: every judgment has the judge's text\n");
    }
}
