//! G20 to G24: claims, grants, volumes and storage classes.

use super::super::cel::{GOING, NO_PROVISIONER, rule, storage_class};
use super::super::rule::{Match, Rule, Scope, Tier, WRITES};

const NAMED: &str = "' + params.spec.terms.storageClasses.map(c, c).join(', ') + ' (SovereigntyPolicy spec.storage.classes)'";

/// G20: a claim is of a lawful class.
pub(super) fn claims() -> Rule {
    let now = storage_class("object");
    let before = storage_class("oldObject");
    Rule {
        id: "g20-claims",
        matches: vec![Match::new("", "v1", &["persistentvolumeclaims"], WRITES)],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![rule(
            "G20",
            // A claim from before the guard keeps its class.
            format!(
                "{now} in params.spec.terms.storageClasses || (request.operation == 'UPDATE' && {now} == {before})"
            ),
            &format!(
                "'storage class ' + ({now} == '' ? 'none' : {now}) + ' is no storage class of Sensitive volumes: use one of {NAMED}"
            ),
        )],
    }
}

/// G21: it is made from nothing or from its own namespace. What it was made from cannot be changed.
pub(super) fn sources() -> Rule {
    // A group that is absent comes as null.
    let lawful = |field: &str| {
        format!(
            "(!has(object.spec.{field}) || (object.spec.{field}.kind in ['PersistentVolumeClaim', 'VolumeSnapshot'] && (!has(object.spec.{field}.apiGroup) || dyn(object.spec.{field}.apiGroup) == null || object.spec.{field}.apiGroup in ['', 'snapshot.storage.k8s.io'])))"
        )
    };
    Rule {
        id: "g21-claim-sources",
        matches: vec![Match::new(
            "",
            "v1",
            &["persistentvolumeclaims"],
            &["CREATE"],
        )],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: false,
        validations: vec![rule(
            "G21",
            format!(
                "{} && {} && (!has(object.spec.dataSourceRef) || !has(object.spec.dataSourceRef.namespace) || object.spec.dataSourceRef.namespace in ['', request.namespace])",
                lawful("dataSource"),
                lawful("dataSourceRef")
            ),
            "'spec.dataSourceRef: a Sensitive claim is made from a claim or snapshot of its own namespace, or from nothing'",
        )],
    }
}

/// G22: nothing outside a Sensitive namespace is let refer to what is in it.
pub(super) fn grants() -> Rule {
    Rule {
        id: "g22-grants",
        matches: vec![Match::new(
            "gateway.networking.k8s.io",
            "*",
            &["referencegrants"],
            WRITES,
        )],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: false,
        validations: vec![rule(
            "G22",
            GOING,
            "'a ReferenceGrant would let other namespaces use claims and Services of namespace ' + namespaceObject.metadata.name + ', whose class is Sensitive: put what needs them into this namespace'",
        )],
    }
}

/// G23: a volume of a lawful class is of that class's driver.
pub(super) fn volumes() -> Rule {
    let class = storage_class("object");
    let driver = format!("params.spec.terms.storageClasses[{class}]");
    Rule {
        id: "g23-volumes",
        matches: vec![Match::new("", "v1", &["persistentvolumes"], WRITES)],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G23",
            format!(
                "!({class} in params.spec.terms.storageClasses) || {GOING} \
                 || (has(object.spec.csi) && object.spec.csi.driver == {driver}) \
                 || (has(object.spec.nfs) && object.spec.nfs.server in params.spec.terms.nfsServers) \
                 || (has(object.spec.local) && {driver} == '{NO_PROVISIONER}')"
            ),
            &format!(
                "'storage class ' + {class} + ' holds Sensitive volumes: PersistentVolume ' + object.metadata.name + ' must be of its driver ' + {driver} + ', or name a server of SovereigntyPolicy spec.storage.nfsServers'"
            ),
        )],
    }
}

/// G24: a lawful class keeps its provisioner, made anew or not.
pub(super) fn classes() -> Rule {
    Rule {
        id: "g24-storageclasses",
        matches: vec![Match::new(
            "storage.k8s.io",
            "v1",
            &["storageclasses"],
            // Its provisioner cannot be changed later.
            &["CREATE"],
        )],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G24",
            "!(object.metadata.name in params.spec.terms.storageClasses) || object.provisioner == params.spec.terms.storageClasses[object.metadata.name]",
            "'StorageClass ' + object.metadata.name + ' holds Sensitive volumes: its provisioner must be ' + params.spec.terms.storageClasses[object.metadata.name] + ', or change SovereigntyPolicy spec.storage.classes first'",
        )],
    }
}
