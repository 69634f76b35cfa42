//! What came of reading kept replies anew.

use anyhow::Result;
use imgeval_core::{FailureKind, SampleId, visible};
use imgeval_report::schema::Schema;
use imgeval_runner::RereadSummary;
use serde_json::{Value, json};

use crate::{counted::counted, exit_code::Exit, printer::Printer};

/// How many samples are named.
const EXAMPLES: usize = 3;

/// What is read from the replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Images,
    Judgments,
}

pub(crate) struct RereadTable<'a> {
    pub(crate) summary: &'a RereadSummary,
    pub(crate) wanted: Wanted,
}

impl RereadTable<'_> {
    pub(crate) fn print(&self, as_json: bool, printer: Printer) -> Result<Exit> {
        printer.data(if as_json {
            format!("{:#}\n", Schema::Reread.stamp(self.to_json()))
        } else {
            self.render_text()
        })?;
        Ok(if self.n_left() == 0 { Exit::Ok } else { Exit::Partial })
    }

    fn n_left(&self) -> usize {
        let summary = self.summary;
        let of_kinds = summary.unchanged.values().chain(summary.without_reply.values()).sum::<usize>();
        of_kinds + summary.changed.len() + summary.addresses.len()
    }

    fn count(&self, n: usize) -> String {
        match self.wanted {
            Wanted::Images => counted(n, "image"),
            Wanted::Judgments => counted(n, "judgment"),
        }
    }

    fn render_text(&self) -> String {
        let summary = self.summary;
        if summary.recovered.is_empty() && self.n_left() == 0 {
            return match self.wanted {
                Wanted::Images => "reread: no sample is without its image\n".to_owned(),
                Wanted::Judgments => "reread: no judgment is without the judge's words\n".to_owned(),
            };
        }
        let mut text = format!("recovered: {} from kept replies\n", self.count(summary.recovered.len()));
        for (id, failure) in &summary.changed {
            let detail = visible(&failure.detail);
            text.push_str(&format!("changed: {id}: {}: {detail}\n", failure.kind.code()));
        }
        for (kind, n) in &summary.unchanged {
            text.push_str(&format!("unchanged: {} ({})\n", self.count(*n), kind.code()));
        }
        if !summary.addresses.is_empty() {
            text.push_str(&format!(
                "needs a download: {} ({}); the reply holds only an address, and --reread sends nothing, so start \
                 `imgeval generate` to ask again\n",
                self.count(summary.addresses.len()),
                some_of(&summary.addresses),
            ));
        }
        for (kind, n) in &summary.without_reply {
            text.push_str(&format!("no whole reply was kept: {} ({})\n", self.count(*n), kind.code()));
        }
        text
    }

    fn to_json(&self) -> Value {
        let summary = self.summary;
        let ids = |ids: &[SampleId]| ids.iter().map(SampleId::to_string).collect::<Vec<_>>();
        let counts = |counts: &std::collections::BTreeMap<FailureKind, usize>| -> Value {
            counts.iter().map(|(kind, n)| (kind.code().to_owned(), Value::from(*n))).collect()
        };
        let changed: Vec<Value> = summary
            .changed
            .iter()
            .map(|(id, failure)| {
                json!({"sample": id.to_string(), "outcome": failure.kind.code(), "detail": failure.detail})
            })
            .collect();
        json!({
            "recovered": ids(&summary.recovered),
            "changed": changed,
            "unchanged": counts(&summary.unchanged),
            "needs_download": ids(&summary.addresses),
            "without_reply": counts(&summary.without_reply),
        })
    }
}

fn some_of(ids: &[SampleId]) -> String {
    let named: Vec<String> = ids.iter().take(EXAMPLES).map(SampleId::to_string).collect();
    let rest = if ids.len() > EXAMPLES { ", ..." } else { "" };
    format!("{}{rest}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use imgeval_core::{CaseId, Failure};

    use super::*;

    fn id(ordinal: u32) -> SampleId {
        SampleId::new(CaseId::new("cat"), ordinal)
    }

    #[test]
    fn everything_found_is_told_and_counted() {
        let moderated = Failure { kind: FailureKind::Moderated, detail: "blocked".to_owned() };
        let summary = RereadSummary {
            recovered: vec![id(0)],
            changed: vec![(id(1), moderated)],
            unchanged: [(FailureKind::EmptyReply, 2)].into(),
            addresses: (2..7).map(id).collect(),
            without_reply: [(FailureKind::Transport, 1)].into(),
        };
        let table = RereadTable { summary: &summary, wanted: Wanted::Images };
        let text = table.render_text();
        for line in [
            "recovered: 1 image from kept replies\n",
            "changed: cat/0001: moderated: blocked\n",
            "unchanged: 2 images (empty-reply)\n",
            "needs a download: 5 images (cat/0002, cat/0003, cat/0004, ...); ",
            "no whole reply was kept: 1 image (transport)\n",
        ] {
            assert!(text.contains(line), "{line} / {text}");
        }
        assert_eq!(table.n_left(), 9);
        assert_eq!(table.to_json()["recovered"], json!(["cat/0000"]));
        assert_eq!(table.to_json()["unchanged"], json!({"empty-reply": 2}));
        let nothing = RereadSummary::default();
        let table = RereadTable { summary: &nothing, wanted: Wanted::Judgments };
        assert_eq!(table.render_text(), "reread: no judgment is without the judge's words\n");
    }
}
