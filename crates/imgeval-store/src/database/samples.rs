//! Samples, written wherever they came from, and read back with what an observer saw in them.

use imgeval_core::{CaseId, Evidence, Failure, ImageRecord, ImageRef, ObserverId, Outcome, Sample, SampleId};
use rusqlite::{Connection, Row, params};

use super::{DONE, Database, render_notes};
use crate::{
    FileStamp, StoreError,
    format::{parse_colors_into, parse_payload},
};

/// What a sample came from.
pub(super) enum Origin<'a> {
    File {
        stamp: FileStamp,
        rewritten_prompt: Option<&'a str>,
    },
    /// The call that made it, by its row.
    Attempt(i64),
}

pub(super) fn insert_sample(
    connection: &Connection,
    sample: &Sample,
    origin: &Origin<'_>,
) -> rusqlite::Result<()> {
    let record = sample.outcome.done();
    let (outcome, mut detail) = code_of(&sample.outcome);
    let (stamp, attempt_id) = match origin {
        Origin::File { stamp, rewritten_prompt } => {
            // A finished sample has no failure to tell of, so the column holds what is special about it.
            if record.is_some() {
                detail = rewritten_prompt.unwrap_or_default();
            }
            (Some(stamp), None)
        }
        Origin::Attempt(attempt_id) => (None, Some(attempt_id)),
    };
    let mut statement = connection.prepare_cached(
        "INSERT INTO samples (source, file_size, modified_ns, case_id, ordinal, round, outcome, detail,
                              image_sha256, format, width, height, notes, attempt_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    statement.execute(params![
        sample.source,
        stamp.map(|stamp| stamp.size),
        stamp.map(|stamp| stamp.modified_ns),
        sample.id.case.as_str(),
        sample.id.ordinal,
        sample.id.round,
        outcome,
        detail,
        record.map(|record| record.hash.as_str()),
        record.map(|record| record.format.extension()),
        record.map(|record| record.width),
        record.map(|record| record.height),
        record.map(render_notes).unwrap_or_default(),
        attempt_id,
    ])?;
    Ok(())
}

/// An outcome as two columns hold it.
pub(super) fn code_of(outcome: &Outcome<ImageRecord>) -> (&'static str, &str) {
    match outcome {
        Outcome::Done(_) => (DONE, ""),
        Outcome::Failed(failure) => (failure.kind.code(), failure.detail.as_str()),
    }
}

/// A sample with what one observer saw in it, if it has looked.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedSample {
    pub sample: Sample,
    /// An earlier sample of the run has the very same bytes.
    pub repeats_bytes: bool,
    /// Another file represents this sample: a usable one, or an earlier one that also failed.
    pub is_redundant: bool,
    pub evidence: Option<Evidence>,
    /// Why the observer could not look or name, from its last try; `None` once it has finished with the image, since a
    /// later failure to do more takes nothing away.
    pub failed_observation: Option<Failure>,
}

impl Database {
    /// Visits every sample with what `observer` saw in it, one at a time, ordered by case, ordinal, round and source.
    pub(crate) fn for_each_sample(
        &self,
        observer: Option<&ObserverId>,
        mut visit: impl FnMut(ObservedSample),
    ) -> Result<(), StoreError> {
        let sql = "SELECT s.source, s.case_id, s.ordinal, s.outcome, s.detail, s.image_sha256, s.format,
                          s.width, s.height, s.notes, e.payload, c.payload, f.outcome, f.detail,
                          EXISTS (SELECT 1 FROM samples o
                                  WHERE o.image_sha256 = s.image_sha256 AND o.outcome = 'done'
                                      AND (o.case_id, o.ordinal, o.round) < (s.case_id, s.ordinal, s.round)),
                          s.outcome <> 'done' AND EXISTS (
                              SELECT 1 FROM samples o WHERE o.case_id = s.case_id AND o.ordinal = s.ordinal
                                  AND o.round = s.round AND (o.outcome = 'done' OR o.source < s.source)),
                          s.round
                   FROM samples s
                   LEFT JOIN observers v ON v.observer_id = ?1
                   LEFT JOIN evidence e ON e.image_sha256 = s.image_sha256 AND e.detector_id = v.detector_id
                   LEFT JOIN colors c ON c.image_sha256 = s.image_sha256
                       AND c.detector_id = v.detector_id AND c.namer_id = v.namer_id
                   LEFT JOIN failed_observations f
                       ON f.image_sha256 = s.image_sha256 AND f.observer_id = ?1
                   ORDER BY s.case_id, s.ordinal, s.round, s.source";
        let mut statement = self.guard(self.connection().prepare(sql))?;
        let mut rows = self.guard(statement.query([observer.map_or("", ObserverId::as_str)]))?;
        while let Some(row) = self.guard(rows.next())? {
            let sample = self.guard(SampleRow::read(row))?;
            visit(self.parse_sample(sample, observer)?);
        }
        Ok(())
    }

    fn parse_sample(
        &self,
        row: SampleRow,
        observer: Option<&ObserverId>,
    ) -> Result<ObservedSample, StoreError> {
        let id = SampleId { case: CaseId::new(row.case_id), ordinal: row.ordinal, round: row.round };
        let mut evidence = None;
        let outcome = if row.outcome == DONE {
            let record = self.parse_record(row.image, row.notes)?;
            if let (Some(payload), Some(observer)) = (row.payload, observer) {
                let (header, mut detections) =
                    parse_payload(&payload).map_err(|detail| self.damaged(detail))?;
                if let Some(colors) = &row.colors {
                    parse_colors_into(colors, &mut detections).map_err(|detail| self.damaged(detail))?;
                }
                let (width, height) = (header.width, header.height);
                let (image, observer) = (record.hash.clone(), observer.clone());
                evidence = Some(Evidence { image, observer, width, height, detections });
            }
            Outcome::Done(record)
        } else {
            Outcome::Failed(self.parse_failure(&row.outcome, row.detail)?)
        };
        let failed_observation = match row.failed_observation.filter(|_| row.colors.is_none()) {
            Some((code, detail)) => Some(self.parse_failure(&code, detail)?),
            None => None,
        };
        let sample = Sample { id, source: row.source, outcome };
        Ok(ObservedSample {
            sample,
            repeats_bytes: row.repeats_bytes,
            is_redundant: row.is_redundant,
            evidence,
            failed_observation,
        })
    }

    pub(super) fn parse_record(
        &self,
        image: Option<(String, String, u32, u32)>,
        notes: String,
    ) -> Result<ImageRecord, StoreError> {
        let (hash, format, width, height) =
            image.ok_or_else(|| self.damaged("a finished sample has no image"))?;
        let ImageRef { hash, format } = self.parse_image(&hash, &format)?;
        let notes = self.parse_notes(&notes)?;
        Ok(ImageRecord { hash, format, width, height, notes })
    }
}

struct SampleRow {
    source: String,
    case_id: String,
    ordinal: u32,
    round: u32,
    outcome: String,
    detail: String,
    image: Option<(String, String, u32, u32)>,
    notes: String,
    payload: Option<String>,
    colors: Option<String>,
    failed_observation: Option<(String, String)>,
    repeats_bytes: bool,
    is_redundant: bool,
}

impl SampleRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let hash: Option<String> = row.get(5)?;
        let image = match hash {
            Some(hash) => Some((hash, row.get(6)?, row.get(7)?, row.get(8)?)),
            None => None,
        };
        let failure: Option<String> = row.get(12)?;
        let failed_observation = match failure {
            Some(code) => Some((code, row.get(13)?)),
            None => None,
        };
        Ok(Self {
            source: row.get(0)?,
            case_id: row.get(1)?,
            ordinal: row.get(2)?,
            outcome: row.get(3)?,
            detail: row.get(4)?,
            image,
            notes: row.get(9)?,
            payload: row.get(10)?,
            colors: row.get(11)?,
            failed_observation,
            repeats_bytes: row.get(14)?,
            is_redundant: row.get(15)?,
            round: row.get(16)?,
        })
    }
}
