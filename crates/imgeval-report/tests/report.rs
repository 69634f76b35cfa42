//! What tables and figures look like, and that nothing in them can do harm.

#[path = "report/samples.rs"]
mod samples;
#[path = "report/tables.rs"]
mod tables;
