//! One HybridWorkload: everything that can be wrong with it, and what the planner may know of it.

use super::{
    Context, demand, dependency,
    legs::{self, Running},
    metrics::Scope,
    placement::{self, Grounds, Placed},
    policy::Policies,
    problem::{Problem, class_name},
    remote::{Found, Search},
    schedule, target,
};
use crate::checked::WorkloadSubject;
use crate::gather::facts::{NamespaceFacts, Unreadable, WorkloadFacts};
use jiff::Timestamp;
use pinisi_crds::{
    HybridWorkloadSpec, HybridWorkloadStatus,
    hybrid_workload::{Class, DecisionMemory, DrainMemory, Mode, SpentMemory, TargetRef},
    names::{CLASS_LABEL, FINALIZER},
};
use pinisi_planner::{
    Decisions,
    memory::{Contest, Drain, Spent},
    model::{
        amounts::{MilliLoad, Replicas},
        dependency::MilliCalls,
        site::SiteName,
        workload::{self as world, Workload},
    },
};
use std::collections::BTreeMap;

/// Checks one workload: what `act` and `report` need, and the planner's part where it is sound.
pub fn check_one(
    context: &Context<'_>,
    facts: &WorkloadFacts,
    now: Timestamp,
) -> (WorkloadSubject, Option<Workload>) {
    let Context {
        index,
        refusals,
        sites,
        wants,
        violations,
        policies,
    } = context;
    let unlabelled = NamespaceFacts::default();
    let namespace = index
        .namespaces
        .get(&facts.key.namespace)
        .unwrap_or(&unlabelled);
    let mut problems = Vec::new();
    if facts.deleting {
        problems.push(Problem::BeingDeleted);
    }
    if namespace.terminating {
        problems.push(Problem::NamespaceTerminating {
            namespace: facts.key.namespace.clone(),
        });
    }
    let siblings = wants.siblings(&facts.key);
    let mut subject = WorkloadSubject {
        uid: facts.uid.clone(),
        generation: facts.generation,
        deleting: facts.deleting,
        namespace_terminating: namespace.terminating,
        has_finalizer: facts.finalizers.iter().any(|f| f == FINALIZER),
        class: Class::Sensitive,
        mode: Mode::default(),
        target_ref: TargetRef {
            api_version: String::new(),
            kind: String::new(),
            name: String::new(),
        },
        target: None,
        adopt_replicas: false,
        ready_home: None,
        siblings: legs::siblings(siblings),
        remotes: BTreeMap::new(),
        carry: Vec::new(),
        off_lawful_nodes: Vec::new(),
        status: facts.status.clone(),
        decisions: Decisions::default(),
        problems: Vec::new(),
    };
    let spec = match &facts.spec {
        Ok(spec) => spec,
        Err(unreadable) => {
            problems.insert(
                0,
                Problem::Unreadable {
                    error: unreadable.error.clone(),
                },
            );
            as_far_as_readable(&mut subject, unreadable, namespace);
            subject.problems = problems;
            return (subject, None);
        }
    };
    subject.class = spec.class;
    subject.mode = spec.mode.unwrap_or_default();
    subject.target_ref = spec.target_ref.clone();
    problems.extend(class_problem(&facts.key.namespace, namespace, spec.class));
    problems.extend(category_problem(spec, policies));
    let found = target::find(index, wants, &facts.key, &spec.target_ref, &mut problems);
    let grounds = Grounds {
        sites,
        index,
        policies,
        namespace: &facts.key.namespace,
        labels: &namespace.labels,
        target: found,
    };
    let placed = placement::read(&grounds, spec, &mut problems);
    subject.carry = placement::carry(spec, &mut problems);
    let running = found
        .map(|t| legs::of(index, t, siblings, placed.as_ref(), violations))
        .unwrap_or_default();
    let Running {
        mut legs,
        priority,
        mut starts,
        off_lawful,
    } = running;
    let Found {
        remotes,
        legs: away,
        starts: starts_away,
        refused,
    } = Search {
        index,
        sites,
        facts,
        target_name: &spec.target_ref.name,
        target: found,
        placed: placed.as_ref(),
        carry: &subject.carry,
        refusals,
        now,
    }
    .run();
    // A sibling of that site at home is from before its Site was another cluster: it stays first.
    for (site, leg) in away {
        legs.entry(site).or_insert(leg);
    }
    subject.remotes = remotes;
    subject.ready_home = placed
        .as_ref()
        .and_then(|p| p.sites.first())
        .and_then(|h| legs.get(h))
        .map(|l| l.ready);
    let total: Replicas = legs.values().map(|l| l.spec).sum();
    let home = placed.as_ref().and_then(|p| p.sites.first());
    starts.join(starts_away);
    let start_up = starts.slowest(placed.iter().flat_map(|p| &p.sites));
    let scope = Scope::new(
        index,
        facts,
        (found, siblings),
        home,
        &subject.remotes,
        start_up,
    );
    let (demand, adopt) = demand::read(&scope, spec, total, now, &mut problems);
    let windows = schedule::windows(
        &index.schedules,
        &facts.key,
        spec.autoscaling.as_ref(),
        now,
        &mut problems,
    );
    let depends = dependency::read(index, &facts.key, spec, now, &mut problems);
    problems.extend(driven_from_home(context, facts, spec, placed.as_ref()));
    let override_ = demand::override_of(spec, placed.as_ref(), now, &mut problems);
    let drain = demand::drain(spec, &mut problems);
    if let Some(placed) = &placed {
        placement::spreads(index, &grounds, placed, &mut problems);
        let home = placed.sites.first();
        if let Some((site, sibling)) = home
            .and_then(|h| subject.siblings.get_key_value(h))
            .filter(|(_, s)| !s.deleting)
        {
            problems.push(Problem::HomeMoved {
                site: site.to_string(),
                sibling: sibling.name.clone(),
            });
        }
    }
    let generation = placed
        .as_ref()
        .and_then(|p| p.sites.first())
        .and_then(|h| legs.get(h))
        .map_or(0, |l| l.generation);
    subject.decisions = decisions(&facts.status, generation);
    subject.target = found.map(target::subject);
    if spec.class == Class::Sensitive {
        subject.off_lawful_nodes = off_lawful;
    }
    // What blocks first; else in the order found.
    problems.sort_by_key(|p| !p.blocks());
    let sound = !problems.iter().any(Problem::blocks);
    subject.problems = problems;
    subject.adopt_replicas = adopt && sound;
    let workload = match (sound, placed, found) {
        (true, Some(placed), Some(found)) => Some(Workload {
            placement: placed.placement,
            mode: mode_of(subject.mode),
            demand,
            override_,
            drain,
            priority,
            request: found.template.requests,
            limits: found.template.limits,
            legs,
            refused,
            windows,
            depends,
            competitor: wants.autoscaler(found, siblings).map(ToOwned::to_owned),
        }),
        _ => None,
    };
    (subject, workload)
}

/// An HPA that sets the count of a workload, part of which it does not see.
fn driven_from_home(
    context: &Context<'_>,
    facts: &WorkloadFacts,
    spec: &HybridWorkloadSpec,
    placed: Option<&Placed>,
) -> Option<Problem> {
    if spec.autoscaling.is_some() {
        return None;
    }
    let remote = |site: &&SiteName| {
        let facts = context.index.sites.get(site.as_str());
        let spec = facts.and_then(|site| site.spec.as_ref().ok());
        spec.is_some_and(|spec| spec.kubeconfig_secret_ref.is_some())
    };
    let site = placed?.sites.iter().find(remote)?;
    let drivers = context.wants.drivers(&facts.key).iter();
    let (hpa, counting) = drivers
        .filter_map(|hpa| Some((hpa, hpa.counts_pods.as_ref()?)))
        .next()?;
    Some(Problem::HpaCountsHomePods {
        hpa: match &hpa.scaled_object {
            Some(owner) => format!("ScaledObject {owner}"),
            None => format!("HorizontalPodAutoscaler {}", hpa.key.name),
        },
        field: counting.field.clone(),
        kind: counting.kind,
        site: site.to_string(),
    })
}

const fn mode_of(mode: Mode) -> world::Mode {
    match mode {
        Mode::Observe => world::Mode::Observe,
        Mode::Active => world::Mode::Active,
        Mode::Paused => world::Mode::Paused,
    }
}

fn class_problem(name: &str, namespace: &NamespaceFacts, class: Class) -> Option<Problem> {
    match namespace.labels.get(CLASS_LABEL) {
        None => Some(Problem::NamespaceUnclassified {
            namespace: name.to_owned(),
            class,
        }),
        Some(label) if label == class_name(class) => None,
        Some(label) => Some(Problem::ClassMismatch {
            namespace: name.to_owned(),
            label: label.clone(),
            class,
        }),
    }
}

/// What G57 of the guard refuses, for what came before the guard or before the law.
fn category_problem(spec: &HybridWorkloadSpec, policies: &Policies<'_>) -> Option<Problem> {
    // Most say nothing, and need no look at the laws.
    let held = spec.data_categories.as_ref()?;
    if spec.class == Class::Sensitive {
        return None;
    }
    let forced = policies.categories();
    held.iter().find_map(|category| {
        forced
            .get(category)
            .map(|article| Problem::CategoryForcesSensitive {
                category: *category,
                article: article.clone(),
            })
    })
}

/// Fills in what can be told of a spec that cannot be read. Where its class cannot, it is Sensitive.
fn as_far_as_readable(
    subject: &mut WorkloadSubject,
    unreadable: &Unreadable,
    namespace: &NamespaceFacts,
) {
    let part = |key: &str| unreadable.raw.get(key).cloned().unwrap_or_default();
    let label = namespace
        .labels
        .get(CLASS_LABEL)
        .cloned()
        .unwrap_or_default();
    let class =
        serde_json::from_value(part("class")).or_else(|_| serde_json::from_value(label.into()));
    subject.class = class.unwrap_or(Class::Sensitive);
    if let Ok(target) = serde_json::from_value(part("targetRef")) {
        subject.target_ref = target;
    }
}

/// Decisions that outlive a restart. A contest's last write is the one that stands now.
fn decisions(status: &HybridWorkloadStatus, generation: i64) -> Decisions {
    let Some(DecisionMemory {
        total,
        drain,
        contest,
        scaled_to_zero,
        spent,
    }) = &status.memory
    else {
        return Decisions::default();
    };
    let sites = status
        .sites
        .iter()
        .map(|s| (SiteName::new(&s.name), Replicas::from_api(s.desired)))
        .collect();
    Decisions {
        total: total.map(Replicas::from_api),
        sites,
        drain: drain.as_ref().map(
            |DrainMemory {
                 from,
                 to,
                 moving,
                 since,
             }| Drain {
                from: SiteName::new(from),
                to: SiteName::new(to),
                moving: Replicas::from_api(*moving),
                since: since.0,
            },
        ),
        contest: contest.as_ref().map(|c| Contest {
            writes: u32::try_from(c.writes).unwrap_or(0),
            last: c.last.0,
            writer: c.writer.clone(),
            generation,
        }),
        scaled_to_zero: scaled_to_zero.unwrap_or(false),
        spent: spent.iter().map(read_spent).collect(),
    }
}

fn read_spent(memory: &SpentMemory) -> (String, Spent) {
    let SpentMemory {
        name,
        day,
        since,
        calls,
        at,
        rate,
    } = memory;
    let whole = |n: i64| u64::try_from(n).unwrap_or(0);
    let spent = Spent {
        day: day.0,
        since: since.0,
        calls: MilliCalls(whole(*calls).saturating_mul(1000)),
        at: at.0,
        rate: MilliLoad(whole(*rate)),
    };
    (name.clone(), spent)
}
