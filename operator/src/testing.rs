//! Small objects for the tests of `act` and `report`.

use crate::checked::{
    Connection, DeploymentParts, Ownership, RemoteConnection, RemoteDeployment, RemoteLeg,
    RemoteNamespace, Sibling, SiteSubject, Target, WorkloadSubject,
};
use crate::gather::cluster::GuardFacts;
use crate::gather::link::Link;
use crate::refusals::Circumstances;
use pinisi_crds::SiteStatus;
use pinisi_crds::hybrid_workload::{Class, HybridWorkloadStatus, Mode, TargetRef};
use pinisi_crds::site::ClusterIdentity;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas, Resources};
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::model::workload::{
    self, Demand, DrainPolicy, Leg, LoadDemand, Placement, Signal, Tier,
};
use pinisi_planner::{Decision, Decisions, Reason, Share, Step, WorkloadId};
use std::sync::Arc;

pub(crate) fn id() -> WorkloadId {
    WorkloadId {
        namespace: "shop".into(),
        name: "web".into(),
    }
}

pub(crate) fn sibling(replicas: i32) -> Sibling {
    Sibling {
        name: "web-cloud".into(),
        uid: "s".into(),
        spec_replicas: replicas,
        digest: "d1".into(),
        deleting: false,
    }
}

/// A Deployment of ours in another cluster, as [`subject`]'s target has it.
pub(crate) fn remote(replicas: i32) -> RemoteDeployment {
    RemoteDeployment {
        uid: "r".into(),
        generation: 1,
        spec_replicas: replicas,
        digest: "d1".into(),
        carried: String::new(),
        owner: Ownership::Ours,
        deleting: false,
        foreign_writer: None,
        foreign_edit: None,
    }
}

pub(crate) fn remote_leg(deployment: Option<RemoteDeployment>) -> RemoteLeg {
    RemoteLeg {
        deployment,
        namespace: RemoteNamespace::Lawful,
        about: Circumstances::default(),
        standing: None,
        empty: true,
    }
}

/// A Site in another cluster that is up and guarded.
pub(crate) fn remote_site() -> SiteSubject {
    SiteSubject {
        connection: Connection::Remote(RemoteConnection {
            link: Link::Up,
            identity: Some(ClusterIdentity {
                uid: "cloud-uid".into(),
                version: "v1.37.2".into(),
            }),
            create_namespaces: false,
            guard: GuardFacts::InForce,
            age: Some(jiff::SignedDuration::ZERO),
            warnings: vec![],
            errors: Default::default(),
        }),
        match_labels: Default::default(),
        ..site(SiteKind::Cloud)
    }
}

pub(crate) fn site(kind: SiteKind) -> SiteSubject {
    SiteSubject {
        uid: "site".into(),
        generation: 1,
        kind,
        connection: Connection::Nodes,
        match_labels: [("place".to_owned(), format!("{kind:?}"))].into(),
        status_now: SiteStatus::default(),
        status: SiteStatus::default(),
        problems: vec![],
    }
}

pub(crate) fn subject() -> WorkloadSubject {
    WorkloadSubject {
        uid: "hw".into(),
        generation: 1,
        deleting: false,
        namespace_terminating: false,
        has_finalizer: false,
        class: Class::MassTraffic,
        mode: Mode::Active,
        target_ref: TargetRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            name: "web".into(),
        },
        target: Some(Target {
            uid: "t".into(),
            deployment: Some(Arc::new(DeploymentParts {
                selector: Default::default(),
                spec: serde_json::json!({ "template": {} }),
                digest: "d1".into(),
                rolled_out: true,
            })),
            selector: "app=web".into(),
            spec_replicas: 3,
        }),
        adopt_replicas: false,
        ready_home: None,
        siblings: Default::default(),
        remotes: Default::default(),
        carry: vec![],
        off_lawful_nodes: vec![],
        status: HybridWorkloadStatus::default(),
        decisions: Decisions::default(),
        problems: vec![],
    }
}

pub(crate) fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn load(milli: u64, second: i64) -> Demand {
    Demand::Load(LoadDemand {
        min: Replicas::new(1),
        max: Replicas::new(50),
        per_replica: MilliLoad(100_000),
        headroom: pinisi_planner::model::amounts::Percent::new(10),
        scale_down_window: Some(jiff::SignedDuration::from_secs(300)),
        signal: Signal::Fresh {
            load: MilliLoad(milli),
            at: at(second),
        },
        start_up: jiff::SignedDuration::from_secs(8),
        forecast: false,
    })
}

pub(crate) fn workload(home: u32, cloud: u32) -> workload::Workload {
    let leg = |n| Leg {
        spec: Replicas::new(n),
        ready: Replicas::new(n),
        bound: Replicas::new(n),
        ..Leg::default()
    };
    let tier = |name| Tier {
        sites: vec![SiteName::new(name)],
        min: Replicas::ZERO,
        max: Replicas::MAX,
    };
    workload::Workload {
        placement: Placement::MassTraffic {
            tiers: vec![tier("home"), tier("cloud")],
        },
        mode: workload::Mode::Active,
        demand: load(300_000, 0),
        override_: None,
        drain: DrainPolicy {
            after: jiff::SignedDuration::from_secs(600),
            step: Percent::new(10),
            interval: jiff::SignedDuration::from_secs(60),
        },
        priority: 0,
        request: Resources {
            millicores: 100,
            bytes: 1,
        },
        limits: Resources::ZERO,
        legs: [
            (SiteName::new("home"), leg(home)),
            (SiteName::new("cloud"), leg(cloud)),
        ]
        .into(),
        refused: Default::default(),
        windows: Vec::new(),
        depends: Vec::new(),
        competitor: None,
    }
}

/// `desired` and `ready` at home and in the cloud.
pub(crate) fn decision(
    home: (u32, u32),
    cloud: (u32, u32),
    reasons: Vec<Reason>,
    steps: Vec<Step>,
) -> Decision {
    let share = |(desired, ready), tier| Share {
        desired: Replicas::new(desired),
        ready: Replicas::new(ready),
        tier,
        under_high: Some(Replicas::new(desired)),
        fits: Some(Replicas::new(desired)),
    };
    Decision {
        want: Replicas::new(home.0 + cloud.0),
        shares: [
            (SiteName::new("home"), share(home, 1)),
            (SiteName::new("cloud"), share(cloud, 2)),
        ]
        .into(),
        steps,
        reasons,
        metrics: None,
        cost: Default::default(),
    }
}

pub(crate) fn step(site: &str, from: u32, to: u32) -> Step {
    Step {
        site: SiteName::new(site),
        home: site == "home",
        from: Replicas::new(from),
        to: Replicas::new(to),
    }
}
