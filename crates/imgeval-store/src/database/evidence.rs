//! What observers saw, and what they have not seen yet.

use imgeval_core::{ContentHash, Evidence, Failure, ImageFormat, ObserverId, ObserverMeta, WorkKey};
use rusqlite::params;

use super::Database;
use crate::{StoreError, format::render_payload};

impl Database {
    pub(crate) fn record_observer(&self, meta: &ObserverMeta) -> Result<(), StoreError> {
        let result = self.connection.execute(
            "INSERT INTO observers VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![
                meta.observer_id().as_str(),
                meta.id,
                meta.title,
                meta.version,
                meta.weights_sha256,
                meta.parameters,
                meta.is_comparable
            ],
        );
        self.guard(result).map(drop)
    }

    /// The observers that have looked at this run, by their hashes.
    pub(crate) fn observers(&self) -> Result<Vec<ObserverMeta>, StoreError> {
        let read = || {
            // One that saw nothing yet matters only if no other did.
            let sql = "SELECT id, title, version, weights_sha256, parameters, is_comparable FROM observers o
                       WHERE EXISTS (SELECT 1 FROM evidence e WHERE e.observer_id = o.observer_id)
                           OR NOT EXISTS (SELECT 1 FROM evidence)
                       ORDER BY observer_id";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                Ok(ObserverMeta {
                    id: row.get(0)?,
                    title: row.get(1)?,
                    version: row.get(2)?,
                    weights_sha256: row.get(3)?,
                    parameters: row.get(4)?,
                    is_comparable: row.get(5)?,
                })
            })?;
            rows.collect()
        };
        self.guard(read())
    }

    /// The distinct images that `observer` has not seen, in order of their first sample.
    pub(crate) fn unobserved_images(
        &self,
        observer: &ObserverId,
    ) -> Result<Vec<(ContentHash, ImageFormat)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            let sql = "SELECT image_sha256, min(format) FROM samples
                       WHERE outcome = 'done' AND image_sha256 NOT IN
                           (SELECT image_sha256 FROM evidence WHERE observer_id = ?)
                       GROUP BY image_sha256 ORDER BY min(case_id), min(ordinal), image_sha256";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([observer.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        let rows = self.guard(read())?;
        rows.into_iter().map(|(hash, format)| self.parse_image(&hash, &format)).collect()
    }

    /// Keeps what was seen; evidence that is there already stays, and an earlier failure is forgotten.
    pub(crate) fn record_evidence(&mut self, evidence: &Evidence) -> Result<(), StoreError> {
        let payload = render_payload(evidence.width, evidence.height, &evidence.detections)
            .map_err(|error| self.damaged(error.to_string()))?;
        let key = WorkKey::observation(&evidence.observer, &evidence.image);
        self.in_transaction(|transaction| {
            transaction.execute(
                "INSERT INTO evidence VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![key.as_str(), evidence.observer.as_str(), evidence.image.as_str(), payload],
            )?;
            transaction.execute("DELETE FROM failed_observations WHERE work_key = ?", [key.as_str()])?;
            Ok(())
        })
    }

    pub(crate) fn record_failed_observation(
        &self,
        observer: &ObserverId,
        image: &ContentHash,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let key = WorkKey::observation(observer, image);
        let result = self.connection.execute(
            "INSERT INTO failed_observations VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail",
            params![key.as_str(), observer.as_str(), image.as_str(), failure.kind.code(), failure.detail],
        );
        self.guard(result).map(drop)
    }
}
