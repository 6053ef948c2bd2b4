//! The rules of this cluster's guard, a file for each thing that they are about.

mod access;
mod bind;
mod connect;
mod declassification;
mod kinds;
mod namespaces;
mod nodes;
mod pods;
mod routes;
mod snapshots;
mod spread;
mod storage;
mod unclassified;

use super::rule::Rule;
use super::settings::GuardSettings;

/// Every rule, in the order of their ids.
#[must_use]
pub fn all(settings: &GuardSettings) -> Vec<Rule> {
    let user = settings.operator_user.as_str();
    vec![
        bind::bind(),
        pods::create(),
        pods::tolerations(),
        namespaces::class(),
        namespaces::stays(user),
        kinds::workload(),
        kinds::inventory(user),
        kinds::siblings(user),
        kinds::carry(),
        kinds::categories(&settings.policies.categories),
        pods::parts(),
        pods::images(),
        connect::connect(),
        connect::token(),
        connect::kubelet(),
        access::role_bindings(settings),
        storage::claims(),
        storage::sources(),
        storage::grants(),
        storage::volumes(),
        storage::classes(),
        snapshots::snapshots(),
        snapshots::classes(),
        snapshots::backups(),
        snapshots::group_snapshots(),
        snapshots::contents(),
        routes::services(),
        routes::ingresses(),
        routes::gateway_routes(),
        routes::openshift_routes(),
        routes::endpoints(),
        spread::exports(),
        spread::kinds(),
        routes::gateways(),
        spread::services(),
        spread::copies(),
        nodes::labels(&settings.policies.stamp),
        nodes::again(),
        nodes::virtual_nodes(&settings.policies.stamp),
        nodes::taint(),
        unclassified::bind(),
        unclassified::pods(),
        kinds::attested(),
        kinds::violations(user),
        kinds::violations_closed(),
        declassification::request(),
        declassification::approval(),
        declassification::rest(user),
        declassification::class_alone(user),
    ]
}

/// Ends of the names of every rule's objects.
#[must_use]
pub fn ids() -> Vec<&'static str> {
    all(&GuardSettings::default())
        .iter()
        .map(|rule| rule.id)
        .collect()
}

#[cfg(test)]
mod tests;
