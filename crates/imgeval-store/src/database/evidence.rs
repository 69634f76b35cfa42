//! What observers saw, and what they have not seen yet.

use imgeval_core::{
    CaseId, ColorScores, ContentHash, Detection, Evidence, Failure, ImageRef, ObserverId, ObserverMeta,
    WorkKey, json::from_json_str,
};
use rusqlite::{Row, Transaction, params};

use super::Database;
use crate::{
    StoreError,
    format::{parse_colors_into, parse_payload, render_colors, render_payload},
};

/// An observer and its two parts, whose evidence is kept apart: another namer needs no new detections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserverKey {
    pub observer: ObserverId,
    pub detector: ObserverId,
    pub namer: ObserverId,
}

/// A distinct image of the run with what one observer saw in it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredImage {
    pub image: ImageRef,
    /// The cases that it answers.
    pub cases: Vec<CaseId>,
    /// `None` if the detector has not seen it.
    pub seen: Option<SeenImage>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SeenImage {
    /// With the colors that are known.
    pub detections: Vec<Detection>,
    /// Whether the namer has finished with it, be it that there was nothing to name.
    pub has_colors: bool,
}

impl Database {
    pub(crate) fn record_observer(&self, meta: &ObserverMeta, key: &ObserverKey) -> Result<(), StoreError> {
        let result = self.connection().execute(
            "INSERT INTO observers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![
                key.observer.as_str(),
                meta.id,
                meta.title,
                meta.version,
                meta.weights_sha256,
                meta.parameters,
                meta.is_comparable,
                key.detector.as_str(),
                key.namer.as_str(),
            ],
        );
        self.guard(result).map(drop)
    }

    /// The observers of this run, by their hashes.
    pub(crate) fn observers(&self) -> Result<Vec<ObserverMeta>, StoreError> {
        let read = || {
            // One that saw nothing yet matters only if no other did.
            let sql = "SELECT id, title, version, weights_sha256, parameters, is_comparable FROM observers o
                       WHERE EXISTS (SELECT 1 FROM colors c
                                     WHERE c.detector_id = o.detector_id AND c.namer_id = o.namer_id)
                           OR NOT EXISTS (SELECT 1 FROM colors)
                       ORDER BY observer_id";
            let mut statement = self.connection().prepare(sql)?;
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

    /// Visits the distinct images with what the observer saw in them, one at a time, in order of their first sample.
    pub(crate) fn for_each_image(
        &self,
        key: &ObserverKey,
        mut visit: impl FnMut(StoredImage),
    ) -> Result<(), StoreError> {
        let sql = "SELECT s.image_sha256, min(s.format), json_group_array(DISTINCT s.case_id), e.payload, c.payload
                   FROM samples s
                   LEFT JOIN evidence e ON e.image_sha256 = s.image_sha256 AND e.detector_id = ?1
                   LEFT JOIN colors c ON c.image_sha256 = s.image_sha256 AND c.detector_id = ?1 AND c.namer_id = ?2
                   WHERE s.outcome = 'done'
                   GROUP BY s.image_sha256 ORDER BY min(s.case_id), min(s.ordinal), min(s.round), s.image_sha256";
        let mut statement = self.guard(self.connection().prepare(sql))?;
        let mut rows = self.guard(statement.query([key.detector.as_str(), key.namer.as_str()]))?;
        while let Some(row) = self.guard(rows.next())? {
            let row = self.guard(ImageRow::read(row))?;
            let image = self.parse_image(&row.hash, &row.format)?;
            let cases: Vec<String> =
                from_json_str(&row.cases).map_err(|error| self.damaged(error.to_string()))?;
            let cases = cases.into_iter().map(CaseId::new).collect();
            let seen = match row.payload {
                Some(payload) => {
                    let (_, mut detections) =
                        parse_payload(&payload).map_err(|detail| self.damaged(detail))?;
                    if let Some(colors) = &row.colors {
                        parse_colors_into(colors, &mut detections).map_err(|detail| self.damaged(detail))?;
                    }
                    Some(SeenImage { detections, has_colors: row.colors.is_some() })
                }
                None => None,
            };
            visit(StoredImage { image, cases, seen });
        }
        Ok(())
    }

    /// Records detections, without colors; existing evidence stays.
    pub(crate) fn record_detections(
        &mut self,
        key: &ObserverKey,
        evidence: &Evidence,
    ) -> Result<(), StoreError> {
        let payload = self.payload_of(evidence)?;
        self.in_transaction(|transaction| insert_evidence(transaction, key, &evidence.image, &payload))
    }

    /// Keeps the colors of detections by their places, instead of any that were there, and forgets an earlier failure.
    pub(crate) fn record_colors(
        &mut self,
        key: &ObserverKey,
        image: &ContentHash,
        colors: &[(usize, ColorScores)],
    ) -> Result<(), StoreError> {
        let colors = colors.iter().map(|(place, scores)| (*place, scores));
        let payload = render_colors(colors).map_err(|error| self.damaged(error.to_string()))?;
        self.in_transaction(|transaction| insert_colors(transaction, key, image, &payload))
    }

    /// Keeps what detector and namer saw, all or nothing.
    pub(crate) fn record_evidence(
        &mut self,
        key: &ObserverKey,
        evidence: &Evidence,
    ) -> Result<(), StoreError> {
        let payload = self.payload_of(evidence)?;
        let named = evidence.detections.iter().enumerate();
        let named = named.filter_map(|(place, detection)| Some((place, detection.colors.as_ref()?)));
        let colors = render_colors(named).map_err(|error| self.damaged(error.to_string()))?;
        self.in_transaction(|transaction| {
            insert_evidence(transaction, key, &evidence.image, &payload)?;
            insert_colors(transaction, key, &evidence.image, &colors)
        })
    }

    fn payload_of(&self, evidence: &Evidence) -> Result<String, StoreError> {
        render_payload(evidence.width, evidence.height, &evidence.detections)
            .map_err(|error| self.damaged(error.to_string()))
    }

    pub(crate) fn record_failed_observation(
        &self,
        observer: &ObserverId,
        image: &ContentHash,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let key = WorkKey::observation(observer, image);
        let result = self.connection().execute(
            "INSERT INTO failed_observations VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail",
            params![key.as_str(), observer.as_str(), image.as_str(), failure.kind.code(), failure.detail],
        );
        self.guard(result).map(drop)
    }

    pub(crate) fn forget_failed_observations(
        &mut self,
        observer: &ObserverId,
        images: &[ContentHash],
    ) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            images.iter().try_for_each(|image| forget_failure(transaction, observer, image))
        })
    }
}

fn insert_evidence(
    transaction: &Transaction<'_>,
    key: &ObserverKey,
    image: &ContentHash,
    payload: &str,
) -> rusqlite::Result<()> {
    let work_key = WorkKey::observation(&key.detector, image);
    transaction.execute(
        "INSERT INTO evidence VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        params![work_key.as_str(), key.detector.as_str(), image.as_str(), payload],
    )?;
    Ok(())
}

fn insert_colors(
    transaction: &Transaction<'_>,
    key: &ObserverKey,
    image: &ContentHash,
    payload: &str,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO colors VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET payload = excluded.payload",
        params![image.as_str(), key.detector.as_str(), key.namer.as_str(), payload],
    )?;
    forget_failure(transaction, &key.observer, image)
}

fn forget_failure(
    transaction: &Transaction<'_>,
    observer: &ObserverId,
    image: &ContentHash,
) -> rusqlite::Result<()> {
    let work_key = WorkKey::observation(observer, image);
    transaction.execute("DELETE FROM failed_observations WHERE work_key = ?", [work_key.as_str()])?;
    Ok(())
}

struct ImageRow {
    hash: String,
    format: String,
    /// A JSON array of case ids.
    cases: String,
    payload: Option<String>,
    colors: Option<String>,
}

impl ImageRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            hash: row.get(0)?,
            format: row.get(1)?,
            cases: row.get(2)?,
            payload: row.get(3)?,
            colors: row.get(4)?,
        })
    }
}
