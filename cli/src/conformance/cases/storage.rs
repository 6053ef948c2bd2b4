//! Claims, volumes, their classes, snapshots and backups: S17, S18, S20 to S22.

use crate::conformance::attempt::{Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::fixtures::CANARY;
use crate::conformance::ground::Ground;
use crate::conformance::objects::{ABROAD, claim, extend, volume};
use crate::conformance::outcome::Skip;
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S17",
        level: Level::Silver,
        bypasses: &["B26"],
        title: "a volume claim of a class abroad",
        way: Way::Requests(classes),
    },
    Case {
        id: "S18",
        level: Level::Silver,
        bypasses: &["B27"],
        title: "a volume that names storage abroad",
        way: Way::Requests(volumes),
    },
    Case {
        id: "S20",
        level: Level::Silver,
        bypasses: &["B29"],
        title: "a volume cloned from another namespace, or lent to one",
        way: Way::Requests(clones),
    },
    Case {
        id: "P07",
        level: Level::Silver,
        bypasses: &["B26"],
        title: "a lawful storage class that leads elsewhere",
        way: Way::Requests(provisioners),
    },
];

/// Says the class of claims and volumes; where it stands the field does not count.
const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

fn claims(ground: &Ground) -> Target {
    Target::core("persistentvolumeclaims").within(&ground.canaries.sensitive)
}

fn classes(ground: &Ground) -> Vec<Attempt> {
    let made = |class: Option<&str>| Request::create(claims(ground), claim("attempt", class));
    let lawful = ground.storage_class().map(|(class, _)| class);
    let update = |class: &str| {
        // Left open when it was made, as only then it may be filled in.
        Request::merge(
            claims(ground).named(CANARY),
            json!({"spec": {"storageClassName": class}}),
        )
    };
    vec![
        Attempt::refused("G20", "of a class that no policy names", made(Some(ABROAD))),
        Attempt::refused("G20", "of no class", made(None)),
        Attempt::refused("G20", "of the empty class", made(Some(""))),
        Attempt::new(
            "G20",
            "of a lawful class, and of one abroad by the old annotation, which counts for more",
            Wanted::Refused,
            lawful.map(|class| {
                let mut body = claim("attempt", Some(class));
                body["metadata"]["annotations"] = json!({OLD_CLASS: ABROAD});
                Request::create(claims(ground), body)
            }),
        ),
        Attempt::refused("G20", "the class filled in later", update(ABROAD)),
        Attempt::new(
            "G20",
            "of a lawful class",
            Wanted::Passed,
            lawful.map(|class| made(Some(class))),
        ),
        Attempt::passed(
            "G20",
            "another label on a claim that was there before",
            Request::merge(
                claims(ground).named(CANARY),
                json!({"metadata": {"labels": {"example.com/any": "word"}}}),
            ),
        ),
    ]
}

fn clones(ground: &Ground) -> Vec<Attempt> {
    let class = ground.storage_class().map(|(class, _)| class);
    let from = |source: Value| {
        class.map(|class| {
            let mut body = claim("attempt", Some(class));
            extend(&mut body["spec"], &source);
            Request::create(claims(ground), body)
        })
    };
    let other = json!({"apiGroup": "", "kind": "PersistentVolumeClaim", "name": "any", "namespace": ground.canaries.mass});
    let unknown = json!({"apiGroup": "abroad.example.com", "kind": "Import", "name": "any"});
    let own = json!({"apiGroup": "", "kind": "PersistentVolumeClaim", "name": "any"});
    let snapshot =
        json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "any"});
    let grants = || Target::of("gateway.networking.k8s.io", "v1beta1", "referencegrants");
    let grant = |name: &str| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant",
            "metadata": {"name": name},
            "spec": {
                "from": [{"group": "", "kind": "PersistentVolumeClaim", "namespace": ground.canaries.mass}],
                "to": [{"group": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot"}],
            },
        })
    };
    let refused = |name: &str, request| Attempt::new("G21", name, Wanted::Refused, request);
    let passed = |name: &str, request| Attempt::new("G21", name, Wanted::Passed, request);
    vec![
        refused(
            "made from a kind that nobody knows",
            from(json!({"dataSourceRef": unknown})),
        ),
        Attempt::new(
            "G21",
            "made from a claim of another namespace",
            // Behind a feature gate of its own.
            Wanted::RefusedWhereReached("/spec/dataSourceRef/namespace"),
            from(json!({"dataSourceRef": other})),
        ),
        passed(
            "made from a claim of its own namespace",
            from(json!({"dataSource": own})),
        ),
        passed(
            "made from a claim of its own namespace, without a group",
            from(json!({"dataSource": {"kind": "PersistentVolumeClaim", "name": "any"}})),
        ),
        passed(
            "made from a snapshot of its own namespace",
            from(json!({"dataSourceRef": snapshot})),
        ),
        Attempt::refused(
            "G22",
            "a grant to another namespace",
            Request::create(
                grants().within(&ground.canaries.sensitive),
                grant("attempt"),
            ),
        ),
        Attempt::refused(
            "G22",
            "a grant from before, changed",
            Request::merge(
                grants().within(&ground.canaries.sensitive).named(CANARY),
                json!({"metadata": {"labels": {"example.com/any": "word"}}}),
            ),
        ),
        Attempt::passed(
            "G22",
            "a grant in a namespace of mass traffic",
            Request::create(grants().within(&ground.canaries.mass), grant("attempt")),
        ),
    ]
}

fn volumes(ground: &Ground) -> Vec<Attempt> {
    let target = || Target::core("persistentvolumes");
    let lawful = ground.storage_class();
    let made = |source: &dyn Fn(&str) -> Value| {
        lawful.map(|(class, driver)| {
            Request::create(
                target(),
                volume("pinisi-conformance-attempt", class, &source(driver)),
            )
        })
    };
    let csi = |driver: &str| json!({"csi": {"driver": driver, "volumeHandle": "attempt"}});
    let refused = |name: &str, request| Attempt::new("G23", name, Wanted::Refused, request);
    let passed = |name: &str, request| Attempt::new("G23", name, Wanted::Passed, request);
    let canary = || target().named(&ground.canaries.cluster_name());
    let nfs = ground.allowed.nfs_servers.first();
    vec![
        refused("of another driver", made(&|_| csi("abroad.example.com"))),
        refused(
            "on a server abroad",
            made(&|_| json!({"nfs": {"server": "192.0.2.1", "path": "/"}})),
        ),
        refused(
            "on a path of some node",
            made(&|_| json!({"hostPath": {"path": "/var/lib"}})),
        ),
        refused(
            "a volume abroad put into a lawful class",
            lawful.map(|(class, _)| {
                Request::merge(canary(), json!({"spec": {"storageClassName": class}}))
            }),
        ),
        refused(
            "of a lawful class by the old annotation, and of another driver",
            lawful.map(|(class, _)| {
                let source = csi("abroad.example.com");
                let mut body = volume("pinisi-conformance-attempt", ABROAD, &source);
                body["metadata"]["annotations"] = json!({OLD_CLASS: class});
                Request::create(target(), body)
            }),
        ),
        // Local volumes have no driver of their own.
        passed(
            "of the class's own driver",
            match lawful {
                Ok((_, "kubernetes.io/no-provisioner")) => Err(Skip::NothingAllowed),
                Ok(_) | Err(_) => made(&|driver| csi(driver)),
            },
        ),
        passed(
            "on a server that a policy names",
            match nfs {
                Some(server) => made(&|_| json!({"nfs": {"server": server, "path": "/"}})),
                None => Err(Skip::NothingAllowed),
            },
        ),
        passed(
            "of a class that holds nothing Sensitive",
            Ok(Request::create(
                target(),
                volume(
                    "pinisi-conformance-attempt",
                    ABROAD,
                    &csi("abroad.example.com"),
                ),
            )),
        ),
        passed(
            "another label on a volume abroad",
            Ok(Request::merge(
                canary(),
                json!({"metadata": {"labels": {"example.com/any": "word"}}}),
            )),
        ),
    ]
}

fn provisioners(ground: &Ground) -> Vec<Attempt> {
    let made = |name: &str, provisioner: &str| {
        Request::create(
            Target::of("storage.k8s.io", "v1", "storageclasses"),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                "metadata": {"name": name}, "provisioner": provisioner,
            }),
        )
    };
    let lawful = ground.storage_class();
    vec![
        Attempt::new(
            "G24",
            "made anew under its name, by another provisioner",
            Wanted::Refused,
            lawful.map(|(class, _)| made(class, "abroad.example.com")),
        ),
        Attempt::new(
            "G24",
            "made anew by its own provisioner",
            Wanted::Passed,
            lawful.map(|(class, provisioner)| made(class, provisioner)),
        ),
        Attempt::passed(
            "G24",
            "any other class",
            made("pinisi-conformance-attempt", "abroad.example.com"),
        ),
    ]
}
