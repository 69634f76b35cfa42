//! The tables, how those of formats 2 to 4 become those of format 5, and views that show older formats as the newest.

/// 2: an observer is a detector with a color namer, whose evidence is kept apart. 3: rounds and generated samples.
/// 4: judges, judgments and measurements. 5: whole replies of calls that gave nothing usable.
pub(super) const SCHEMA_VERSION: i64 = 5;

/// Older formats that are brought up to date when they are opened for writing.
pub(super) const MIGRATES_FROM: i64 = 2;

/// Not all of a database: see [`GENERATION`]. A sample without a file was generated.
pub(super) const SAMPLES: &str = "
CREATE TABLE samples (
    source TEXT PRIMARY KEY,
    file_size INTEGER,
    modified_ns INTEGER,
    case_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    round INTEGER NOT NULL DEFAULT 1,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    image_sha256 TEXT,
    format TEXT,
    width INTEGER,
    height INTEGER,
    notes TEXT NOT NULL,
    attempt_id INTEGER REFERENCES attempts
) STRICT;
CREATE UNIQUE INDEX samples_done ON samples (case_id, ordinal, round) WHERE outcome = 'done';
CREATE INDEX samples_by_id ON samples (case_id, ordinal, round);
CREATE INDEX samples_by_image ON samples (image_sha256);
";

/// What was paid for: only ever added to, but for `calls_in_flight`, where a row lives as long as its call.
pub(super) const GENERATION: &str = "
CREATE TABLE attempts (
    attempt_id INTEGER PRIMARY KEY,
    work_key TEXT NOT NULL,
    case_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    round INTEGER NOT NULL,
    began_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    seed TEXT,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    image_sha256 TEXT,
    format TEXT,
    width INTEGER,
    height INTEGER,
    notes TEXT NOT NULL,
    text_input INTEGER,
    image_input INTEGER,
    cached_input INTEGER,
    text_output INTEGER,
    image_output INTEGER,
    cost_nanos INTEGER,
    cost_basis TEXT NOT NULL,
    possible_nanos INTEGER NOT NULL,
    is_unpriced INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    lost_tries INTEGER NOT NULL,
    revised_prompt TEXT,
    state TEXT,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX attempts_by_id ON attempts (case_id, ordinal, round);
CREATE TABLE calls_in_flight (
    work_key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    case_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    round INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    seed TEXT,
    began_ms INTEGER NOT NULL,
    estimate_nanos INTEGER
) STRICT;
CREATE TABLE rewrites (
    work_key TEXT PRIMARY KEY,
    prompt TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    rewritten TEXT,
    text_input INTEGER,
    cached_input INTEGER,
    text_output INTEGER,
    cost_nanos INTEGER NOT NULL,
    cost_basis TEXT NOT NULL,
    possible_nanos INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    unpriced_calls INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    lost_tries INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;
";

/// What was said stays on record, also when it was taken back. The columns added tell which image a call under way judges.
pub(super) const JUDGING: &str = "
ALTER TABLE calls_in_flight ADD COLUMN judge_id TEXT;
ALTER TABLE calls_in_flight ADD COLUMN role TEXT;
ALTER TABLE calls_in_flight ADD COLUMN image_sha256 TEXT;
ALTER TABLE calls_in_flight ADD COLUMN repeat INTEGER;
CREATE TABLE judges (
    judge_id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    protocol TEXT NOT NULL,
    protocol_sha256 TEXT NOT NULL,
    protocol_text TEXT NOT NULL
) STRICT;
CREATE TABLE judgments (
    judgment_id INTEGER PRIMARY KEY,
    work_key TEXT NOT NULL,
    judge_id TEXT NOT NULL REFERENCES judges,
    role TEXT NOT NULL,
    case_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    round INTEGER NOT NULL,
    image_sha256 TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    began_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    reply TEXT,
    text_input INTEGER,
    image_input INTEGER,
    cached_input INTEGER,
    text_output INTEGER,
    cost_nanos INTEGER,
    cost_basis TEXT NOT NULL,
    possible_nanos INTEGER NOT NULL,
    is_unpriced INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    lost_tries INTEGER NOT NULL,
    is_withdrawn INTEGER NOT NULL DEFAULT 0,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX judgments_by_work ON judgments (work_key);
CREATE INDEX judgments_by_judge ON judgments (judge_id);
CREATE TABLE measurements (
    meter TEXT NOT NULL,
    case_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    round INTEGER NOT NULL,
    image_sha256 TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    payload TEXT,
    PRIMARY KEY (meter, case_id, ordinal, round)
) STRICT, WITHOUT ROWID;
";

/// Complete replies with their HTTP status, and the call that a row re-reads.
pub(super) const KEPT_REPLIES: &str = "
ALTER TABLE attempts ADD COLUMN kept_status INTEGER;
ALTER TABLE attempts ADD COLUMN kept BLOB;
ALTER TABLE attempts ADD COLUMN reread_of INTEGER;
ALTER TABLE judgments ADD COLUMN kept_status INTEGER;
ALTER TABLE judgments ADD COLUMN kept BLOB;
ALTER TABLE judgments ADD COLUMN reread_of INTEGER;
";

pub(super) const OBSERVATIONS: &str = "
CREATE TABLE extra_files (source TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT;
CREATE TABLE observers (
    observer_id TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    version INTEGER NOT NULL,
    weights_sha256 TEXT NOT NULL,
    parameters TEXT NOT NULL,
    is_comparable INTEGER NOT NULL,
    detector_id TEXT NOT NULL,
    namer_id TEXT NOT NULL
) STRICT;
CREATE TABLE evidence (
    work_key TEXT PRIMARY KEY,
    detector_id TEXT NOT NULL,
    image_sha256 TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX evidence_by_image ON evidence (image_sha256, detector_id);
CREATE TABLE colors (
    image_sha256 TEXT NOT NULL,
    detector_id TEXT NOT NULL,
    namer_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (image_sha256, detector_id, namer_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE failed_observations (
    work_key TEXT PRIMARY KEY,
    observer_id TEXT NOT NULL REFERENCES observers,
    image_sha256 TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
";

/// SQL that creates a new database. Referenced tables come first.
pub(super) fn creation() -> String {
    in_one_transaction(&format!("{GENERATION}{SAMPLES}{OBSERVATIONS}{JUDGING}{KEPT_REPLIES}"), SCHEMA_VERSION)
}

/// SQL that brings a database of this format up to date, a format at a time, each all or nothing.
pub(super) fn migrations_from(version: i64) -> impl Iterator<Item = String> {
    let steps = [
        (2, migration_from_2()),
        (3, in_one_transaction(JUDGING, 4)),
        (4, in_one_transaction(KEPT_REPLIES, 5)),
    ];
    steps.into_iter().filter(move |(from, _)| *from >= version).map(|(_, sql)| sql)
}

fn migration_from_2() -> String {
    let sql = format!(
        "{GENERATION}
         ALTER TABLE samples RENAME TO samples_of_2;
         DROP INDEX samples_done;
         DROP INDEX samples_by_id;
         DROP INDEX samples_by_image;
         {SAMPLES}
         INSERT INTO samples (source, file_size, modified_ns, case_id, ordinal, outcome, detail, image_sha256, format,
                              width, height, notes)
             SELECT source, file_size, modified_ns, case_id, ordinal, outcome, detail, image_sha256, format,
                    width, height, notes FROM samples_of_2;
         DROP TABLE samples_of_2;"
    );
    in_one_transaction(&sql, 3)
}

fn in_one_transaction(sql: &str, version: i64) -> String {
    format!("BEGIN IMMEDIATE; {sql} PRAGMA user_version = {version}; COMMIT;")
}

/// Shows a run of format 1 or 2 as one of format 3: every sample came from a file and was the only round. The tables
/// of generation are not shown; they would be empty.
pub(super) const VIEW_OF_2: &str = "
PRAGMA temp_store = MEMORY;
CREATE TEMP VIEW samples AS SELECT *, 1 AS round FROM main.samples;
";

/// Presents a run of format 1 as one of format 2: there, an observer was a single object whose colors are in the
/// evidence.
pub(super) const VIEW_OF_1: &str = "
CREATE TEMP VIEW observers AS
    SELECT *, observer_id AS detector_id, '' AS namer_id FROM main.observers;
CREATE TEMP VIEW colors AS
    SELECT image_sha256, observer_id AS detector_id, '' AS namer_id, NULL AS payload FROM main.evidence;
CREATE TEMP VIEW evidence AS
    SELECT work_key, observer_id AS detector_id, image_sha256, payload FROM main.evidence;
";
