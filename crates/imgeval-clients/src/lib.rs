//! Talks to image generators and chat models: the transport, one file for each provider, and the catalogue of models.
//! Only this crate knows HTTP.

#![forbid(unsafe_code)]
