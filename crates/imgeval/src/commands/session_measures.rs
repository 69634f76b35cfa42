//! Measures the sessions of runs and folders, where a command shows them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use imgeval_fetch::weights::Places;
use imgeval_metrics::BootstrapSettings;
use imgeval_report::{rounds::RoundsView, tables::rounds_tables};
use imgeval_rounds::{
    MEASURES, MeasureStore, MeasuredSession, NETWORKS_SET, NetworkWeights, Networks, Session,
    measure_sessions, sessions_of_run, summarize,
};
use imgeval_runner::Progress;
use imgeval_scoring::Run;

use crate::printer::Printer;

/// Where a run keeps what was measured of its sessions.
pub(super) fn store_of_run(run: &Path) -> PathBuf {
    run.join(MEASURES)
}

/// The networks whose weights were pulled; no place for weights means that none are wanted.
pub(super) fn networks_at(places: Option<Places>, printer: Printer) -> Result<Networks> {
    let Some(places) = places else { return Ok(Networks::none("they are left out")) };
    let networks = Networks::load(&NetworkWeights::pulled(places))?;
    if networks.are_missing() {
        for note in networks.notes() {
            printer.talk(format_args!("rounds: {note}"));
        }
        printer.talk(format_args!("rounds: `imgeval models pull {NETWORKS_SET}` fetches what is missing"));
    }
    Ok(networks)
}

/// What the measured sessions say together, and which networks did not look.
pub(super) fn sum_up(
    sessions: &[Session],
    measured: &[MeasuredSession],
    networks: &Networks,
    settings: BootstrapSettings,
) -> RoundsView {
    let mut view = summarize(sessions, measured, settings);
    view.notes.extend(networks.notes().iter().cloned());
    view
}

/// Measures sessions, and keeps in the store what was measured.
pub(super) fn measure(
    sessions: &[Session],
    networks: &Networks,
    store: &MeasureStore,
    printer: Printer,
) -> Result<Vec<MeasuredSession>> {
    let mut progress = printer.progress("measure rounds");
    progress.show(Progress::Planned { total: sessions.len(), finished: 0 });
    let measured = measure_sessions(sessions, networks, store, &mut |_| {
        progress.show(Progress::Advanced { has_failed: false });
    });
    progress.finish();
    Ok(measured?)
}

/// Measures the sessions of a run and prints the tables.
pub(super) fn print_run(
    run: &Path,
    places: Option<Places>,
    settings: BootstrapSettings,
    printer: Printer,
) -> Result<()> {
    let sessions = sessions_of_run(&Run::open(run)?, None)?;
    if sessions.is_empty() {
        return Ok(());
    }
    let networks = networks_at(places, printer)?;
    let measured = measure(&sessions, &networks, &MeasureStore::at(&store_of_run(run))?, printer)?;
    printer.tables(rounds_tables(&sum_up(&sessions, &measured, &networks, settings)))?;
    Ok(())
}
