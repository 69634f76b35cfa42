//! What programs measured on the samples.

use imgeval_core::{CaseId, ContentHash, Outcome, SampleId};
use rusqlite::params;

use super::{Database, judgments::text_columns};
use crate::{Measurement, MeasurementRecord, StoreError};

impl Database {
    pub(crate) fn record_measurements(&mut self, batch: &[MeasurementRecord]) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            let sql = "INSERT OR REPLACE INTO measurements
                           (meter, case_id, ordinal, round, image_sha256, outcome, detail, payload)
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
            let mut statement = transaction.prepare_cached(sql)?;
            for MeasurementRecord { meter, id, image, outcome } in batch {
                let rendered = match outcome {
                    Outcome::Done(measured) => Outcome::Done(measured.render()),
                    Outcome::Failed(failure) => Outcome::Failed(failure.clone()),
                };
                let (code, detail, payload) = text_columns(&rendered);
                let case = id.case.as_str();
                statement.execute(params![
                    meter,
                    case,
                    id.ordinal,
                    id.round,
                    image.as_str(),
                    code,
                    detail,
                    payload
                ])?;
            }
            Ok(())
        })
    }

    pub(crate) fn measurements(&self) -> Result<Vec<MeasurementRecord>, StoreError> {
        if !self.can_judge {
            return Ok(Vec::new());
        }
        let sql =
            "SELECT meter, case_id, ordinal, round, image_sha256, outcome, detail, payload FROM measurements
                   ORDER BY meter, case_id, ordinal, round";
        let mut statement = self.guard(self.connection().prepare(sql))?;
        let mut rows = self.guard(statement.query([]))?;
        let mut measurements = Vec::new();
        while let Some(row) = self.guard(rows.next())? {
            let image: String = self.guard(row.get(4))?;
            let image =
                ContentHash::parse(&image).ok_or_else(|| self.damaged("an image hash is malformed"))?;
            let outcome = match self.read_outcome(row, 5)? {
                Outcome::Done(text) => {
                    Outcome::Done(Measurement::parse(&text).map_err(|detail| self.damaged(detail))?)
                }
                Outcome::Failed(failure) => Outcome::Failed(failure),
            };
            let read = || -> rusqlite::Result<MeasurementRecord> {
                let case = CaseId::new(row.get::<_, String>(1)?);
                let id = SampleId { case, ordinal: row.get(2)?, round: row.get(3)? };
                Ok(MeasurementRecord { meter: row.get(0)?, id, image, outcome })
            };
            measurements.push(self.guard(read())?);
        }
        Ok(measurements)
    }
}
