//! Labels by people: a page of this machine that shows images one by one, in an order of each rater's own and without a
//! word about who made them or what others said.
//!
//! What a person says is evidence like a judge's reply: it is kept in the run under the rater's name, in the form that
//! the suite's parser reads, and is on the disk before the page goes on.

mod server;
mod session;

pub use server::{LabelEvent, LabelOptions, run_label_page};
pub use session::{LabelError, Session, check_rater};
