//! Runs a load of the past, or an imagined one, against the real planner and against models of other
//! autoscalers, and says what each left unserved and what it cost. Deliberately not here: a clock,
//! threads, chance, a network, the command line. The same input gives the same figures to the bit.

pub mod algorithm;
pub mod contenders;
pub mod crowd;
pub mod fault;
pub mod fleet;
pub mod history;
pub mod load;
pub mod page;
pub mod price;
pub mod rows;
pub mod run;
pub mod setup;
pub mod study;
pub mod summary;
pub mod sweep;
pub mod tally;
pub mod time;
pub mod trace;
pub mod words;
