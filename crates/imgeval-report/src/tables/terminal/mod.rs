//! Any table as text for a terminal.
//!
//! A [`Table`] says what its columns are and how important each one is; a [`View`] says how much room there is and
//! whether text may be colored. Rendering drops the least important columns until the table fits, then wraps or shortens
//! text, and says which columns are hidden. Without a limit ([`Width::All`]) everything is shown on one line a row.
//!
//! Text of others is made harmless here: callers pass it as it came, and only colors add escape sequences.

mod columns;
mod natural;
mod notes;
mod render;
mod table;
mod view;
mod wrapping;

#[cfg(test)]
mod tests;

pub use natural::{natural_order, sort_ids};
pub use table::{Alignment, CellText, Column, Importance, Overflow, Row, Section, Table, Tone};
pub use view::{Style, View, Width};
