//! A few values by site. Most workloads name few sites.

use super::site::SiteName;
use super::sorted::Sorted;

/// Values by site, in the order of names.
pub type BySite<T> = Sorted<SiteName, T>;
