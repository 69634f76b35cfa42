//! Judged suites: their data on this machine, the questions to judges, and what the answers say.

pub(crate) mod cases;
pub(crate) mod data;
pub(crate) mod fetch;
pub(crate) mod measure;
pub(crate) mod protocols;
pub(crate) mod question;
pub(crate) mod run;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod trust;
