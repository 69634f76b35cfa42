//! Measures the sessions of runs and folders, where a command shows them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use imgeval_metrics::BootstrapSettings;
use imgeval_report::{rounds::RoundsView, tables::rounds_tables};
use imgeval_rounds::{
    MEASURES, MeasureStore, MeasuredSession, Session, measure_sessions, sessions_of_run, summarize,
};
use imgeval_runner::Progress;

use crate::printer::Printer;

/// Where a run keeps what was measured of its sessions.
pub(super) fn store_of_run(run: &Path) -> PathBuf {
    run.join(MEASURES)
}

/// Measures sessions, and keeps in the store what was measured.
pub(super) fn measure(
    sessions: &[Session],
    store: &MeasureStore,
    printer: Printer,
) -> Result<Vec<MeasuredSession>> {
    let mut progress = printer.progress("measure rounds");
    progress.show(Progress::Planned { total: sessions.len(), finished: 0 });
    let measured = measure_sessions(sessions, store, &mut |_| {
        progress.show(Progress::Advanced { has_failed: false });
    });
    progress.finish();
    Ok(measured?)
}

/// Measures the sessions of a run and prints the tables.
pub(super) fn print_run(run: &Path, settings: BootstrapSettings, printer: Printer) -> Result<()> {
    let sessions = sessions_of_run(run, None)?;
    if sessions.is_empty() {
        return Ok(());
    }
    let measured = measure(&sessions, &MeasureStore::at(&store_of_run(run))?, printer)?;
    let view: RoundsView = summarize(&sessions, &measured, settings);
    printer.tables(rounds_tables(&view))?;
    Ok(())
}
