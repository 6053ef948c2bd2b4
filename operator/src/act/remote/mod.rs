//! What act does in other clusters. Pure: `marks`, `references`, `body`, `carry`, `preflight`,
//! `managers`, `drift`, `due`, `orders`, `derive`, `outcome`. With a client: `there`, `look`, `send`. Deliberately not
//! here: deciding counts, and watching those clusters (gather's).

pub mod body;
pub mod carry;
pub mod derive;
pub mod drift;
pub mod due;
pub mod look;
pub mod managers;
pub mod marks;
pub mod orders;
pub mod outcome;
pub mod preflight;
pub mod references;
pub mod send;
pub mod there;
