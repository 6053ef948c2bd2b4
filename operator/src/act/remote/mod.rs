//! What act does in other clusters. Pure: `marks`, `references`, `body`, `carry`, `preflight`.
//! Deliberately not here: deciding counts, and watching those clusters (gather's).

pub mod body;
pub mod carry;
pub mod marks;
pub mod preflight;
pub mod references;
