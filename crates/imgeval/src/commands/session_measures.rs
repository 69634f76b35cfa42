//! Measures the sessions of runs and folders, where a command shows them.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Result;
use imgeval_metrics::BootstrapSettings;
use imgeval_observe::DetectorSettings;
use imgeval_report::{rounds::RoundsView, tables::rounds_tables};
use imgeval_rounds::{
    Instruments, MEASURES, MeasureStore, MeasuredSession, NETWORKS_SET, NetworkWeights, Networks,
    ObjectFinder, Session, measure_sessions, sessions_of_run, summarize,
};
use imgeval_runner::Progress;
use imgeval_scoring::Run;

use crate::printer::Printer;

/// Where a run keeps what was measured of its sessions.
pub(super) fn store_of_run(run: &Path) -> PathBuf {
    run.join(MEASURES)
}

/// What looks at images besides the measures of pixels.
pub(super) struct Eyes {
    networks: Networks,
    objects: ObjectFinder,
}

/// The networks whose weights were pulled, and the detector; `None` means that none are wanted.
pub(super) fn eyes_of(wanted: Option<&DetectorSettings>, printer: Printer) -> Result<Eyes> {
    let Some(detector) = wanted else {
        let reason = "they are skipped";
        return Ok(Eyes { networks: Networks::none(reason), objects: ObjectFinder::none(reason) });
    };
    let networks = Networks::load(&NetworkWeights::pulled(detector.places.clone()))?;
    if networks.are_missing() {
        for note in networks.notes() {
            printer.talk(format_args!("rounds: {note}"));
        }
        printer.talk(format_args!("rounds: `imgeval models pull {NETWORKS_SET}` fetches what is missing"));
    }
    let objects = ObjectFinder::load(detector)?;
    if objects.is_none() {
        printer.talk(format_args!("rounds: {}", objects.note()));
        printer.talk("rounds: `imgeval models pull preview` fetches a small detector");
    }
    Ok(Eyes { networks, objects })
}

/// What the measured sessions say together, and who did not look.
pub(super) fn sum_up(
    sessions: &[Session],
    measured: &[MeasuredSession],
    eyes: &Eyes,
    settings: BootstrapSettings,
) -> RoundsView {
    let mut view = summarize(sessions, measured, settings);
    view.notes.extend(eyes.networks.notes().iter().cloned());
    view.notes.push(eyes.objects.note().to_owned());
    view
}

/// Measures sessions, and keeps in the store what was measured.
pub(super) fn measure(
    sessions: &[Session],
    eyes: &Eyes,
    store: &MeasureStore,
    printer: Printer,
) -> Result<Vec<MeasuredSession>> {
    let mut progress = printer.progress("measure rounds", "session");
    let total = sessions.iter().map(|session| session.rounds.len()).sum();
    progress.show(Progress::Planned { total, finished: 0 });
    let instruments = Instruments { networks: &eyes.networks, objects: &eyes.objects };
    let progress = Mutex::new(progress);
    let measured = measure_sessions(sessions, instruments, store, &|| {
        // Somebody who panicked while showing progress is no reason not to measure.
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.show(Progress::Advanced { has_failed: false });
    });
    progress.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
    Ok(measured?)
}

/// Measures the sessions of a run and prints the tables.
pub(super) fn print_run(
    run: &Path,
    wanted: Option<&DetectorSettings>,
    settings: BootstrapSettings,
    printer: Printer,
) -> Result<()> {
    let sessions = sessions_of_run(&Run::open(run)?, None)?;
    if sessions.is_empty() {
        return Ok(());
    }
    let eyes = eyes_of(wanted, printer)?;
    let measured = measure(&sessions, &eyes, &MeasureStore::at(&store_of_run(run))?, printer)?;
    printer.tables(rounds_tables(&sum_up(&sessions, &measured, &eyes, settings)))?;
    Ok(())
}
