//! MSE-Bench (Apache-2.0): 100 sessions of 5 turns in a Parquet table, results in tables of images.
//!
//! A turn succeeds if prompt following and consistency are both above 6, and a session stops at its first failure. The official table divides everything by the number of sessions,
//! so that turns behind a failure enter the means as 0: the means of the scores mostly repeat the success rate.
//!
//! Outputs are named by the number of the row in the table, sources by the table's `index`.

mod judging;
mod layout;
mod rates;
mod reply;
mod report;
mod table;
#[cfg(test)]
mod tests;

pub use judging::{MseScores, MseTurn, SessionJudging};
pub use layout::{NameForm, SessionFiles, find_outputs, output_name, source_name};
pub use rates::{MseRates, MseTurnRates, mse_rates};
pub use reply::{MseReply, parse_reply};
pub use report::{MseReport, report_on_replies};
pub use table::{MseRow, ResultRow, TableImage, read_results, read_sessions, session_of};
