//! The conformance suite in labs of its own: the guard that this version puts in place, on both
//! versions of the API server, with the operator running and stopped.

mod conformance;
mod floor;
