//! What a pod brings along: its scheduler, runtime, network, volumes and images. S05, S19, P05, P06,
//! P12.

use crate::conformance::attempt::{Act, Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::{Ground, POD};
use crate::conformance::objects::{ABROAD, container};
use crate::conformance::outcome::Skip;
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S05",
        level: Level::Bronze,
        bypasses: &["B05"],
        title: "a scheduler of one's own",
        way: Way::Requests(scheduler),
    },
    Case {
        id: "S19",
        level: Level::Silver,
        bypasses: &["B28"],
        title: "volumes inside a pod",
        way: Way::Requests(volumes),
    },
    Case {
        id: "P05",
        level: Level::Silver,
        bypasses: &["B21", "B42"],
        title: "an image from a registry abroad",
        way: Way::Requests(images),
    },
    Case {
        id: "P06",
        level: Level::Silver,
        bypasses: &["B39"],
        title: "a pod in the node's own network",
        way: Way::Requests(host_network),
    },
    Case {
        id: "P12",
        level: Level::Bronze,
        bypasses: &[],
        title: "a runtime that may run a pod on a machine elsewhere",
        way: Way::Requests(runtime),
    },
];

fn with(ground: &Ground, spec: &Value) -> Request {
    Request::create(
        Target::core("pods").within(&ground.canaries.sensitive),
        ground.pod(spec),
    )
}

fn scheduler(ground: &Ground) -> Vec<Attempt> {
    let by = |name: &str| with(ground, &json!({"schedulerName": name}));
    let named = ground.allowed.schedulers.first();
    vec![
        Attempt::refused("G11", "one that no policy names", by(ABROAD)),
        Attempt::passed("G11", "the cluster's own", by("default-scheduler")),
        Attempt::passed("G11", "none named", with(ground, &json!({}))),
        Attempt::new(
            "G11",
            "one that a policy names",
            Wanted::Passed,
            named.map(|name| by(name)).ok_or(Skip::NothingAllowed),
        ),
    ]
}

fn runtime(ground: &Ground) -> Vec<Attempt> {
    let by = |name: &str| with(ground, &json!({"runtimeClassName": name}));
    vec![
        // A class that is there, or the server would refuse it before it asks anybody.
        Attempt::refused(
            "G19",
            "a runtime class that no policy names",
            by(&ground.canaries.cluster_name()),
        ),
        Attempt::passed("G19", "none named", with(ground, &json!({}))),
    ]
}

fn host_network(ground: &Ground) -> Vec<Attempt> {
    let network = |host: bool| with(ground, &json!({"hostNetwork": host}));
    vec![
        Attempt::refused("G13", "spec.hostNetwork true", network(true)),
        Attempt::passed("G13", "spec.hostNetwork false", network(false)),
    ]
}

/// Kinds of volumes that reach storage, images or machines by themselves.
fn unlawful_volumes() -> Vec<(&'static str, Value)> {
    vec![
        ("hostPath", json!({"path": "/var/lib"})),
        ("nfs", json!({"server": "192.0.2.1", "path": "/"})),
        ("csi", json!({"driver": "abroad.example.com"})),
        ("image", json!({"reference": "abroad.example.com/data:1"})),
        (
            "iscsi",
            json!({"targetPortal": "192.0.2.1", "iqn": "iqn.2026-01.com.example:a", "lun": 0}),
        ),
        ("fc", json!({"targetWWNs": ["5006016"], "lun": 0})),
        ("awsElasticBlockStore", json!({"volumeID": "vol-1"})),
        ("gcePersistentDisk", json!({"pdName": "disk-1"})),
        (
            "azureDisk",
            json!({"diskName": "disk-1", "diskURI": "https://abroad.example.com/disk-1"}),
        ),
        ("azureFile", json!({"secretName": "a", "shareName": "b"})),
        ("cephfs", json!({"monitors": ["192.0.2.1"]})),
        ("rbd", json!({"monitors": ["192.0.2.1"], "image": "a"})),
        ("glusterfs", json!({"endpoints": "a", "path": "b"})),
        ("cinder", json!({"volumeID": "vol-1"})),
        ("flexVolume", json!({"driver": "example.com/abroad"})),
        ("vsphereVolume", json!({"volumePath": "[a] b"})),
        ("portworxVolume", json!({"volumeID": "vol-1"})),
    ]
}

fn volumes(ground: &Ground) -> Vec<Attempt> {
    let of = |kind: &str, source: &Value| {
        with(ground, &json!({"volumes": [{"name": "v", kind: source}]}))
    };
    let mut attempts: Vec<Attempt> = unlawful_volumes()
        .into_iter()
        .map(|(kind, source)| {
            // Older servers do not know each kind.
            let wanted = Wanted::RefusedWhereReached("/spec/volumes/0");
            Attempt::new("G14", kind, wanted, Ok(of(kind, &source)))
        })
        .collect();
    let claim = |class: Option<&str>| {
        let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}});
        if let Some(class) = class {
            spec["storageClassName"] = json!(class);
        }
        of("ephemeral", &json!({"volumeClaimTemplate": {"spec": spec}}))
    };
    let items = json!([{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]);
    for (kind, source) in [
        ("emptyDir", json!({})),
        ("configMap", json!({"name": "any"})),
        ("secret", json!({"secretName": "any"})),
        ("downwardAPI", json!({"items": items})),
        (
            "projected",
            json!({"sources": [{"secret": {"name": "any"}}]}),
        ),
        ("persistentVolumeClaim", json!({"claimName": "any"})),
    ] {
        attempts.push(Attempt::passed("G14", kind, of(kind, &source)));
    }
    attempts.push(Attempt::refused(
        "G15",
        "ephemeral, of a class abroad",
        claim(Some(ABROAD)),
    ));
    attempts.push(Attempt::new(
        "G15",
        "ephemeral, of a lawful class, and of one abroad by the old annotation",
        Wanted::Refused,
        ground.storage_class().map(|(class, _)| {
            let template = json!({
                "metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": ABROAD}},
                "spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}},
                    "storageClassName": class,
                },
            });
            of("ephemeral", &json!({"volumeClaimTemplate": template}))
        }),
    ));
    attempts.push(Attempt::refused(
        "G15",
        "ephemeral, of no class",
        claim(None),
    ));
    attempts.push(Attempt::new(
        "G15",
        "ephemeral, of a lawful class",
        Wanted::Passed,
        ground.storage_class().map(|(class, _)| claim(Some(class))),
    ));
    attempts
}

/// Where policies name registries: at creation, as a change of what runs, and for debugging.
fn images(ground: &Ground) -> Vec<Attempt> {
    let lawful = ground.lawful_image();
    let abroad = "abroad.example.com/any:1";
    let pod = || {
        Target::core("pods")
            .within(&ground.canaries.sensitive)
            .named(POD)
    };
    let made = |list: &str, image: &str| {
        let mut one = container(image);
        one["name"] = json!("other");
        if list == "containers" {
            with(ground, &json!({"containers": [one]}))
        } else {
            with(ground, &json!({list: [one]}))
        }
    };
    let changed = |image: &str| {
        Request::new(
            pod(),
            Act::Patch(
                json!([{"op": "replace", "path": "/spec/containers/0/image", "value": image}]),
            ),
        )
    };
    let debug = |image: &str| {
        let one = json!({"name": "debug", "image": image, "securityContext": container(image)["securityContext"]});
        Request::new(
            pod().subresource("ephemeralcontainers"),
            Act::Patch(json!([{"op": "add", "path": "/spec/ephemeralContainers", "value": [one]}])),
        )
    };
    let mut attempts = Vec::new();
    let mut both = |name: &str, request: &dyn Fn(&str) -> Request| {
        attempts.push(Attempt::new(
            "G12",
            format!("{name}, from abroad"),
            Wanted::Refused,
            lawful.clone().map(|_| request(abroad)),
        ));
        attempts.push(Attempt::new(
            "G12",
            format!("{name}, from a registry that a policy names"),
            Wanted::Passed,
            lawful.clone().map(|image| request(&image)),
        ));
    };
    both("a container", &|image| made("containers", image));
    both("an init container", &|image| made("initContainers", image));
    both("another image for a container that runs", &changed);
    both("a container to debug another", &debug);
    // A registry whose name only begins like a lawful one.
    attempts.push(Attempt::new(
        "G12",
        "a container, from a registry whose name begins like a lawful one",
        Wanted::Refused,
        lawful.map(|image| {
            let host = image.split('/').next().unwrap_or_default();
            made("containers", &format!("{host}.abroad.example.com/any:1"))
        }),
    ));
    attempts
}
